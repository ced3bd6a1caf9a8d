#include "amtgate/image/file.h"

#include <fcntl.h>
#include <linux/cdrom.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>

namespace amtgate::image {

Error unreadable(const std::string& name, std::uint64_t at) {
  return Error{Errc::System,
               name + ": it cannot be read at byte " + std::to_string(at) + " (" + std::strerror(errno) + ")"};
}

bool no_disc(int fd) {
  // Other disks do not know the question.
  const int status = ::ioctl(fd, CDROM_DRIVE_STATUS, CDSL_CURRENT);
  return status == CDS_NO_DISC || status == CDS_TRAY_OPEN || status == CDS_DRIVE_NOT_READY;
}

Result<std::unique_ptr<File>> File::open(const std::string& path, std::uint32_t block_size, Access access) {
  const bool write = access == Access::Write;
  sys::UniqueFd fd(::open(path.c_str(), (write ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) {
    const char* what_to_do =
        write && (errno == EROFS || errno == EACCES) ? "; --overlay keeps what is written elsewhere" : "";
    return Error{Errc::System, path + ": " + std::strerror(errno) + what_to_do};
  }
  if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
    return Error{Errc::BadValue, path + ": neither a file nor a disk"};
  if (S_ISBLK(st.st_mode) && no_disc(fd.get())) return Error{Errc::BadValue, path + ": no disc in the drive"};
  const off_t end = ::lseek(fd.get(), 0, SEEK_END);  // a block device has no st_size
  if (end < 0) return Error{Errc::System, path + ": " + std::strerror(errno)};
  if (end == 0) return Error{Errc::BadValue, path + ": it is empty"};
  const auto size = static_cast<std::uint64_t>(end);
  // READ CAPACITY(10) gives the last block as 32 bits, and all ones means "ask with (16)", which AMT cannot.
  if ((size + block_size - 1) / block_size > std::numeric_limits<std::uint32_t>::max() - 1) {
    return Error{Errc::TooLarge, path + ": " + std::to_string(size) + " bytes are more than a drive can have"};
  }
  if (write && size % block_size != 0) {
    return Error{Errc::BadValue, path + ": " + std::to_string(size) + " bytes are not whole blocks of " +
                                     std::to_string(block_size) + "; it cannot be written"};
  }
  if (write && ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Errc::Busy, path + ": somebody else writes it (" + std::strerror(errno) + ")"};
  }
  auto file = std::unique_ptr<File>(new File(path, std::move(fd), size, block_size, access));
  file->seen_size_ = static_cast<std::uint64_t>(st.st_size);
  file->seen_time_ = st.st_mtim;
  return file;
}

File::File(std::string path, sys::UniqueFd fd, std::uint64_t size, std::uint32_t block_size, Access access)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      size_(size),
      block_size_(block_size),
      blocks_{static_cast<std::uint32_t>((size + block_size - 1) / block_size)},
      access_(access) {}

Result<void> File::check_range(ider::Lba first, std::size_t n) const {
  const std::uint64_t from = std::uint64_t{first.value} * block_size_;
  const std::uint64_t all = std::uint64_t{blocks_.value} * block_size_;
  if (from <= all && n <= all - from) return {};
  return Error{Errc::BadValue, path_ + ": block " + std::to_string(first.value) + " is not in the image"};
}

Result<ider::Fetch> File::read(ider::Lba first, MutableBytes out) {
  if (const Result<void> in_it = check_range(first, out.size()); !in_it) return in_it.error();
  const std::uint64_t from = std::min(std::uint64_t{first.value} * block_size_, size_);
  const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), size_ - from));
  std::size_t got = 0;
  while (got < want) {
    const ssize_t n = ::pread(fd_.get(), out.data() + got, want - got, static_cast<off_t>(from + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return unreadable(path_, from + got);
    if (n == 0) return Error{Errc::System, path_ + ": it has become shorter"};
    got += static_cast<std::size_t>(n);
  }
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(want), out.end(), std::uint8_t{0});
  return ider::Fetch::Done;
}

/// One call where all of it is there; what is not goes the long way.
Result<ider::Fetch> File::read_pieces(ider::Lba first, std::span<const MutableBytes> pieces) {
  std::array<iovec, 16> parts;
  std::size_t all = 0;
  if (pieces.size() <= parts.size()) {
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      parts[i] = {pieces[i].data(), pieces[i].size()};
      all += pieces[i].size();
    }
    const std::uint64_t from = std::uint64_t{first.value} * block_size_;
    if (check_range(first, all)) {
      const ssize_t n = ::preadv(fd_.get(), parts.data(), static_cast<int>(pieces.size()), static_cast<off_t>(from));
      if (n >= 0 && static_cast<std::size_t>(n) == all) return ider::Fetch::Done;
    }
  }
  return BlockSource::read_pieces(first, pieces);
}

bool File::peek(ider::Lba first, std::span<const MutableBytes> pieces) {
  // A last block that is to be filled up is left to read().
  return kept_.peek(fd_.get(), std::uint64_t{first.value} * block_size_, pieces);
}

Result<void> File::write(ider::Lba first, Bytes in) {
  if (access_ != Access::Write) return Error{Errc::BadValue, path_ + ": it was opened to be read"};
  if (const Result<void> in_it = check_range(first, in.size()); !in_it) return in_it.error();
  const std::uint64_t to = std::uint64_t{first.value} * block_size_;
  for (std::size_t put = 0; put < in.size();) {
    const ssize_t n = ::pwrite(fd_.get(), in.data() + put, in.size() - put, static_cast<off_t>(to + put));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{Errc::System, path_ + ": " + std::strerror(n < 0 ? errno : ENOSPC)};
    put += static_cast<std::size_t>(n);
  }
  return {};
}

Result<void> File::flush() {
  if (access_ != Access::Write || ::fdatasync(fd_.get()) == 0) return {};
  return Error{Errc::System, path_ + ": " + std::strerror(errno)};
}

std::optional<std::string> File::changed() {
  struct stat st {};
  if (::fstat(fd_.get(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
  const auto size = static_cast<std::uint64_t>(st.st_size);
  const bool touched = st.st_mtim.tv_sec != seen_time_.tv_sec || st.st_mtim.tv_nsec != seen_time_.tv_nsec;
  const bool resized = size != seen_size_;
  if (!resized && (!touched || access_ == Access::Write)) return std::nullopt;
  seen_size_ = size;
  seen_time_ = st.st_mtim;
  if (size < size_) {
    return path_ + ": it has become shorter, " + std::to_string(size) + " bytes of " + std::to_string(size_) +
           "; the machine reads errors behind that";
  }
  return path_ + ": it was changed while it is served; the machine may have read the half of it before";
}

}  // namespace amtgate::image
