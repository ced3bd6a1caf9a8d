#include "amtgate/sys/limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace amtgate::sys {

std::uint64_t raise_open_files(std::uint64_t want) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur >= want) return limit.rlim_cur;
  if (limit.rlim_max < want) {
    rlimit more{want, want};
    if (::setrlimit(RLIMIT_NOFILE, &more) == 0) return want;
  }
  limit.rlim_cur = std::min<rlim_t>(want, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace amtgate::sys
