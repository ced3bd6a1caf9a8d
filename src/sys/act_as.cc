#include "amtgate/sys/act_as.h"

#include <unistd.h>

#include <cstdlib>

namespace amtgate::sys {

ActAs::ActAs(uid_t uid, gid_t gid) {
  if (::geteuid() != 0 || uid == 0) return;
  if (::setegid(gid) != 0) return;
  acting_ = true;
  if (::seteuid(uid) != 0) std::abort();  // root may become anybody; else nothing here is as it seems
}

ActAs::~ActAs() {
  if (!acting_) return;
  // Going on with half an identity would be worse than not going on.
  if (::seteuid(0) != 0 || ::setegid(0) != 0) std::abort();
}

}  // namespace amtgate::sys
