// FolderLock: one program at a time changes the files of a folder that several programs write to.
#pragma once

#include <string>

#include "amtgate/sys/fd.h"

namespace amtgate::sys {

class FolderLock {
 public:
  /// Waits for whoever has it, at most five seconds: what is done under it takes milliseconds, and a program that
  /// hangs must not hang the others. Without the folder, or where it cannot be locked, this is no lock.
  explicit FolderLock(const std::string& folder);

 private:
  UniqueFd fd_;  // closing it lets go
};

}  // namespace amtgate::sys
