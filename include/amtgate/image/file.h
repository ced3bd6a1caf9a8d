// File: a file (or block device) as the medium of an IDE-R drive.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/ider/block_source.h"
#include "amtgate/sys/fd.h"

namespace amtgate::image {

class File final : public ider::BlockSource {
 public:
  /// Opened read-only; its size is taken now. Errors, each naming the path: System (cannot be opened), BadValue
  /// (empty, or a folder), TooLarge (more blocks than READ CAPACITY(10) can say).
  static Result<std::unique_ptr<File>> open(const std::string& path, std::uint32_t block_size);

  std::uint32_t block_size() const override { return block_size_; }
  ider::SectorCount blocks() const override { return blocks_; }
  /// Errors: System (the file cannot be read, or has become shorter).
  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override;
  std::uint64_t size() const { return size_; }

 private:
  File(std::string path, sys::UniqueFd fd, std::uint64_t size, std::uint32_t block_size);

  std::string path_;
  sys::UniqueFd fd_;
  std::uint64_t size_;
  std::uint32_t block_size_;
  ider::SectorCount blocks_;
};

}  // namespace amtgate::image
