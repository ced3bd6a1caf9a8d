// What a scan is told to look at: addresses, networks and ranges of IPv4, and single addresses of IPv6.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"

namespace amtgate::cli {

/// So many addresses are scanned without being asked twice: a /16.
inline constexpr std::uint64_t kManyAddresses = 65536;
/// And no more at all: a /12.
inline constexpr std::uint64_t kMostAddresses = 1048576;

struct AddressRange {
  IpAddress first;
  std::uint64_t count = 1;
};

/// "192.0.2.10", "192.0.2.0/24" (without the network's own address and the broadcast address where it has them),
/// "192.0.2.10-192.0.2.20", "192.0.2.10-20", "2001:db8::1". Errors: BadValue with the text.
Result<AddressRange> parse_address_range(std::string_view text);

/// All addresses of all ranges, in order, each once. Errors: TooLarge (kMostAddresses).
Result<std::vector<IpAddress>> addresses_of(const std::vector<AddressRange>& ranges);

}  // namespace amtgate::cli
