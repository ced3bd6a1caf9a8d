// Packet headers as the kernel hands them over at layer 3: IPv4 or IPv6 with what stands before TCP or UDP.
//
// Everything here comes from the network. Nothing is allocated, every step is bounded by the bytes given and by a
// named limit, and what cannot be read with certainty is an error, which the caller treats as "none of our business".
#pragma once

#include <cstdint>

#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"

namespace amtgate::packet {

enum class Protocol : std::uint8_t { Tcp = 6, Udp = 17 };

/// The five-tuple of a packet.
struct FlowKey {
  Protocol protocol = Protocol::Tcp;
  Endpoint source;
  Endpoint destination;
  auto operator<=>(const FlowKey&) const = default;
};

/// What parse() found.
struct Header {
  FlowKey flow;
  std::uint8_t tcp_flags = 0;    // the TCP flag byte; 0 for UDP
  std::uint32_t payload_at = 0;  // where the transport payload begins, from the start of the packet
  /// SYN without ACK, FIN or RST: what opens a connection (iptables --syn).
  bool opens() const;
};

/// Why a packet could not be read. All of them mean: let it pass.
enum class Unread : std::uint8_t {
  None,       // it was read
  Truncated,  // fewer bytes than its own headers need
  Malformed,  // impossible lengths, versions or addresses
  Fragment,   // a part of a packet: the ports may be elsewhere
  OtherKind,  // well formed, but neither TCP nor UDP
};

/// How many bytes of a packet parse() may need: 40 of IPv6, 60 of TCP and room for extension headers; with IPv4 at
/// most 60 + 60. Longer chains of extension headers are Truncated, and pass.
inline constexpr std::uint32_t kHeaderBytes = 192;
/// More extension headers than this are Malformed. RFC 8200 4.1 has each kind once, Destination Options twice: seven.
inline constexpr unsigned kMaxExtensionHeaders = 8;

/// Reads one packet, or the beginning of one: `packet` may be cut short behind the transport header.
/// IPv4 (RFC 791): header length checked against the bytes, any fragment (offset or "more fragments") is Fragment.
/// IPv6 (RFC 8200): hop-by-hop, routing, destination options and authentication headers are stepped over; a fragment
/// header is stepped over only if it holds the whole packet (an atomic fragment, RFC 6946). An IPv6 packet from or to
/// an IPv4-mapped address is Malformed: such an address does not belong on a wire, and folded to IPv4 it could pass
/// for one. Checksums are not looked at: the kernel has checked them, or (on its own packets) not made them yet.
Unread parse(Bytes packet, Header& out);

/// "truncated", "malformed", "fragment", "other_kind".
const char* name(Unread why);

}  // namespace amtgate::packet
