// The subcommands that look after machines: their place on the network, their logs, what they are made of. As those
// in commands.h.
#pragma once

#include "amtgate/cli/commands.h"

namespace amtgate::cli {

Run net_command(CLI::App& app, const Common& common);
Run log_command(CLI::App& app, const Common& common);
Run audit_command(CLI::App& app, const Common& common);
Run inventory_command(CLI::App& app, const Common& common);

}  // namespace amtgate::cli
