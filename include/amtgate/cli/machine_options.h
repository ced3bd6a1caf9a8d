// How to log in to a machine that no configuration describes: the options that commands share which talk to it
// themselves.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "amtgate/base/result.h"
#include "amtgate/config/config.h"

namespace amtgate::cli {

struct MachineOptions {
  config::Target target;  // its name is the caller's to set
  std::string state;      // folder where certificates seen at first use are remembered; empty: default_state()
};

struct MachineOption {
  std::string_view name;   // "--user"
  std::string_view value;  // what stands behind it: "NAME"; empty: nothing does
  std::string_view help;
  /// Errors: a sentence for wrong usage.
  Result<void> (*set)(MachineOptions& options, const std::string& value);
};

std::span<const MachineOption> machine_options();

/// `host` without the brackets that URLs have around an IPv6 address.
std::string plain_host(std::string host);

/// What counts when no option is given: the password in $AMT_PASSWORD, else none.
MachineOptions default_machine();
/// The folder that programs keep such things in: $XDG_STATE_HOME/amtgate, ~/.local/state/amtgate.
std::string default_state();

}  // namespace amtgate::cli
