#include "amtgate/sys/fd.h"

#include <unistd.h>

#include <cerrno>

namespace amtgate::sys {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) {
    const int saved = errno;
    ::close(fd_);  // Linux has freed the descriptor even when this says EINTR
    errno = saved;
  }
  fd_ = fd;
}

}  // namespace amtgate::sys
