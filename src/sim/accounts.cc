#include "amtgate/sim/accounts.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "amtgate/auth/digest.h"
#include "amtgate/base/base64.h"
#include "amtgate/base/hex.h"

namespace amtgate::sim {
namespace {

using wsman::Instance;

constexpr std::uint64_t kDone = 0, kInvalidName = 12, kNotPermitted = 16, kLimit = 23, kInvalidIndex = 35,
                        kInvalidParameter = 36, kInvalidHandle = 2053, kInvalidPassword = 2054, kInvalidRealm = 2055,
                        kDuplicate = 2058;
// Beside the firmware's own.
constexpr std::size_t kMaxEntries = 15;
constexpr std::size_t kHandlesAPage = 5;

bool is_system(std::string_view name) {
  return name.starts_with("$$");
}

std::optional<std::string> hash_of(const std::optional<std::string_view>& password) {
  if (!password) return std::nullopt;
  // Clients send base64 of 16 bytes; one sends the 32 hexadecimal digits themselves.
  const Result<Buffer> bytes = password->size() == 32 ? from_hex(*password) : from_base64(*password);
  if (!bytes || bytes->size() != 16) return std::nullopt;
  return to_hex(*bytes);
}

bool good_name(std::string_view name) {
  const auto wrong = [](char c) {
    return c <= ' ' || c > '~' || std::string_view(",:\"&<>").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 16 && !is_system(name) && std::ranges::none_of(name, wrong);
}

/// Any of these is enough.
std::vector<std::uint32_t> realms_for(const wsman::Request& r) {
  const std::string_view c = r.class_name;
  const bool reads = r.only_reads();
  using namespace realm;
  if (c == "AMT_AuditLog") return {kAuditLog};
  if (c == "AMT_AuthorizationService") return {kAcl};
  if (c == "AMT_MessageLog") {
    const bool changes = r.method == "ClearLog" || r.method == "FreezeLog";
    return changes ? std::vector{kEventManager} : std::vector{kEventManager, kEventLogReader, kGeneralInfo};
  }
  if (c == "AMT_TimeSynchronizationService") {
    const bool sets = !reads && r.method != "GetLowAccuracyTimeSynch";
    return sets ? std::vector{kNetworkTime} : std::vector{kNetworkTime, kGeneralInfo};
  }
  std::uint32_t own = kAdministration;
  constexpr std::array<std::string_view, 4> kRedirectionClasses = {
      "AMT_RedirectionService", "CIM_KVMRedirectionSAP", "IPS_KVMRedirectionSettingData", "IPS_OptInService"};
  constexpr std::array<std::string_view, 7> kControlClasses = {"CIM_PowerManagementService",
                                                               "CIM_AssociatedPowerManagementService",
                                                               "CIM_BootService",
                                                               "CIM_BootConfigSetting",
                                                               "CIM_BootSourceSetting",
                                                               "AMT_BootSettingData",
                                                               "AMT_BootCapabilities"};
  constexpr std::array<std::string_view, 9> kHardwareClasses = {
      "CIM_Chassis", "CIM_Card",           "CIM_BIOSElement", "CIM_Processor",        "CIM_Chip",
      "CIM_Battery", "CIM_PhysicalMemory", "CIM_PowerSupply", "CIM_MediaAccessDevice"};
  if (std::ranges::find(kRedirectionClasses, c) != kRedirectionClasses.end()) own = kRedirection;
  if (std::ranges::find(kControlClasses, c) != kControlClasses.end()) own = kRemoteControl;
  if (std::ranges::find(kHardwareClasses, c) != kHardwareClasses.end()) own = kHardwareAsset;
  return reads ? std::vector{own, kGeneralInfo} : std::vector{own};
}

}  // namespace

Accounts::Accounts(std::string realm, const auth::Credentials& administrator)
    : realm_(std::move(realm)),
      admin_name_(administrator.user),
      admin_hash_(auth::ha1(administrator.user, realm_, administrator.password)) {
  // The firmware's own, for programs on the machine: nobody logs in as one.
  entries_.push_back({1, "$$OsAdmin", "", "", 0, {realm::kGeneralInfo}, true});
}

const Accounts::Entry* Accounts::find_name(std::string_view name) const {
  const auto at = std::ranges::find(entries_, name, &Entry::name);
  return at == entries_.end() ? nullptr : &*at;
}

std::optional<std::string> Accounts::ha1(std::string_view user, std::string_view realm) const {
  if (realm != realm_) return std::nullopt;
  if (user == admin_name_) return admin_hash_;
  const Entry* e = find_name(user);
  if (e == nullptr || e->hash.empty() || !e->enabled || e->access == 0) return std::nullopt;
  return e->hash;
}

bool Accounts::check_password(std::string_view user, std::string_view password) const {
  const std::string given = auth::ha1(user, realm_, password);
  const std::optional<std::string> known = ha1(user, realm_);
  return auth::equal_secret(given, known.value_or(std::string(given.size(), '-')));
}

bool Accounts::has_realm(std::string_view user, std::uint32_t realm) const {
  if (user == admin_name_) return true;
  const Entry* e = find_name(user);
  if (e == nullptr) return false;
  const auto has = [&](std::uint32_t r) { return std::ranges::find(e->realms, r) != e->realms.end(); };
  return has(realm) || (realm != realm::kAuditLog && has(realm::kAdministration));
}

bool Accounts::allows(std::string_view user, const wsman::Request& request) const {
  if (user == admin_name_ || request.operation == wsman::Operation::Identify) return true;
  return std::ranges::any_of(realms_for(request), [&](std::uint32_t r) { return has_realm(user, r); });
}

Accounts::Entry* Accounts::find(const Instance& in) {
  const auto handle = in.number("Handle");
  if (!handle) return nullptr;
  const auto at = std::ranges::find_if(entries_, [&](const Entry& e) { return e.handle == *handle; });
  return at == entries_.end() ? nullptr : &*at;
}

std::optional<std::uint64_t> Accounts::invoke(const wsman::Request& request, Instance& out) {
  const std::string_view method = request.method;
  const Instance& in = request.body;
  if (method == "EnumerateUserAclEntries") return list(in, out);
  if (method == "AddUserAclEntryEx") return add(in, out);
  if (method == "SetAdminAclEntryEx") return set_administrator(in);
  if (method == "GetAdminAclEntry") {
    out.add("Username", admin_name_);
    return kDone;
  }
  if (method == "GetAdminAclEntryStatus" || method == "GetAdminNetAclEntryStatus") {
    out.add("IsDefault", "false");
    return kDone;
  }
  constexpr std::array<std::string_view, 5> kOfEntries = {
      "GetUserAclEntryEx", "UpdateUserAclEntryEx", "RemoveUserAclEntry", "SetAclEnabledState", "GetAclEnabledState"};
  if (std::ranges::find(kOfEntries, method) == kOfEntries.end()) return std::nullopt;
  Entry* entry = find(in);
  if (entry == nullptr) return kInvalidHandle;
  if (method == "GetUserAclEntryEx") return show(*entry, out);
  if (method == "GetAclEnabledState") {
    out.add("Enabled", entry->enabled ? "true" : "false");
    return kDone;
  }
  if (method == "SetAclEnabledState") {
    const auto on = in.boolean("Enabled");
    if (!on) return kInvalidParameter;
    entry->enabled = *on;
    return kDone;
  }
  if (is_system(entry->name)) return kNotPermitted;
  if (method == "UpdateUserAclEntryEx") return update(*entry, in);
  std::erase_if(entries_, [handle = entry->handle](const Entry& e) { return e.handle == handle; });
  return kDone;
}

std::uint64_t Accounts::list(const Instance& in, Instance& out) const {
  const std::uint64_t start = in.number("StartIndex").value_or(0);
  if (start < 1 || start > entries_.size()) return kInvalidIndex;
  const std::size_t n = std::min<std::size_t>(kHandlesAPage, entries_.size() - (start - 1));
  out.add("TotalCount", std::to_string(entries_.size())).add("HandlesCount", std::to_string(n));
  for (std::size_t i = 0; i < n; ++i) out.add("Handles", std::to_string(entries_[start - 1 + i].handle));
  return kDone;
}

std::uint64_t Accounts::show(const Entry& e, Instance& out) const {
  if (e.sid.empty()) {
    out.add("DigestUsername", e.name);
  } else {
    out.add("KerberosUserSid", e.sid);
  }
  out.add("AccessPermission", std::to_string(e.access));
  for (const std::uint32_t r : e.realms) out.add("Realms", std::to_string(r));
  return kDone;
}

std::uint64_t Accounts::define(Entry& e, const Instance& in) const {
  const auto name = in.text("DigestUsername"), sid = in.text("KerberosUserSid");
  if (sid && !sid->empty()) {
    const Result<Buffer> bytes = from_base64(*sid);
    if ((name && !name->empty()) || !bytes || bytes->size() < 8 || bytes->size() > 68) return kInvalidParameter;
    e.sid = e.name = *sid;
  } else {
    if (!name || !good_name(*name) || *name == admin_name_) return kInvalidName;
    const std::optional<std::string> hash = hash_of(in.text("DigestPassword"));
    if (!hash) return kInvalidPassword;
    e.name = *name;
    e.hash = *hash;
  }
  const Entry* same = find_name(e.name);
  if (same != nullptr && same->handle != e.handle) return kDuplicate;
  const auto access = in.number("AccessPermission");
  if (!access || *access > 2) return kInvalidParameter;
  e.access = *access;
  e.realms.clear();
  for (const std::string_view text : in.texts("Realms")) {
    std::uint32_t r = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), r);
    if (ec != std::errc{} || end != text.data() + text.size() || r < 2 || r > 24) return kInvalidRealm;
    if (std::ranges::find(e.realms, r) == e.realms.end()) e.realms.push_back(r);
  }
  return kDone;
}

