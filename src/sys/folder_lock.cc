#include "amtgate/sys/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "amtgate/sys/clock.h"

namespace amtgate::sys {
namespace {

constexpr seconds kPatience{5};
// Short, as a program that writes much leaves only moments between its turns.
constexpr std::chrono::microseconds kPause{200};

}  // namespace

// The folder itself is locked: a file for it would have to be root's and the daemon's account's at once.
FolderLock::FolderLock(const std::string& folder)
    : fd_(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (!fd_) return;
  const TimePoint until = now() + kPatience;
  while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if ((errno != EWOULDBLOCK && errno != EINTR) || now() >= until) return;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace amtgate::sys
