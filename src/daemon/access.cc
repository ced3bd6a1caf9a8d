#include "amtgate/daemon/access.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <vector>

#include "amtgate/sys/file.h"

namespace amtgate::daemon {

Result<void> own_folder(const std::string& path, mode_t mode, const sys::Account& account) {
  if (path.empty()) return {};
  const bool was_there = sys::exists(path);
  if (!was_there) {
    if (const Result<void> made = sys::make_directories(path, mode); !made) return made;
  }
  if (::geteuid() != 0 || account.uid == 0) return {};
  struct stat info = {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return Error{Errc::System, path + " is not a folder"};
  }
  std::error_code ec;
  if (was_there && (info.st_uid != 0 || !std::filesystem::is_empty(path, ec) || ec)) return {};
  if (::lchown(path.c_str(), account.uid, account.gid) != 0) {
    return Error{Errc::System, "cannot give " + path + " to " + account.name + ": " + std::strerror(errno)};
  }
  return {};
}

namespace {

struct Entry {
  std::string name;
  gid_t group = 0;
};
std::optional<Entry> entry_of(uid_t uid) {
  std::vector<char> text(16384);
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, text.data(), text.size(), &found) != 0 || found == nullptr) return std::nullopt;
  return Entry{entry.pw_name, entry.pw_gid};
}

}  // namespace

std::string account_name(uid_t uid) {
  const std::optional<Entry> entry = entry_of(uid);
  return entry ? entry->name : std::string();
}

bool is_operator(uid_t uid, gid_t gid, const sys::Account& account) {
  if (uid == 0 || uid == account.uid || gid == account.gid) return true;
  const std::optional<Entry> entry = entry_of(uid);
  if (!entry) return false;
  std::vector<gid_t> groups(256);
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(entry->name.c_str(), entry->group, groups.data(), &count) < 0) return false;
  groups.resize(static_cast<std::size_t>(count));
  return std::ranges::find(groups, account.gid) != groups.end();
}

}  // namespace amtgate::daemon
