#include "amtgate/sys/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace amtgate::sys {
namespace {

bool nobody_reads(int fd) {
  pollfd p{fd, 0, 0};
  return ::poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

}  // namespace

void fill_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one. The wrong direction, so that its use fails; what is said on standard error
    // has nowhere to go.
    const int flags = fd == STDIN_FILENO ? O_WRONLY : fd == STDOUT_FILENO ? O_RDONLY : O_RDWR;
    if (::open("/dev/null", flags) < 0) return;
  }
}

int finish_output(const char* program, int code) {
  const bool failed_before = std::ferror(stdout) != 0;
  errno = 0;
  const bool failed = std::fflush(stdout) != 0 || failed_before;
  if (!failed) return code;
  const int why = errno;
  if (nobody_reads(STDOUT_FILENO)) return code;
  std::fprintf(stderr, "%s: cannot write to standard output%s%s\n", program, why != 0 ? ": " : "",
               why != 0 ? std::strerror(why) : "");
  return code != 0 ? code : 1;
}

}  // namespace amtgate::sys
