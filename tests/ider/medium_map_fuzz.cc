#include <cstdlib>

#include "amtgate/ider/medium_map.h"

using namespace amtgate;

namespace {

/// What comes stands where the volume descriptors are, and again and again behind it, so that directories lead
/// somewhere; the first blocks are its beginning too.
class Image final : public ider::BlockSource {
 public:
  Image(Bytes bytes, std::uint32_t size) : bytes_(bytes), size_(size) {}
  std::uint32_t block_size() const override { return size_; }
  ider::SectorCount blocks() const override { return {100'000}; }
  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override {
    if (++reads > ider::MediumMap::kMaxReads) std::abort();  // the limits do not hold
    const std::uint64_t at = std::uint64_t{first.value} * size_;
    if (bytes_.empty()) return Error{Errc::System, "nothing"};
    const std::uint64_t from = at < 32768 ? at : at - 32768;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = bytes_[(from + i) % bytes_.size()];
    return ider::Fetch::Done;
  }
  unsigned reads = 0;

 private:
  Bytes bytes_;
  std::uint32_t size_;
};

}  // namespace

// The first byte chooses the block size.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Image image(Bytes(data, size).subspan(1), data[0] & 1 ? 512 : 2048);
  const ider::MediumMap map = ider::MediumMap::read(image);
  for (std::uint32_t b = 0; b < 100'000; b += 997) {
    const auto place = map.at({b});
    if (place && (place->percent > 99 || place->name.empty())) std::abort();
  }
  return 0;
}
