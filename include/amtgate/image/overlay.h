// Overlay: an image that stays as it is, with what is written to it kept in another file (overlay_format.h), from run
// to run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "amtgate/ider/block_source.h"
#include "amtgate/image/overlay_format.h"
#include "amtgate/sys/fd.h"

namespace amtgate::image {

class Overlay final : public ider::BlockSource {
 public:
  /// `base` must outlive it. A file that is not there is made. Errors, each naming the path: System; Busy (another
  /// program has it); BadValue (not an overlay, a damaged one, one of another image); TooLarge (the image).
  static Result<std::unique_ptr<Overlay>> open(const std::string& path, ider::BlockSource& base);

  std::uint32_t block_size() const override { return header_.block_size; }
  ider::SectorCount blocks() const override { return {header_.blocks}; }
  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override;
  /// Of blocks that are all the image's.
  bool peek(ider::Lba first, std::span<const MutableBytes> pieces) override;
  bool confirm() override { return base_.confirm(); }
  bool writable() const override { return true; }
  Result<void> write(ider::Lba first, Bytes in) override;
  Result<void> flush() override;
  /// Blocks that are in the overlay.
  std::uint64_t written() const;

 private:
  Overlay(std::string path, sys::UniqueFd fd, ider::BlockSource& base, OverlayHeader header, Buffer bitmap)
      : path_(std::move(path)), fd_(std::move(fd)), base_(base), header_(header), bitmap_(std::move(bitmap)) {}
  bool has(std::uint32_t block) const { return (bitmap_[block / 8] >> (block % 8) & 1) != 0; }
  Result<void> check_range(ider::Lba first, std::size_t n) const;
  std::uint64_t place(std::uint32_t block) const {
    return header_.data_start() + std::uint64_t{block} * header_.block_size;
  }

  std::string path_;
  sys::UniqueFd fd_;
  ider::BlockSource& base_;
  OverlayHeader header_;
  Buffer bitmap_;
};

}  // namespace amtgate::image
