// The configuration from its files: FILE, every targets.d/*.conf beside it in sorted order, and the secrets and
// certificates that keys name, which are read here so that nothing has to be opened after privileges are gone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "amtgate/config/parse.h"

namespace amtgate::config {

/// Where the files come from: the disk, or a copy of them that a more privileged process made.
class Files {
 public:
  struct File {
    std::string text;
    mode_t mode = 0;  // permission bits
    uid_t owner = 0;
  };
  virtual ~Files() = default;
  /// Errors: Unreachable (no such file), BadValue (not a regular file), TooLarge (over `limit` bytes), System; the
  /// detail is a phrase that goes after the path: "no such file", "permission denied".
  virtual Result<File> read(const std::string& path, std::size_t limit) = 0;
  /// Names (not paths) in a folder; empty when there is no such folder. Errors: System.
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  /// The account's number, or nothing when there is no such account.
  virtual std::optional<uid_t> account(const std::string& user) = 0;
  /// Whoever loads: its own files are as good as root's.
  virtual uid_t self() = 0;
};

/// The disk as the calling process may see it.
class DiskFiles : public Files {
 public:
  Result<File> read(const std::string& path, std::size_t limit) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  std::optional<uid_t> account(const std::string& user) override;
  uid_t self() override;
};

/// Limits: a certificate chain or CA collection is far smaller; so is a users file (auth/users.h has the same limit).
constexpr std::size_t kMaxPemFile = 1024 * 1024;
constexpr std::size_t kMaxUsersFile = 1024 * 1024;
constexpr std::size_t kMaxPasswordFile = 4096;

/// Everything parse() finds, and: a file that cannot be read; a password, key or users file (or a configuration file
/// that holds `password =`) that others may read or change, or that belongs to neither root, the daemon's account nor
/// the caller; an empty password file; a certificate file without PEM in it; a keyboard layout that XKB's files do
/// not have (they are looked at where they are, whatever `files`). One Parsed with all of it.
Parsed load(const std::string& file, Files& files);
/// From the disk.
Parsed load(const std::string& file);

}  // namespace amtgate::config
