// An image of which only some sectors are there, the others zeros: file systems of any size in a few kilobytes, for
// fuzzing. A sector is two bytes, its number (little-endian), and its content.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <map>

#include "amtgate/ider/block_source.h"
#include "amtgate/ider/medium_map.h"

namespace amtgate::ider::test {

class SparseImage final : public BlockSource {
 public:
  SparseImage(Bytes packed, std::uint32_t size) : size_(size) {
    while (packed.size() > 2) {
      const std::uint32_t number = packed[0] | std::uint32_t{packed[1]} << 8;
      const Bytes content = packed.subspan(2, std::min<std::size_t>(size, packed.size() - 2));
      sectors_[number] = content;
      packed = packed.subspan(2 + content.size());
    }
  }
  std::uint32_t block_size() const override { return size_; }
  SectorCount blocks() const override { return {66'000}; }
  Result<Fetch> read(Lba first, MutableBytes out) override {
    if (++reads_ > MediumMap::kMaxReads) std::abort();  // the limits do not hold
    if (out.empty() || out.size() % size_ != 0) std::abort();
    if (first.value >= blocks().value || out.size() / size_ > blocks().value - first.value) std::abort();
    std::ranges::fill(out, std::uint8_t{0});
    const auto end = sectors_.lower_bound(first.value + static_cast<std::uint32_t>(out.size() / size_));
    for (auto s = sectors_.lower_bound(first.value); s != end; ++s)
      std::ranges::copy(s->second, out.begin() + static_cast<std::ptrdiff_t>((s->first - first.value) * size_));
    return Fetch::Done;
  }

 private:
  const std::uint32_t size_;
  std::map<std::uint32_t, Bytes> sectors_;
  std::size_t reads_ = 0;
};

/// Reads its map, and what the map says of blocks all over it.
inline void map_and_look(Bytes packed, std::uint32_t size) {
  SparseImage image(packed, size);
  const MediumMap map = MediumMap::read(image);
  if (map.files() > MediumMap::kMaxFiles) std::abort();
  for (std::uint32_t b = 0; b < 66'000; b += 97) {
    const auto place = map.at({b});
    if (place && (place->percent > 99 || place->name.empty() || place->name.size() > MediumMap::kMaxPath + 1))
      std::abort();
  }
}

}  // namespace amtgate::ider::test
