#include "amtgate/packet/icmp.h"

#include "amtgate/base/reader.h"

namespace amtgate::packet {
namespace {

constexpr std::uint8_t kRequest4 = 8, kReply4 = 0, kRequest6 = 128, kReply6 = 129;

/// The internet checksum (RFC 1071) of an even number of bytes.
std::uint16_t checksum(Bytes bytes) {
  std::uint32_t sum = 0;
  for (Reader in(bytes); in.remaining() > 0;) sum += in.be16();
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

std::array<std::uint8_t, kEchoBytes> make_echo_request(bool v4, const Echo& echo) {
  std::array<std::uint8_t, kEchoBytes> out{};
  const auto put = [&](std::size_t at, std::uint16_t v) {
    out[at] = static_cast<std::uint8_t>(v >> 8);
    out[at + 1] = static_cast<std::uint8_t>(v);
  };
  out[0] = v4 ? kRequest4 : kRequest6;
  put(4, echo.identifier);
  put(6, echo.sequence);
  if (v4) put(2, checksum(out));
  return out;
}

std::optional<Echo> parse_echo_reply(bool v4, bool with_header, Bytes packet) {
  Reader in(packet);
  if (with_header) {
    const std::uint8_t first = in.u8();
    const std::size_t header = std::size_t{first & 0x0fU} * 4;
    if (first >> 4 != 4 || header < 20) return std::nullopt;
    in.skip(header - 1);
  }
  const std::uint8_t type = in.u8(), code = in.u8();
  in.skip(2);
  const Echo echo{in.be16(), in.be16()};
  if (in.failed() || type != (v4 ? kReply4 : kReply6) || code != 0) return std::nullopt;
  return echo;
}

}  // namespace amtgate::packet
