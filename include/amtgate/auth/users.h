// The gateway's users file (`users =`), written by `amtgate passwd` only. UTF-8 text, one thing a line:
//
//   # a comment
//   realm Digest:0123456789ABCDEF0123456789ABCDEF
//   user NAME pbkdf2-sha256 ITERATIONS SALT HASH HA1 GRANT[,GRANT...]
//
// One `realm` line, before the first user: digest clients are challenged with it, and every HA1 belongs to it. SALT
// is 32 hexadecimal digits, HASH 64 (PBKDF2-HMAC-SHA256 of the password), HA1 32 (MD5 of NAME:realm:password). An HA1
// is as good as the password for that realm, so the file must be readable by the daemon's account alone. A NAME of 1
// to 32 printable ASCII characters without blank, ':', '#' and '"'; a GRANT as in role.h; "-" instead of them means
// none: that user may log in and do nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "amtgate/auth/role.h"
#include "amtgate/base/result.h"

namespace amtgate::auth {

inline constexpr std::uint32_t kMinIterations = 1000;
inline constexpr std::uint32_t kDefaultIterations = 60000;  // about 20 ms: a login blocks its event loop that long
inline constexpr std::uint32_t kMaxIterations = 1000000;  // a file that would make a login take a second is a mistake
inline constexpr std::size_t kMaxUsersFile = 1024 * 1024;  // bytes
inline constexpr std::size_t kMaxUsers = 4096;
inline constexpr std::size_t kMaxUserName = 32;  // amtterm takes no longer one
inline constexpr std::size_t kMaxPassword = 32;  // likewise, and AMT's own limit
inline constexpr std::size_t kMaxGrants = 16;

struct UserEntry {
  std::string name;
  std::uint32_t iterations = kDefaultIterations;
  std::string salt;  // 16 bytes as hexadecimal digits
  std::string hash;  // 32 bytes as hexadecimal digits
  std::string ha1;   // 32 hexadecimal digits, for the file's realm
  std::vector<Grant> grants;
};

/// The file's content. Immutable in use; a reload builds a new one.
class UsersFile final : public CredentialStore {
 public:
  /// A file without users. Errors: BadValue for a realm that is empty, over 64 characters or not printable ASCII
  /// without blanks.
  static Result<UsersFile> create(std::string realm);
  /// Errors: BadValue or TooLarge, "NAME:LINE: what is wrong" with `file` as NAME, never with a hash in it.
  static Result<UsersFile> parse(std::string_view text, std::string_view file);
  /// The text that parse() takes; users in the order of the file.
  std::string format() const;

  const std::string& realm() const { return realm_; }
  const std::vector<UserEntry>& users() const { return users_; }
  const UserEntry* find(std::string_view user) const;

  /// Adds a user or gives an existing one a new password and grants. Errors: BadValue (name, password, a grant that
  /// is there twice), TooLarge (more than kMaxUsers or kMaxGrants).
  Result<void> set(std::string_view user, std::string_view password, std::vector<Grant> grants, RandomSource& random,
                   std::uint32_t iterations = kDefaultIterations);
  /// Leaves the password. Errors: BadValue (no such user; as set()), TooLarge.
  Result<void> set_grants(std::string_view user, std::vector<Grant> grants);
  /// False when there is no such user.
  bool remove(std::string_view user);

  std::optional<std::string> ha1(std::string_view user, std::string_view realm) const override;
  bool check_password(std::string_view user, std::string_view password) const override;

  /// What the user may do at a target; nothing for one that is not here.
  std::optional<Role> role_at(std::string_view user, std::string_view target,
                              std::span<const std::string> tags) const;

 private:
  explicit UsersFile(std::string realm) : realm_(std::move(realm)) {}

  std::string realm_;
  std::vector<UserEntry> users_;
};

}  // namespace amtgate::auth
