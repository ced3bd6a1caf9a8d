#include "amtgate/image/file_stamp.h"

#include <sys/stat.h>
#include <sys/uio.h>

#include <array>

namespace amtgate::image {
namespace {

bool same(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

/// True: nothing is other than before.
bool FileStamp::take(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return known_ = false;
  const auto size = static_cast<std::uint64_t>(st.st_size);
  const bool still = known_ && size == size_ && same(st.st_mtim, modified_) && same(st.st_ctim, changed_);
  known_ = true;
  size_ = size;
  modified_ = st.st_mtim;
  changed_ = st.st_ctim;
  return still;
}

bool FileStamp::peek(int fd, std::uint64_t from, std::span<const MutableBytes> pieces) {
  std::array<iovec, 16> parts;
  if (pieces.size() > parts.size()) return false;
  // What still() saw last is before this too: one call in all for each piece of a sequence.
  if (!known_) (void)take(fd);
  if (!known_) return false;
  std::size_t all = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    parts[i] = {pieces[i].data(), pieces[i].size()};
    all += pieces[i].size();
  }
  if (from > size_ || all > size_ - from) return false;
  const ssize_t n =
      ::preadv2(fd, parts.data(), static_cast<int>(pieces.size()), static_cast<off_t>(from), RWF_NOWAIT);
  return n >= 0 && static_cast<std::size_t>(n) == all;
}

bool FileStamp::still(int fd) {
  return take(fd);
}

}  // namespace amtgate::image
