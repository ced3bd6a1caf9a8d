// wait: until machines are as they are wanted.
#pragma once

#include "amtgate/cli/commands.h"

namespace amtgate::cli {

Run wait_command(CLI::App& app, const Common& common);

}  // namespace amtgate::cli
