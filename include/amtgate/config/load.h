// The configuration from its files: FILE, every targets.d/*.conf beside it in sorted order, and the secrets and
// certificates that keys name, which are read here so that nothing has to be opened after privileges are gone.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/config/parse.h"

namespace amtgate::config {

/// Where the files come from: the disk, or a copy of them that a more privileged process made.
class Files {
 public:
  struct File {
    std::string text;
    bool regular = false;
    mode_t mode = 0;  // permission bits
    uid_t owner = 0;
  };
  virtual ~Files() = default;
  /// Errors: System or Unreachable with the reason ("no such file", "permission denied"); TooLarge over `limit`.
  virtual Result<File> read(const std::string& path, std::size_t limit) = 0;
  /// Names (not paths) in a folder; empty when there is no such folder. Errors: System.
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  /// The account's number, or nothing when there is no such account.
  virtual std::optional<uid_t> account(const std::string& user) = 0;
};

/// Everything parse() finds, and: a file that cannot be read; a password, key or users file (or a configuration file
/// that holds `password =`) that is not a regular file, that others may read or change, or that belongs to neither
/// root, the daemon's account nor the caller; an empty password file; a path that has no file behind it. One Parsed
/// with all of it.
Parsed load(const std::string& file, Files& files);
/// From the disk.
Parsed load(const std::string& file);

}  // namespace amtgate::config
