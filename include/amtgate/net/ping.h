// One ping: whether an address answers an ICMP echo request. Blocks; for command-line tools.
#pragma once

#include <cstdint>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::net {

/// True: it answered within `patience`. `mark`: SO_MARK, 0 for none. Without cap_net_raw it works for the groups of
/// net.ipv4.ping_group_range. Errors: System (no right to, with what to do).
Result<bool> ping(const IpAddress& address, std::uint32_t mark, Duration patience);

}  // namespace amtgate::net
