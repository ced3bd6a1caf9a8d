// File: a file (or block device) as the medium of an IDE-R drive.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/ider/block_source.h"
#include "amtgate/image/file_stamp.h"
#include "amtgate/sys/fd.h"

namespace amtgate::image {

/// What is said of a read that failed with errno: names the file and the place.
Error unreadable(const std::string& name, std::uint64_t at);
/// Whether it is a CD drive with nothing in it, which otherwise has the size of what was in it last.
bool no_disc(int fd);

enum class Access : std::uint8_t { Read, Write };

class File final : public ider::BlockSource {
 public:
  /// Its size is taken now. With Access::Write nobody else can open it so through here. Errors, each naming the path:
  /// System (cannot be opened), BadValue (empty, or a folder; to be written, and not of whole blocks), TooLarge (more
  /// blocks than READ CAPACITY(10) can say), Busy (somebody else writes it).
  static Result<std::unique_ptr<File>> open(const std::string& path, std::uint32_t block_size,
                                            Access access = Access::Read);

  std::uint32_t block_size() const override { return block_size_; }
  ider::SectorCount blocks() const override { return blocks_; }
  /// Errors: System (the file cannot be read, or has become shorter).
  Result<ider::Fetch> read(ider::Lba first, MutableBytes out) override;
  Result<ider::Fetch> read_pieces(ider::Lba first, std::span<const MutableBytes> pieces) override;
  /// Of a regular file, what the kernel has in memory.
  bool peek(ider::Lba first, std::span<const MutableBytes> pieces) override;
  bool confirm() override { return kept_.still(fd_.get()); }
  bool writable() const override { return access_ == Access::Write; }
  /// Errors: System; BadValue (not within the image, not opened for it).
  Result<void> write(ider::Lba first, Bytes in) override;
  Result<void> flush() override;
  std::uint64_t size() const { return size_; }

  /// What somebody else has done to the file since it was opened, or since this was asked: a sentence that names it.
  /// Of a file that is written here only its size is looked at.
  std::optional<std::string> changed();

 private:
  File(std::string path, sys::UniqueFd fd, std::uint64_t size, std::uint32_t block_size, Access access);
  Result<void> check_range(ider::Lba first, std::size_t n) const;

  std::string path_;
  sys::UniqueFd fd_;
  std::uint64_t size_;
  std::uint32_t block_size_;
  ider::SectorCount blocks_;
  Access access_;
  FileStamp kept_;
  std::uint64_t seen_size_ = 0;
  timespec seen_time_{};
};

}  // namespace amtgate::image
