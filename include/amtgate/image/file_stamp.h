// FileStamp: whether a file is still what it was when something of it was read ahead, and that reading.
#pragma once

#include <cstdint>
#include <ctime>
#include <span>

#include "amtgate/base/bytes.h"

namespace amtgate::image {

class FileStamp {
 public:
  /// Reads all of `pieces`, one behind the other, from the byte `from` on: only from the kernel's memory, and only
  /// from a regular file, since disks have no times. At most 16 pieces. False: not all of it is there.
  bool peek(int fd, std::uint64_t from, std::span<const MutableBytes> pieces);
  /// Size and times are those from before the last peek().
  bool still(int fd);

 private:
  bool take(int fd);

  bool known_ = false;
  std::uint64_t size_ = 0;
  timespec modified_{};
  timespec changed_{};
};

}  // namespace amtgate::image
