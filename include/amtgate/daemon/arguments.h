// The command line of amtgated.
#pragma once

#include <string>

#include "amtgate/base/result.h"

namespace amtgate::daemon {

struct Arguments {
  std::string config = AMTGATE_SYSCONFDIR "/amtgate/amtgate.conf";
  enum class Do { Serve, Check, Help, Version };
  Do what = Do::Serve;
};

/// Errors: BadValue with one line for standard error.
Result<Arguments> parse_arguments(int argc, char** argv);
/// What --help prints.
std::string usage();

}  // namespace amtgate::daemon
