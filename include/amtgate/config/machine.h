// Which machine a person means who names one on the command line.
#pragma once

#include <string_view>

#include "amtgate/base/result.h"
#include "amtgate/config/config.h"

namespace amtgate::config {

struct Machine {
  const Target* target;  // lives as long as the configuration
  Host aim;              // what clients aim at to reach it: a single address, or a name
};

/// `text`: a target's name where it stands for one machine, or an address that clients aim at (that of the target
/// with the narrowest network that holds it; IPv6 also in brackets). Errors: BadValue, with a sentence.
Result<Machine> find_machine(const Config& config, std::string_view text);

}  // namespace amtgate::config
