// This core's one door to the disk: sys is an edge that config may not include, and its users (rules, daemon, cli)
// must all load the same way.
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "amtgate/base/handle.h"
#include "amtgate/config/load.h"

namespace amtgate::config {
namespace {

Error system_error() {
  const int code = errno;
  if (code == ENOENT || code == ENOTDIR) return Error{Errc::Unreachable, "no such file"};
  if (code == EACCES || code == EPERM) return Error{Errc::System, "permission denied"};
  return Error{Errc::System, std::strerror(code)};
}

struct Closer {
  int fd;
  ~Closer() { ::close(fd); }
};

}  // namespace

Result<Files::File> DiskFiles::read(const std::string& path, std::size_t limit) {
  // Non-blocking, so that a FIFO in the file's place cannot hang the daemon; the checks are made on what was opened.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return system_error();
  const Closer closer{fd};
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return system_error();
  if (!S_ISREG(info.st_mode)) return Error{Errc::BadValue, "not a regular file"};
  File out;
  out.mode = info.st_mode & 07777;
  out.owner = info.st_uid;
  char block[16384];
  while (true) {
    const ssize_t n = ::read(fd, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error();
    if (n == 0) return out;
    out.text.append(block, static_cast<std::size_t>(n));
    if (out.text.size() > limit) return Error{Errc::TooLarge, "larger than " + std::to_string(limit) + " bytes"};
  }
}

Result<std::vector<std::string>> DiskFiles::list(const std::string& folder) {
  std::vector<std::string> names;
  const Handle<DIR, &::closedir> dir(::opendir(folder.c_str()));
  if (!dir) {
    if (errno == ENOENT) return names;
    return system_error();
  }
  while (const dirent* entry = ::readdir(dir.get())) names.emplace_back(entry->d_name);
  return names;
}

std::optional<uid_t> DiskFiles::account(const std::string& user) {
  std::vector<char> buffer(16384);
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return std::nullopt;
  return entry.pw_uid;
}

uid_t DiskFiles::self() {
  return ::geteuid();
}

}  // namespace amtgate::config
