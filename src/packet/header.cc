#include "amtgate/packet/header.h"

#include <algorithm>
#include <array>

#include "amtgate/base/reader.h"

namespace amtgate::packet {
namespace {

constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kRst = 0x04;
constexpr std::uint8_t kAck = 0x10;

constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kUdpHeader = 8;

// Next-header numbers that parse() steps over (IANA protocol numbers).
constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kAuthentication = 51;
constexpr std::uint8_t kDestinationOptions = 60;

IpAddress v4(Bytes in) {
  std::array<std::uint8_t, 4> bytes{};
  std::copy_n(in.begin(), std::min(in.size(), bytes.size()), bytes.begin());
  return IpAddress::v4(bytes);
}

IpAddress v6(Bytes in) {
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(in.begin(), std::min(in.size(), bytes.size()), bytes.begin());
  return IpAddress::v6(bytes);
}

/// `at` is where the transport header begins; it lies inside `packet` or just behind it.
Unread parse_transport(Bytes packet, std::size_t at, std::uint8_t protocol, Header& out) {
  Reader in(packet.subspan(at));
  if (protocol == static_cast<std::uint8_t>(Protocol::Tcp)) {
    out.flow.protocol = Protocol::Tcp;
    out.flow.source.port.value = in.be16();
    out.flow.destination.port.value = in.be16();
    in.skip(8);
    const std::size_t length = static_cast<std::size_t>(in.u8() >> 4) * 4;
    out.tcp_flags = in.u8();
    in.skip(kTcpHeader - 14);
    if (in.failed()) return Unread::Truncated;
    if (length < kTcpHeader) return Unread::Malformed;
    out.payload_at = static_cast<std::uint32_t>(at + length);
    return Unread::None;
  }
  if (protocol == static_cast<std::uint8_t>(Protocol::Udp)) {
    out.flow.protocol = Protocol::Udp;
    out.flow.source.port.value = in.be16();
    out.flow.destination.port.value = in.be16();
    in.skip(kUdpHeader - 4);
    if (in.failed()) return Unread::Truncated;
    out.payload_at = static_cast<std::uint32_t>(at + kUdpHeader);
    return Unread::None;
  }
  return Unread::OtherKind;
}

Unread parse_v4(Bytes packet, Header& out) {
  Reader in(packet);
  const std::size_t header = static_cast<std::size_t>(in.u8() & 0x0f) * 4;
  in.skip(1);
  const std::size_t total = in.be16();
  in.skip(2);
  const unsigned fragment = in.be16();
  in.skip(1);
  const std::uint8_t protocol = in.u8();
  in.skip(2);
  out.flow.source.address = v4(in.take(4));
  out.flow.destination.address = v4(in.take(4));
  if (in.failed()) return Unread::Truncated;
  // A total length of 0 is what the kernel writes into its own large-send packets.
  if (header < kIpv4Header || (total != 0 && total < header)) return Unread::Malformed;
  if (header > packet.size()) return Unread::Truncated;
  if ((fragment & 0x3fff) != 0) return Unread::Fragment;
  // Bytes behind the packet's own length (padding) are not part of it.
  if (total != 0 && total < packet.size()) packet = packet.first(total);
  return parse_transport(packet, header, protocol, out);
}

bool is_mapped(Bytes address) {
  return std::all_of(address.begin(), address.begin() + 10, [](auto b) { return b == 0; }) && address[10] == 0xff &&
         address[11] == 0xff;
}

Unread parse_v6(Bytes packet, Header& out) {
  Reader in(packet);
  in.skip(4);
  const std::size_t payload = in.be16();
  std::uint8_t next = in.u8();
  in.skip(1);
  const Bytes source = in.take(16);
  const Bytes destination = in.take(16);
  if (in.failed()) return Unread::Truncated;
  if (is_mapped(source) || is_mapped(destination)) return Unread::Malformed;
  out.flow.source.address = v6(source);
  out.flow.destination.address = v6(destination);
  // A payload length of 0 stands for a jumbogram or one of the kernel's large-send packets.
  if (payload != 0 && payload < packet.size() - kIpv6Header) packet = packet.first(kIpv6Header + payload);

  std::size_t at = kIpv6Header;
  for (unsigned seen = 0; seen <= kMaxExtensionHeaders; ++seen) {
    const bool options = next == kHopByHop || next == kRouting || next == kDestinationOptions;
    if (!options && next != kFragment && next != kAuthentication) return parse_transport(packet, at, next, out);
    Reader extension(packet.subspan(at));
    const std::uint8_t following = extension.u8();
    const std::size_t units = extension.u8();
    const unsigned fragment = extension.be16();
    extension.skip(4);
    if (extension.failed()) return Unread::Truncated;
    std::size_t length = (units + 1) * 8;
    if (next == kFragment) {
      if ((fragment & 0xfff9) != 0) return Unread::Fragment;
      length = 8;
    } else if (next == kAuthentication) {
      length = (units + 2) * 4;
    }
    if (length > packet.size() - at) return Unread::Truncated;
    at += length;
    next = following;
  }
  return Unread::Malformed;
}

}  // namespace

bool Header::opens() const {
  return flow.protocol == Protocol::Tcp && (tcp_flags & (kSyn | kAck | kFin | kRst)) == kSyn;
}

Unread parse(Bytes packet, Header& out) {
  out = Header{};
  if (packet.empty()) return Unread::Truncated;
  switch (packet[0] >> 4) {
    case 4: return parse_v4(packet, out);
    case 6: return parse_v6(packet, out);
    default: return Unread::Malformed;
  }
}

const char* name(Unread why) {
  switch (why) {
    case Unread::None: return "none";
    case Unread::Truncated: return "truncated";
    case Unread::Malformed: return "malformed";
    case Unread::Fragment: return "fragment";
    case Unread::OtherKind: return "other_kind";
  }
  return "?";
}

}  // namespace amtgate::packet
