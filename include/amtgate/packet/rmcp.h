// RMCP presence pings and pongs (ASF 2.0 section 3.2.4; DMTF DSP0136), UDP port 623: how management controllers are
// found. Every message, all big endian:
//
//   0 version 6 | 1 reserved | 2 sequence, 0xff = no acknowledgement wanted | 3 class, 6 = ASF | 4..7 IANA number
//   4542 8 type, 0x80 ping, 0x40 pong | 9 tag | 10 reserved | 11 length of the data that follows
//
// A ping has no data. A pong has 16 bytes of it, and from AMT they say [Intel; the MeshCentral and ui-toolkit
// scanners read them so]:
//
//   12..15 IANA number of the maker, Intel 343 | 16..17 open port, 16992 or 16993; 0 = not set up
//   18 version, major << 4 | minor; 0 where it does not fit, and it stands in 22 and 23 then
//   19 bits 0 and 1: setting up 0 = not begun, 1 = under way, 2 = done; bit 2: both ports are open
//   20 entities | 21 0x20: DASH | 22 major | 23 minor | 24..27 reserved
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"

namespace amtgate::packet {

inline constexpr Port kRmcpPort{623};
inline constexpr std::size_t kPingBytes = 12;
/// Longer ones are none: what is known has 28 bytes.
inline constexpr std::size_t kMaxPongBytes = 64;

/// The tag of a presence ping; nothing for everything else, also for one with a byte too many.
std::optional<std::uint8_t> parse_ping(Bytes datagram);
std::array<std::uint8_t, kPingBytes> make_ping(std::uint8_t tag);

enum class Provisioning : std::uint8_t { Pre = 0, In = 1, Post = 2, Unknown = 3 };
/// "pre", "in", "post", "unknown".
const char* name(Provisioning state);

struct Pong {
  std::uint8_t tag = 0;
  std::uint32_t maker = 0;  // IANA enterprise number
  // What follows is AMT's own, and nothing where the maker is another.
  Port port;  // 0: not set up
  unsigned major = 0;
  unsigned minor = 0;
  Provisioning provisioning = Provisioning::Unknown;
  bool both_ports = false;
  bool dash = false;

  bool is_amt() const { return maker == kIntel; }
  static constexpr std::uint32_t kIntel = 343;
};

/// A presence pong of any maker; nothing for everything else.
std::optional<Pong> parse_pong(Bytes datagram);
/// What a machine says, as parse_pong() reads it; 28 bytes.
std::array<std::uint8_t, 28> make_pong(const Pong& pong);

}  // namespace amtgate::packet
