// An image that a test writes by hand, and what a map says of it.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "amtgate/ider/block_source.h"
#include "amtgate/ider/medium_map.h"

namespace amtgate::ider::test {

class DrawnImage : public BlockSource {
 public:
  DrawnImage(std::uint32_t block_size, std::size_t blocks) : bytes(block_size * blocks), size_(block_size) {}
  std::uint32_t block_size() const override { return size_; }
  SectorCount blocks() const override { return {static_cast<std::uint32_t>(bytes.size() / size_)}; }
  Result<Fetch> read(Lba first, MutableBytes out) override {
    ++reads;
    const std::size_t at = std::size_t{first.value} * size_;
    if (at > bytes.size() || out.size() > bytes.size() - at) return Error{Errc::BadValue, "outside"};
    std::memcpy(out.data(), &bytes[at], out.size());
    return Fetch::Done;
  }
  void text(std::size_t at, std::string_view what) { std::memcpy(&bytes[at], what.data(), what.size()); }
  void u8(std::size_t at, unsigned v) { bytes[at] = static_cast<std::uint8_t>(v); }
  void le16(std::size_t at, unsigned v) { little(at, v, 2); }
  void le32(std::size_t at, std::uint64_t v) { little(at, v, 4); }
  void le64(std::size_t at, std::uint64_t v) { little(at, v, 8); }

  Buffer bytes;
  std::size_t reads = 0;

 private:
  void little(std::size_t at, std::uint64_t v, unsigned n) {
    for (unsigned i = 0; i < n; ++i) bytes[at + i] = static_cast<std::uint8_t>(v >> (8 * i));
  }
  std::uint32_t size_;
};

/// "/NAME PERCENT", "-" where nothing is known.
inline std::string at(const MediumMap& map, std::uint32_t lba) {
  const auto p = map.at({lba});
  return p ? std::string(p->name) + " " + std::to_string(p->percent) : "-";
}

}  // namespace amtgate::ider::test
