// Whether an address is one of this host's own.
#pragma once

#include "amtgate/base/inet.h"

namespace amtgate::gateway {

/// As the kernel has it now: addresses come and go, and each thread that asks hears of that from the kernel before it
/// answers. Loopback addresses are ours.
bool is_local(const IpAddress& address);

}  // namespace amtgate::gateway
