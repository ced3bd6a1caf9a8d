// ActAs: files made and read as another account for a while.
#pragma once

#include <sys/types.h>

namespace amtgate::sys {

/// While it lives, the effective user and group are these. Does nothing when we are not root, or already are them.
/// The identity is the process's: not with a second thread running. Ends the program when root cannot be taken back.
class ActAs {
 public:
  ActAs(uid_t uid, gid_t gid);
  ~ActAs();
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;

 private:
  bool acting_ = false;
};

}  // namespace amtgate::sys
