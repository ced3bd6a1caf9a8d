// wsamt: this program under that name takes the options, environment variables and commands of the old utility, so
// that scripts which were written for it go on working.
#pragma once

#include <string_view>

namespace amtgate::cli {

inline constexpr std::string_view kWsamt = "wsamt";

/// Gives the exit code (exit.h). The password in `argv` is wiped out, so that it does not stay in the process list.
int wsamt(int argc, char** argv);

}  // namespace amtgate::cli
