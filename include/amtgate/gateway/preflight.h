// What is wrong with a loaded configuration that only those who use it can tell.
#pragma once

#include <vector>

#include "amtgate/config/parse.h"

namespace amtgate::gateway {

/// The users file's content, and certificates and keys that do not parse or do not fit each other. Pure.
std::vector<config::Mistake> preflight(const config::Config& config);

}  // namespace amtgate::gateway
