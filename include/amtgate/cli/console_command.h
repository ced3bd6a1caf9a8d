// console: to a machine's firmware set-up, another system, or what is there, in one command.
#pragma once

#include "amtgate/cli/commands.h"

namespace amtgate::cli {

Run console_command(CLI::App& app, const Common& common);

}  // namespace amtgate::cli
