// What a machine writes into its logs. Source: the table of audit events in Intel's class reference; which of them a
// firmware audits is set up in it, here all.
#include <algorithm>
#include <array>

#include "amtgate/sim/management.h"

namespace amtgate::sim {
namespace {

struct Row {
  std::string_view class_name, method;  // no method: a Put
  std::uint16_t application, event;
  std::string_view property{};  // of a Put: only when this has changed
};
constexpr std::array<Row, 15> kRows = {{
    {"AMT_AuthorizationService", "AddUserAclEntryEx", 16, 2},
    {"AMT_AuthorizationService", "UpdateUserAclEntryEx", 16, 3},
    {"AMT_AuthorizationService", "SetAdminAclEntryEx", 16, 3},
    {"AMT_AuthorizationService", "RemoveUserAclEntry", 16, 4},
    {"AMT_AuthorizationService", "SetAclEnabledState", 16, 6},
    {"CIM_BootService", "SetBootConfigRole", 17, 4},
    {"AMT_AuditLog", "ClearLog", 20, 0},
    {"AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", 21, 0},
    {"AMT_MessageLog", "ClearLog", 24, 2},
    {"IPS_OptInService", "SendOptInCode", 30, 1},
    {"IPS_OptInService", "", 30, 0, "OptInRequired"},
    {"AMT_GeneralSettings", "", 22, 1, "HostName"},
    {"AMT_GeneralSettings", "", 22, 2, "DomainName"},
    {"AMT_EthernetPortSettings", "", 22, 0, "IPAddress"},
    {"CIM_ElementSettingData", "", 22, 5, "IsCurrent"},
}};

/// Of application 17, by PowerState.
std::optional<std::uint16_t> power_event(std::uint64_t state) {
  constexpr std::pair<std::uint64_t, std::uint16_t> kEvents[] = {{2, 0},  {8, 1}, {5, 2}, {10, 3}, {12, 5},
                                                                 {14, 6}, {4, 7}, {7, 8}, {11, 9}};
  for (const auto& [number, event] : kEvents) {
    if (number == state) return event;
  }
  return std::nullopt;
}

}  // namespace

void Management::audit(const wsman::Request& request, const wsman::Instance* before, const Surroundings& around,
                       TimePoint now) {
  const std::string& who = around.user.empty() ? accounts_.administrator() : around.user;
  if (request.method == "RequestPowerStateChange") {
    const auto event = power_event(request.body.number("PowerState").value_or(0));
    if (event) audit_log_.add(clock(now), 17, *event, who);
    return;
  }
  for (const Row& row : kRows) {
    if (row.class_name != request.class_name || row.method != request.method) continue;
    const auto wanted = request.body.text(row.property);
    if (before != nullptr && (!wanted || before->text(row.property) == wanted)) continue;
    const std::string_view name = request.body.text("DigestUsername").value_or("");
    audit_log_.add(clock(now), row.application, row.event, who, name);
  }
}

void Management::login_failed(std::string_view user, TimePoint now) {
  constexpr std::uint8_t kSensor = 6, kCritical = 16, kAmt = 38;
  ++failed_logins_;
  event_log_.add(clock(now), kSensor, 0, kCritical, kAmt,
                 {0xaa, static_cast<std::uint8_t>(failed_logins_), static_cast<std::uint8_t>(failed_logins_ >> 8)});
  audit_log_.add(clock(now), 16, 5, "", user);
}

void Management::session(std::string_view kind, bool begins, std::string_view user, TimePoint now) {
  constexpr std::uint8_t kSensor = 192, kInfo = 2, kAmt = 38;
  const bool sol = kind == "sol", ider = kind == "ider";
  if (sol || ider) {
    const unsigned what = (sol ? 0U : 2U) + (begins ? 0U : 1U);
    event_log_.add(clock(now), kSensor, 0, kInfo, kAmt, {0xaa, 0x30, static_cast<std::uint8_t>(what)});
  }
  const unsigned event = (ider ? 0U : sol ? 4U : 8U) + (begins ? 0U : 1U);
  audit_log_.add(clock(now), 18, static_cast<std::uint16_t>(event), user);
}

}  // namespace amtgate::sim
