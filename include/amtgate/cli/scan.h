// scan: AMT machines in a network.
#pragma once

#include "amtgate/cli/commands.h"

namespace amtgate::cli {

Run scan_command(CLI::App& app, const Common& common);

}  // namespace amtgate::cli
