// ICMP echo, the ping that every operating system answers (RFC 792, RFC 4443 section 4). All big endian:
//
//   0 type: 8 request, 0 reply; ICMPv6 128 and 129 | 1 code 0 | 2..3 checksum | 4..5 identifier | 6..7 sequence | data
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "amtgate/base/bytes.h"

namespace amtgate::packet {

inline constexpr std::size_t kEchoBytes = 16;

struct Echo {
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  bool operator==(const Echo&) const = default;
};

/// With IPv4's checksum; that of ICMPv6 covers addresses, and the kernel puts it in.
std::array<std::uint8_t, kEchoBytes> make_echo_request(bool v4, const Echo& echo);

/// A reply; nothing for everything else. `packet` begins at the ICMP message, or, `with_header`, at an IPv4 header as raw
/// sockets hand it over.
std::optional<Echo> parse_echo_reply(bool v4, bool with_header, Bytes packet);

}  // namespace amtgate::packet
