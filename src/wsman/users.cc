#include "amtgate/wsman/users.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "amtgate/auth/digest.h"
#include "amtgate/base/base64.h"
#include "amtgate/base/hex.h"
#include "amtgate/base/reader.h"

namespace amtgate::wsman {
namespace {

constexpr const char* kService = "AMT_AuthorizationService";
// Firmware has room for a few dozen.
constexpr std::size_t kMaxUsers = 256;
constexpr std::uint32_t kAdministration = 3;
constexpr std::uint32_t kMaxRealm = 63;

constexpr std::array<Realm, 21> kRealms = {{{2, "Redirection", "screen, console and drives"},
                                            {3, "PTAdministration", "everything but the audit log"},
                                            {4, "HardwareAsset", "what the machine is made of"},
                                            {5, "RemoteControl", "power and boot"},
                                            {6, "Storage", "its small store"},
                                            {7, "EventManager", "event log and alerts"},
                                            {8, "StorageAdmin", "who may use the store"},
                                            {9, "AgentPresenceLocal", "agents on the machine"},
                                            {10, "AgentPresenceRemote", "watching agents from afar"},
                                            {11, "CircuitBreaker", "packet filters"},
                                            {12, "NetworkTime", "its clock"},
                                            {13, "GeneralInfo", "reading settings"},
                                            {14, "FirmwareUpdate", "new firmware"},
                                            {15, "EIT", "embedded IT"},
                                            {16, "LocalUN", "telling the machine's user"},
                                            {17, "EndpointAccessControl", "network access"},
                                            {18, "EndpointAccessControlAdmin", "set-up of network access"},
                                            {19, "EventLogReader", "reading the event log"},
                                            {20, "AuditLog", "the audit log"},
                                            {21, "ACL", "users"},
                                            {24, "LocalSystem", "the machine's own system"}}};

constexpr std::array<std::string_view, 3> kAccess = {"local", "network", "any"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint32_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::vector<std::uint32_t> numbers(const Instance& from, std::string_view name) {
  std::vector<std::uint32_t> out;
  for (const std::string_view text : from.texts(name)) {
    if (const auto n = parse_number(text)) out.push_back(*n);
  }
  return out;
}

Instance ask(std::optional<std::uint32_t> handle = std::nullopt) {
  Instance in(kService);
  if (handle) in.add("Handle", std::to_string(*handle));
  return in;
}

Result<std::vector<std::uint32_t>> handles(Caller& machine) {
  std::vector<std::uint32_t> out;
  while (true) {
    Instance in = ask();
    in.add("StartIndex", std::to_string(out.size() + 1));
    const Result<Instance> page = invoke(machine, "EnumerateUserAclEntries", std::move(in));
    if (!page) return page.error();
    const std::vector<std::uint32_t> some = numbers(*page, "Handles");
    out.insert(out.end(), some.begin(), some.end());
    // A page without handles is the end, whatever the total says.
    if (some.empty() || out.size() >= page->number("TotalCount").value_or(0)) return out;
    if (out.size() > kMaxUsers) {
      return Error{Errc::TooLarge, "EnumerateUserAclEntries: more than " + std::to_string(kMaxUsers) + " users"};
    }
  }
}

Result<User> read_user(Caller& machine, std::uint32_t handle) {
  const Result<Instance> entry = invoke(machine, "GetUserAclEntryEx", ask(handle));
  if (!entry) return entry.error();
  User out;
  out.handle = handle;
  out.name = entry->text("DigestUsername").value_or("");
  if (const auto sid = entry->text("KerberosUserSid"); out.name.empty() && sid && !sid->empty()) {
    out.kerberos = true;
    const Result<Buffer> bytes = from_base64(*sid);
    const Result<std::string> text = bytes ? format_sid(*bytes) : bytes.error();
    out.name = text ? *text : std::string(sid->substr(0, 128));
  }
  const std::uint64_t access = entry->number("AccessPermission").value_or(2);
  if (access <= 2) out.access = static_cast<Access>(access);
  out.realms = numbers(*entry, "Realms");
  return out;
}

Result<std::string> administrator(Caller& machine) {
  const Result<Instance> admin = invoke(machine, "GetAdminAclEntry", ask());
  if (!admin) return admin.error();
  return std::string(admin->text("Username").value_or(""));
}

Result<User> find_user(Caller& machine, std::string_view name) {
  const Result<std::vector<std::uint32_t>> all = handles(machine);
  if (!all) return all.error();
  for (const std::uint32_t handle : *all) {
    Result<User> user = read_user(machine, handle);
    if (!user) return user;
    if (user->name == name) return user;
  }
  const Result<std::string> admin = administrator(machine);
  if (!admin) return admin.error();
  if (*admin == name) {
    User out;
    out.name = *admin;
    return out;
  }
  return Error{Errc::Refused, "there is no user " + std::string(name)};
}

Result<std::string> digest_realm(Caller& machine) {
  const Result<Instance> general = get(machine, "AMT_GeneralSettings");
  if (!general) return general.error();
  const auto realm = general->text("DigestRealm");
  if (!realm || realm->empty()) return Error{Errc::BadValue, "AMT_GeneralSettings without a DigestRealm"};
  return std::string(*realm);
}

Error not_for(const User& user, const char* what) {
  return {Errc::Refused, user.name + " is " + (user.administrator() ? "the administrator" : "the firmware's own") +
                             ", who cannot be " + what};
}

void add_rights(Instance& in, Access access, const std::vector<std::uint32_t>& realms) {
  in.add("AccessPermission", std::to_string(static_cast<unsigned>(access)));
  for (const std::uint32_t r : realms) in.add("Realms", std::to_string(r));
}

Result<void> done(const Result<Instance>& output) {
  if (!output) return output.error();
  return {};
}

}  // namespace

std::string_view name(Access access) {
  return kAccess[static_cast<std::size_t>(access)];
}

Result<Access> parse_access(std::string_view word) {
  const auto* at = std::ranges::find(kAccess, word);
  if (at != kAccess.end()) return static_cast<Access>(at - kAccess.begin());
  return Error{Errc::BadValue, "access '" + std::string(word) + "' (local, network, any)"};
}

std::span<const Realm> realms() {
  return kRealms;
}

std::string realm_name(std::uint32_t number) {
  const auto* at = std::ranges::find(kRealms, number, &Realm::number);
  return at == kRealms.end() ? std::to_string(number) : std::string(at->name);
}

Result<std::vector<std::uint32_t>> parse_realms(std::string_view list) {
  std::vector<std::uint32_t> out;
  for (std::string_view rest = list;;) {
    const std::string_view word = rest.substr(0, rest.find(','));
    const auto* at = std::ranges::find_if(kRealms, [&](const Realm& r) { return same_word(r.name, word); });
    std::optional<std::uint32_t> n = at == kRealms.end() ? parse_number(word) : at->number;
    if (!n || *n < 2 || *n > kMaxRealm) {
      std::string known;
      for (const Realm& r : kRealms) known += (known.empty() ? "" : ", ") + std::string(r.name);
      return Error{Errc::BadValue, "realm '" + std::string(word) + "' (numbers, or " + known + ")"};
    }
    if (std::ranges::find(out, *n) == out.end()) out.push_back(*n);
    if (word.size() == rest.size()) break;
    rest.remove_prefix(word.size() + 1);
  }
  std::ranges::sort(out);
  return out;
}

Result<void> check_user_name(std::string_view user) {
  const auto wrong = [](char c) {
    return c <= ' ' || c > '~' || std::string_view(",:\"&<>").find(c) != std::string_view::npos;
  };
  if (!user.empty() && user.size() <= 16 && !user.starts_with("$$") && std::ranges::none_of(user, wrong)) return {};
  return Error{Errc::BadValue,
               "user '" + std::string(user) + "' (1 to 16 characters of ASCII without , : \" & < > or $$ in front)"};
}

Result<void> check_user_password(std::string_view password) {
  bool small = false, capital = false, digit = false, special = false, other = false;
  for (const char c : password) {
    const bool is_small = c >= 'a' && c <= 'z', is_capital = c >= 'A' && c <= 'Z', is_digit = c >= '0' && c <= '9';
    small = small || is_small;
    capital = capital || is_capital;
    digit = digit || is_digit;
    special = special || (c > ' ' && c <= '~' && !is_small && !is_capital && !is_digit && c != '_');
    other = other || c < ' ' || c > '~';
  }
  if (small && capital && digit && special && !other && password.size() >= 8 && password.size() <= 32) return {};
  return Error{Errc::BadValue,
               "the new password needs 8 to 32 characters of ASCII with lower and upper case, a digit and a special "
               "character (_ is none)"};
}

std::string hashed_password(std::string_view user, std::string_view realm, std::string_view password) {
  const Result<Buffer> hash = from_hex(auth::ha1(user, realm, password));
  return hash ? to_base64(*hash) : std::string();
}

Result<std::vector<User>> list_users(Caller& machine) {
  const Result<std::string> admin = administrator(machine);
  if (!admin) return admin.error();
  std::vector<User> out(1);
  out.front().name = *admin;
  out.front().realms = {kAdministration};
  out.front().enabled = true;
  const Result<std::vector<std::uint32_t>> all = handles(machine);
  if (!all) return all.error();
  for (const std::uint32_t handle : *all) {
    Result<User> user = read_user(machine, handle);
    if (!user) return user.error();
    // Fails on some firmware now and then; the list is worth more than this.
    const Result<Instance> state = invoke(machine, "GetAclEnabledState", ask(handle));
    if (state) user->enabled = state->boolean("Enabled");
    if (!state && state.error().code != Errc::Refused && state.error().code != Errc::Unsupported)
      return state.error();
    out.push_back(std::move(*user));
  }
  return out;
}

Result<void> add_user(Caller& machine, const NewUser& user) {
  const Result<std::string> realm = digest_realm(machine);
  if (!realm) return realm.error();
  Instance in = ask();
  in.add("DigestUsername", user.name).add("DigestPassword", hashed_password(user.name, *realm, user.password));
  add_rights(in, user.access, user.realms);
  return done(invoke(machine, "AddUserAclEntryEx", std::move(in)));
}

Result<void> change_user(Caller& machine, std::string_view name, const UserChange& change) {
  const Result<User> user = find_user(machine, name);
  if (!user) return user.error();
  if (user->system()) return not_for(*user, "changed");
  if (user->kerberos) return Error{Errc::Unsupported, user->name + " is a Kerberos account, which has no password"};
  const Result<std::string> realm = digest_realm(machine);
  if (!realm) return realm.error();
  const std::string hash = hashed_password(user->name, *realm, change.password);
  if (user->administrator()) {
    if (change.access || change.realms) {
      return Error{Errc::Refused, user->name + " is the administrator, of whom only the password can be changed"};
    }
    Instance in = ask();
    in.add("Username", user->name).add("DigestPassword", hash);
    return done(invoke(machine, "SetAdminAclEntryEx", std::move(in)));
  }
  Instance in = ask(user->handle);
  in.add("DigestUsername", user->name).add("DigestPassword", hash);
  add_rights(in, change.access.value_or(user->access), change.realms.value_or(user->realms));
  return done(invoke(machine, "UpdateUserAclEntryEx", std::move(in)));
}

Result<void> delete_user(Caller& machine, std::string_view name) {
  const Result<User> user = find_user(machine, name);
  if (!user) return user.error();
  if (user->administrator() || user->system()) return not_for(*user, "deleted");
  return done(invoke(machine, "RemoveUserAclEntry", ask(user->handle)));
}

Result<void> enable_user(Caller& machine, std::string_view name, bool enabled) {
  const Result<User> user = find_user(machine, name);
  if (!user) return user.error();
  if (user->administrator()) return not_for(*user, enabled ? "enabled" : "disabled");
  Instance in = ask(user->handle);
  in.add("Enabled", enabled ? "true" : "false");
  return done(invoke(machine, "SetAclEnabledState", std::move(in)));
}

Result<std::string> format_sid(Bytes sid) {
  constexpr unsigned kMaxParts = 15;
  Reader in(sid);
  const unsigned revision = in.u8(), count = in.u8();
  const std::uint64_t authority = std::uint64_t{in.be16()} << 32 | in.be32();
  if (revision != 1 || count > kMaxParts) return Error{Errc::BadValue, "a security identifier of another kind"};
  std::string out = "S-1-" + std::to_string(authority);
  for (unsigned i = 0; i < count; ++i) out += "-" + std::to_string(in.le32());
  if (!in.done()) return Error{Errc::BadValue, "a security identifier of another length"};
  return out;
}

}  // namespace amtgate::wsman
