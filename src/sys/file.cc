#include "amtgate/sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "amtgate/base/handle.h"
#include "amtgate/sys/fd.h"

namespace amtgate::sys {
namespace {

Error failed(const char* what, const std::string& path, int number) {
  const Errc code = number == ENOENT ? Errc::Unreachable : Errc::System;
  return Error{code, std::string(what) + " " + path + ": " + std::strerror(number)};
}

Result<void> write_all(int fd, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot write", path, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// What is under a name already.
struct Present {
  std::string path;      // of the file itself, where a link leads to one
  bool special = false;  // a device, a pipe: written to, never replaced
};

/// Another account's link is not followed: it is replaced. In a folder of the daemon's, root must not be led
/// elsewhere.
Present present(const std::string& path) {
  struct stat at {};
  if (::lstat(path.c_str(), &at) != 0) return {path};
  if (S_ISLNK(at.st_mode)) {
    if (at.st_uid != 0 && at.st_uid != ::geteuid()) return {path};
    if (::stat(path.c_str(), &at) != 0) return {path};
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
    if (S_ISREG(at.st_mode)) return {real ? real.get() : path};
  }
  return {path, !S_ISREG(at.st_mode) && !S_ISDIR(at.st_mode)};
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return failed("cannot open", path, errno);
  std::string out;
  char chunk[16384];
  for (;;) {
    const ssize_t n = ::read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("cannot read", path, errno);
    if (n == 0) return out;
    if (static_cast<std::size_t>(n) > limit - out.size()) {
      return Error{Errc::TooLarge, path + " is larger than " + std::to_string(limit) + " bytes"};
    }
    out.append(chunk, static_cast<std::size_t>(n));
  }
}

Result<void> write_file(const std::string& named, std::string_view content, mode_t mode) {
  const auto [path, special] = present(named);
  if (special) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!fd) return failed("cannot open", path, errno);
    return write_all(fd.get(), content, path);
  }
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));  // 0600 until it is complete
  if (!fd) return failed("cannot create a file beside", path, errno);
  Result<void> done = write_all(fd.get(), content, temporary);
  if (done && ::fchmod(fd.get(), mode) != 0) done = failed("cannot set the mode of", temporary, errno);
  if (done && ::fsync(fd.get()) != 0) done = failed("cannot sync", temporary, errno);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0) done = failed("cannot replace", path, errno);
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  // Without this a crash may bring the old name back. Not every file system can; the content is safe either way.
  const UniqueFd folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder) ::fsync(folder.get());
  return {};
}

Result<void> append_file(const std::string& path, std::string_view content, mode_t mode) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, mode));
  if (!fd) return failed("cannot open", path, errno);
  return write_all(fd.get(), content, path);
}

Result<void> make_directories(const std::string& path, mode_t mode) {
  for (std::size_t at = 0; at != std::string::npos;) {
    at = path.find('/', at + 1);
    const std::string part = path.substr(0, at);
    if (part.empty() || ::mkdir(part.c_str(), mode) == 0) continue;
    struct stat st {};
    if (errno == EEXIST && ::stat(part.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) continue;
    return failed("cannot make the folder", part, errno);
  }
  return {};
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

FileStamp file_stamp(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return {};
  return {st.st_dev, st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
}

Result<void> check_private(const std::string& path, std::optional<uid_t> account) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return failed("cannot look at", path, errno);
  if (st.st_uid != 0 && st.st_uid != ::geteuid() && (!account || st.st_uid != *account)) {
    return Error{Errc::BadValue, path + " holds a secret but belongs to user " + std::to_string(st.st_uid) +
                                     ": give it to root or the daemon's account (chown)"};
  }
  if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0 || (st.st_mode & S_IWGRP) != 0) {
    return Error{Errc::BadValue, path + " holds a secret but has mode " + octal(st.st_mode) +
                                     ": others must not read it (chmod 600 or 640)"};
  }
  return {};
}

Result<std::vector<std::string>> list_directory(const std::string& directory, std::string_view suffix) {
  const Handle<DIR, &::closedir> dir(::opendir(directory.c_str()));
  std::vector<std::string> out;
  if (!dir) {
    if (errno == ENOENT) return out;
    return failed("cannot list", directory, errno);
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) {
      if (errno != 0) return failed("cannot list", directory, errno);
      break;
    }
    const std::string_view name = entry->d_name;
    if (!name.starts_with('.') && name.ends_with(suffix)) out.push_back(directory + "/" + std::string(name));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace amtgate::sys
