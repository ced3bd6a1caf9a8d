#include "amtgate/packet/rmcp.h"

#include <algorithm>

#include "amtgate/base/reader.h"

namespace amtgate::packet {
namespace {

constexpr std::uint8_t kVersion = 6;
constexpr std::uint8_t kClassAsf = 6;
constexpr std::uint32_t kAsf = 4542;
constexpr std::uint8_t kPing = 0x80;
constexpr std::uint8_t kPong = 0x40;
constexpr std::uint8_t kPongData = 16;
constexpr std::uint8_t kDash = 0x20;
constexpr std::uint8_t kBothPorts = 0x04;

struct Message {
  std::uint8_t type = 0;
  std::uint8_t tag = 0;
  Bytes data;
};

std::optional<Message> parse(Bytes datagram) {
  Reader in(datagram);
  const bool rmcp = in.u8() == kVersion;
  in.skip(2);
  const bool asf = in.u8() == kClassAsf && in.be32() == kAsf;
  Message out;
  out.type = in.u8();
  out.tag = in.u8();
  in.skip(1);
  const std::size_t length = in.u8();
  if (in.failed() || !rmcp || !asf || in.remaining() != length) return std::nullopt;
  out.data = in.take(length);
  return out;
}

std::array<std::uint8_t, kPingBytes> head(std::uint8_t type, std::uint8_t tag, std::uint8_t length) {
  return {kVersion, 0, 0, kClassAsf, 0, 0, kAsf >> 8U, kAsf & 0xffU, type, tag, 0, length};
}

}  // namespace

std::optional<std::uint8_t> parse_ping(Bytes datagram) {
  const std::optional<Message> message = parse(datagram);
  if (!message || message->type != kPing || !message->data.empty()) return std::nullopt;
  return message->tag;
}

std::array<std::uint8_t, kPingBytes> make_ping(std::uint8_t tag) {
  return head(kPing, tag, 0);
}

const char* name(Provisioning state) {
  switch (state) {
    case Provisioning::Pre: return "pre";
    case Provisioning::In: return "in";
    case Provisioning::Post: return "post";
    case Provisioning::Unknown: break;
  }
  return "unknown";
}

std::optional<Pong> parse_pong(Bytes datagram) {
  if (datagram.size() > kMaxPongBytes) return std::nullopt;
  const std::optional<Message> message = parse(datagram);
  if (!message || message->type != kPong || message->data.size() < kPongData) return std::nullopt;
  Reader in(message->data);
  Pong out;
  out.tag = message->tag;
  out.maker = in.be32();
  if (!out.is_amt()) return out;
  out.port.value = in.be16();
  const unsigned version = in.u8();
  const unsigned state = in.u8();
  in.skip(1);
  out.dash = (in.u8() & kDash) != 0;
  const unsigned major = in.u8(), minor = in.u8();
  out.major = version != 0 ? version >> 4U : major;
  out.minor = version != 0 ? version & 0x0fU : minor;
  out.provisioning = static_cast<Provisioning>(state & 3U);
  out.both_ports = (state & kBothPorts) != 0;
  return out;
}

std::array<std::uint8_t, 28> make_pong(const Pong& pong) {
  std::array<std::uint8_t, 28> out{};
  std::ranges::copy(head(kPong, pong.tag, kPongData), out.begin());
  out[14] = static_cast<std::uint8_t>(pong.maker >> 8U);
  out[15] = static_cast<std::uint8_t>(pong.maker);
  if (!pong.is_amt()) return out;
  out[16] = static_cast<std::uint8_t>(pong.port.value >> 8U);
  out[17] = static_cast<std::uint8_t>(pong.port.value);
  const bool fits = pong.major < 16 && pong.minor < 16;
  if (fits) out[18] = static_cast<std::uint8_t>(pong.major << 4U | pong.minor);
  out[19] = static_cast<std::uint8_t>(static_cast<unsigned>(pong.provisioning) | (pong.both_ports ? kBothPorts : 0));
  if (pong.dash) out[21] = kDash;
  if (!fits) {
    out[22] = static_cast<std::uint8_t>(pong.major);
    out[23] = static_cast<std::uint8_t>(pong.minor);
  }
  return out;
}

}  // namespace amtgate::packet
