// The packet mark of commands that talk to machines from the gateway's own host: it keeps the gateway's rules from
// catching their connections and logging in with what it has.
#pragma once

#include <cstdint>

#include "amtgate/cli/common.h"
#include "amtgate/config/config.h"

namespace amtgate::cli {

/// 0, no mark, where we are not root: only root may set one.
std::uint32_t own_mark(const config::Config& config);
/// Likewise where the configuration cannot be used: no gateway runs by it.
std::uint32_t own_mark(const Common& common);

}  // namespace amtgate::cli
