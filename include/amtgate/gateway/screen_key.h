// Which screen a viewer looks at: viewers of one machine have to meet, since AMT has one KVM session.
#pragma once

#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/gateway/directory.h"

namespace amtgate::gateway {

inline constexpr Port kVncPort{5900};

/// Names the screen that a viewer of this destination looks at; empty where there is none to share (no target, no
/// address, vnc_mode = splice).
std::string screen_key(const Directory& directory, const IpAddress& client, const Endpoint& destination);
/// The same for a machine that is known. Errors: Unreachable (its name does not resolve).
Result<std::string> screen_key(const Directory& directory, const config::Target& target,
                               const IpAddress& destination);

}  // namespace amtgate::gateway
