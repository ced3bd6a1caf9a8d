// The commands of wsamt, with a machine at the other end of a Caller.
//
// Source: the utility's own description of each in a line, and the classes behind them; how it wrote what it printed
// and in what order userchg took its words is not known, so that is ours.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "amtgate/wsman/caller.h"

namespace amtgate::cli {

struct WsamtCommand {
  using Arguments = std::span<const std::string>;
  /// For each line of the answer.
  using Say = std::function<void(const std::string&)>;

  std::string name;
  std::string arguments;  // as a person reads them: "[on|off]"
  std::string help;
  std::size_t least = 0, most = 1;  // arguments
  std::function<Result<void>(wsman::Caller&, Arguments, const Say&)> run;
};

/// Settings that a class has as a property, and services that are switched on and off. Without a value they say what
/// it is.
std::vector<WsamtCommand> wsamt_settings();
/// All of them, in the order that help has.
std::vector<WsamtCommand> wsamt_commands();

/// "on", "off", "1", "0", "true", "false", "yes", "no", "enable", "disable". Errors: BadValue.
Result<bool> wsamt_switch(const std::string& word);

}  // namespace amtgate::cli
