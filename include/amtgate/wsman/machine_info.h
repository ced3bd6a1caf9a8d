// MachineInfo: what an administrator wants to know of a machine at a glance.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

struct MachineInfo {
  std::string version;    // of the firmware
  std::string host_name;  // with the domain, where it has one
  std::string uuid;       // as an operating system writes it
  std::string setup;      // "admin", "client", "none": the control mode
  std::uint64_t power = 0;
  // Empty: the firmware has no such thing, or does not tell this account.
  std::optional<bool> redirection, sol, ider, kvm, port5900, web_ui;
  std::optional<bool> tls, plain_too, mutual;  // over the network
  std::string consent;                         // "none", "kvm", "all"; "" where the firmware has none
  std::optional<std::int64_t> clock_ahead;     // seconds that its clock is ahead of `wall`
};

/// `wall`: Unix seconds now. What a firmware lacks is left empty. Errors: of the first question, that every AMT
/// answers, and of the transport.
Result<MachineInfo> machine_info(Caller& machine, std::int64_t wall);

/// "55e3ae13-bfd2-61bb-17a0-88aedd7037ea" of SMBIOS' 32 digits; the text itself where it is none.
std::string format_uuid(std::string_view platform_guid);

}  // namespace amtgate::wsman
