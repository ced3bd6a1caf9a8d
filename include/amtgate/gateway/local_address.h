// Whether an address is one of this host's own.
#pragma once

#include "amtgate/base/inet.h"

namespace amtgate::gateway {

/// Asks the kernel each time (addresses come and go). Loopback addresses are ours.
bool is_local(const IpAddress& address);

}  // namespace amtgate::gateway
