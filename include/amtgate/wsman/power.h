// Power: what CIM_PowerManagementService says and takes.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

/// CIM's RequestedPowerState, as far as AMT takes it.
enum class PowerAction : unsigned {
  On = 2,
  Sleep = 4,  // from 9.0 on, like the graceful ones: the operating system must run Intel's local service
  Cycle = 5,
  Hibernate = 7,
  Off = 8,  // at once, whatever runs
  Reset = 10,
  Interrupt = 11,  // NMI
  SoftOff = 12,    // the operating system shuts down
  SoftReset = 14,
};

struct PowerWord {
  std::string_view word;  // as the command line has it: "soft-off"
  PowerAction action;
  std::string_view help;
};
std::span<const PowerWord> power_words();

/// CIM's PowerState: 2 on, 4 sleep (3 light), 7 hibernate, 8 off (soft), 6 off (hard).
std::string power_state_name(std::uint64_t state);

struct PowerStatus {
  std::uint64_t state = 0;
  std::vector<std::uint64_t> available;  // what it can be asked for now; empty before AMT 9: it does not say
};
Result<PowerStatus> power_status(Caller& machine);

/// Asks for it; the machine does it afterwards. `now` is its status: what it does not allow in it is not asked.
/// Errors: Refused, saying what it allows.
Result<void> request_power(Caller& machine, PowerAction action, const PowerStatus& now);

/// The state that an action leads to.
bool reached(PowerAction action, std::uint64_t state);

}  // namespace amtgate::wsman
