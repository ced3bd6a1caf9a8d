// setupbin make, show, edit: files by which a PC's firmware sets AMT up from a USB stick.
#pragma once

#include "amtgate/cli/commands.h"

namespace amtgate::cli {

Run setupbin_command(CLI::App& app, const Common& common);

}  // namespace amtgate::cli
