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

/// The same for a serial console that all clients of a machine share; empty where there is none.
std::string serial_key(const config::Target& target);
std::string serial_key(const Directory& directory, const IpAddress& client, const Endpoint& destination);
/// 16994 and 16995.
bool is_redirection_port(Port port);

}  // namespace amtgate::gateway
