#include "amtgate/image/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace amtgate::image {

Result<std::unique_ptr<File>> File::open(const std::string& path, std::uint32_t block_size) {
  sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return Error{Errc::System, path + ": " + std::strerror(errno)};
  if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
    return Error{Errc::BadValue, path + ": neither a file nor a disk"};
  const off_t end = ::lseek(fd.get(), 0, SEEK_END);  // a block device has no st_size
  if (end < 0) return Error{Errc::System, path + ": " + std::strerror(errno)};
  if (end == 0) return Error{Errc::BadValue, path + ": it is empty"};
  const auto size = static_cast<std::uint64_t>(end);
  // READ CAPACITY(10) gives the last block as 32 bits, and all ones means "ask with (16)", which AMT cannot.
  if ((size + block_size - 1) / block_size > std::numeric_limits<std::uint32_t>::max() - 1) {
    return Error{Errc::TooLarge, path + ": " + std::to_string(size) + " bytes are more than a drive can have"};
  }
  return std::unique_ptr<File>(new File(path, std::move(fd), size, block_size));
}

File::File(std::string path, sys::UniqueFd fd, std::uint64_t size, std::uint32_t block_size)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      size_(size),
      block_size_(block_size),
      blocks_{static_cast<std::uint32_t>((size + block_size - 1) / block_size)} {}

Result<ider::Fetch> File::read(ider::Lba first, MutableBytes out) {
  const std::uint64_t from = std::uint64_t{first.value} * block_size_;
  if (from > size_ || out.size() > std::uint64_t{blocks_.value} * block_size_ - from) {
    return Error{Errc::BadValue, path_ + ": block " + std::to_string(first.value) + " is not in the image"};
  }
  const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - from));
  std::size_t got = 0;
  while (got < want) {
    const ssize_t n = ::pread(fd_.get(), out.data() + got, want - got, static_cast<off_t>(from + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::System, path_ + ": " + std::strerror(errno)};
    if (n == 0) return Error{Errc::System, path_ + ": it has become shorter"};
    got += static_cast<std::size_t>(n);
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(want), out.end(), std::uint8_t{0});
  return ider::Fetch::Done;
}

}  // namespace amtgate::image
