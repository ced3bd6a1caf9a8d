// An image in memory for tests. Block n is filled with bytes that depend on n, so that a wrong block shows.
#pragma once

#include <algorithm>
#include <optional>

#include "amtgate/ider/block_source.h"

namespace amtgate::test {

class MemorySource final : public ider::BlockSource {
 public:
  MemorySource(std::uint32_t block_size, std::uint32_t blocks)
      : block_size_(block_size), image_(std::size_t{block_size} * blocks) {
    for (std::size_t i = 0; i < image_.size(); ++i)
      image_[i] = static_cast<std::uint8_t>(i / block_size * 7 + i % 251);
  }
  std::uint32_t block_size() const override { return block_size_; }
  ider::SectorCount blocks() const override { return {static_cast<std::uint32_t>(image_.size() / block_size_)}; }
  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override {
    ++reads;
    if (late_at && first.value + out.size() / block_size_ > *late_at) return ider::Fetch::Later;
    const std::size_t at = std::size_t{first.value} * block_size_;
    if (at > image_.size() || out.size() > image_.size() - at) return Error{Errc::BadValue, "outside the image"};
    if (broken_at && first.value + out.size() / block_size_ > *broken_at) return Error{Errc::System, "broken"};
    std::copy_n(image_.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
    return ider::Fetch::Done;
  }

  bool peek(ider::Lba first, std::span<const MutableBytes> pieces) override {
    ++peeks;
    if (!can_peek) return false;
    for (const MutableBytes& p : pieces) {
      std::copy_n(image_.begin() + static_cast<std::ptrdiff_t>(std::size_t{first.value} * block_size_), p.size(),
                  p.begin());
      first.value += static_cast<std::uint32_t>(p.size() / block_size_);
    }
    return true;
  }
  bool confirm() override {
    ++confirms;
    return !stale;
  }
  /// Somebody else writes a byte of every block.
  void change() {
    for (std::size_t i = 0; i < image_.size(); i += block_size_) image_[i] ^= 0xff;
    stale = true;
  }

  bool writable() const override { return can_write; }
  Result<void> write(ider::Lba first, Bytes in) override {
    ++writes;
    const std::size_t at = std::size_t{first.value} * block_size_;
    if (at > image_.size() || in.size() > image_.size() - at || in.size() % block_size_ != 0)
      return Error{Errc::BadValue, "outside the image"};
    if (broken_at && first.value + in.size() / block_size_ > *broken_at) return Error{Errc::System, "broken"};
    std::copy(in.begin(), in.end(), image_.begin() + static_cast<std::ptrdiff_t>(at));
    if (forgetful) image_[at] ^= 0x55;
    return {};
  }
  Result<void> flush() override {
    ++flushes;
    return {};
  }

  const Buffer& image() const { return image_; }
  bool can_write = false;
  bool forgetful = false;  // keeps something else than it is given
  unsigned writes = 0;
  unsigned flushes = 0;
  unsigned reads = 0;
  unsigned peeks = 0;
  unsigned confirms = 0;
  bool can_peek = false;
  bool stale = false;                      // what was peeked is not true any more
  std::optional<std::uint32_t> broken_at;  // a block that cannot be read
  std::optional<std::uint32_t> late_at;    // a block that is not there yet

 private:
  std::uint32_t block_size_;
  Buffer image_;
};

}  // namespace amtgate::test