std::uint64_t Accounts::add(const Instance& in, Instance& out) {
  Entry e;
  for (e.handle = 1; std::ranges::find(entries_, e.handle, &Entry::handle) != entries_.end();) ++e.handle;
  const std::uint64_t value = define(e, in);
  if (value != kDone) return value;
  if (entries_.size() > kMaxEntries) return kLimit;
  out.add("Handle", std::to_string(e.handle));
  entries_.push_back(std::move(e));
  return kDone;
}

std::uint64_t Accounts::update(Entry& entry, const Instance& in) {
  Entry after = entry;
  after.sid.clear();
  after.hash.clear();
  const std::uint64_t value = define(after, in);
  if (value == kDone) entry = std::move(after);
  return value;
}

std::uint64_t Accounts::set_administrator(const Instance& in) {
  const auto name = in.text("Username");
  if (!name || !good_name(*name)) return kInvalidName;
  const std::optional<std::string> hash = hash_of(in.text("DigestPassword"));
  if (!hash) return kInvalidPassword;
  if (find_name(*name) != nullptr) return kDuplicate;
  admin_name_ = *name;
  admin_hash_ = *hash;
  return kDone;
}

std::optional<std::string> AccountsOfRealm::ha1(std::string_view user, std::string_view realm) const {
  return all_.has_realm(user, realm_) ? all_.ha1(user, realm) : std::nullopt;
}

bool AccountsOfRealm::check_password(std::string_view user, std::string_view password) const {
  return all_.check_password(user, password) && all_.has_realm(user, realm_);
}

}  // namespace amtgate::sim
