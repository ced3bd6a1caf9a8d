// Users: who may log in to a machine with AMT's own accounts, and to what (AMT_AuthorizationService).
//
// Source: Intel's class reference and its table of realms; MeshCommander (pages of handles, how a password is
// hashed).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

/// From where an account may be used.
enum class Access : std::uint8_t { Local = 0, Network = 1, Any = 2 };
std::string_view name(Access access);  // "local", "network", "any"
/// Errors: BadValue with what is known.
Result<Access> parse_access(std::string_view word);

/// What an account may do.
struct Realm {
  std::uint32_t number;
  std::string_view name;  // as Intel's SDK has it
  std::string_view help;
};
std::span<const Realm> realms();
/// "Redirection"; "25" where no name is known.
std::string realm_name(std::uint32_t number);
/// Names in any case, and numbers, separated by commas; each once, in rising order. Errors: BadValue.
Result<std::vector<std::uint32_t>> parse_realms(std::string_view list);

struct User {
  std::optional<std::uint32_t> handle;  // the administrator has none
  std::string name;                     // of a Kerberos account its SID: "S-1-5-21-1-2-3-500"
  bool kerberos = false;
  Access access = Access::Any;
  std::vector<std::uint32_t> realms;
  std::optional<bool> enabled;  // empty: the firmware did not say

  bool administrator() const { return !handle; }
  /// The firmware's own, such as $$OsAdmin: nobody can take it away.
  bool system() const { return name.starts_with("$$"); }
};

/// The administrator first. Errors: also TooLarge.
Result<std::vector<User>> list_users(Caller& machine);

/// At most 16 characters of ASCII, none of , : " & < >, not "$$" in front. Errors: BadValue with the rule.
Result<void> check_user_name(std::string_view user);
/// 8 to 32 characters of ASCII with lower and upper case, a digit and a special one ('_' is none). The machine sees a
/// hash alone and cannot check this. Errors: BadValue with the rule, never with the password.
Result<void> check_user_password(std::string_view password);

/// What AMT takes in place of a password: base64 of the 16 bytes of MD5(user:realm:password). A secret.
std::string hashed_password(std::string_view user, std::string_view realm, std::string_view password);

struct NewUser {
  std::string name, password;
  Access access = Access::Any;
  std::vector<std::uint32_t> realms;
};
/// Errors: Refused (it is there already, no room).
Result<void> add_user(Caller& machine, const NewUser& user);

struct UserChange {
  std::string password;  // AMT wants it with every change
  std::optional<Access> access;
  std::optional<std::vector<std::uint32_t>> realms;
};
/// What is not given stays. Of the administrator only the password can be changed. Errors: Refused (no such user).
Result<void> change_user(Caller& machine, std::string_view user, const UserChange& change);

/// Errors: Refused (no such user; the administrator, the firmware's own).
Result<void> delete_user(Caller& machine, std::string_view user);
Result<void> enable_user(Caller& machine, std::string_view user, bool enabled);

/// "S-1-5-21-1-2-3-500" of a security identifier's bytes: u8 revision 1, u8 count (at most 15), a big-endian number
/// of 6 bytes, then `count` little-endian ones of 4. Errors: BadValue.
Result<std::string> format_sid(Bytes sid);

}  // namespace amtgate::wsman
