#include "amtgate/base/inet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace amtgate {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void zero_host_bits(std::span<std::uint8_t> bytes, unsigned prefix) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const unsigned bit = static_cast<unsigned>(i) * 8;
    if (bit >= prefix) {
      bytes[i] = 0;
    } else if (prefix - bit < 8) {
      bytes[i] &= static_cast<std::uint8_t>(0xff00U >> (prefix - bit));
    }
  }
}

}  // namespace

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress a;
  std::copy(bytes.begin(), bytes.end(), a.bytes_.begin());
  return a;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    return v4({bytes[12], bytes[13], bytes[14], bytes[15]});
  }
  IpAddress a;
  a.family_ = Family::V6;
  a.bytes_ = bytes;
  return a;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) return v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  if (::inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return v6(bytes);
  return Error{Errc::BadValue, "'" + copy + "' is not an IP address"};
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return std::all_of(bytes_.begin(), bytes_.begin() + 15, [](auto b) { return b == 0; }) && bytes_[15] == 1;
}

bool IpAddress::is_unspecified() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](auto b) { return b == 0; });
}

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

Result<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  Result<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return address.error();
  const unsigned most = address->is_v4() ? 32 : 128;
  unsigned prefix = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (ec != std::errc{} || end != digits.data() + digits.size() || digits.empty() || prefix > most) {
      return Error{Errc::BadValue,
                   "'" + std::string(text) + "' has no prefix length of 0 to " + std::to_string(most)};
    }
  }
  if (address->is_v4()) {
    std::array<std::uint8_t, 4> bytes{};
    std::copy_n(address->bytes().begin(), 4, bytes.begin());
    zero_host_bits(bytes, prefix);
    return Network{IpAddress::v4(bytes), prefix};
  }
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(address->bytes().begin(), 16, bytes.begin());
  zero_host_bits(bytes, prefix);
  return Network{IpAddress::v6(bytes), prefix};
}

bool Network::contains(const IpAddress& a) const {
  if (a.family() != address.family()) return false;
  const auto mine = address.bytes();
  const auto theirs = a.bytes();
  const unsigned whole = prefix / 8;
  if (!std::equal(mine.begin(), mine.begin() + whole, theirs.begin())) return false;
  const unsigned bits = prefix % 8;
  if (bits == 0) return true;
  const unsigned mask = 0xff00U >> bits & 0xff;
  return (mine[whole] & mask) == (theirs[whole] & mask);
}

std::string Network::to_string() const {
  return is_single() ? address.to_string() : address.to_string() + "/" + std::to_string(prefix);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Error{Errc::BadValue, "'" + std::string(text) + "' has no ':port'"};
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!bracketed && host.find(':') != std::string_view::npos) {
    return Error{Errc::BadValue, "'" + std::string(text) + "': write IPv6 as [address]:port"};
  }
  const Result<IpAddress> address = IpAddress::parse(host);
  if (!address) return address.error();
  const Result<Port> port = parse_port(text.substr(colon + 1));
  if (!port) return port.error();
  return Endpoint{*address, *port};
}

Endpoint Endpoint::from_sockaddr(const sockaddr_storage& from) {
  Endpoint e;
  if (from.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &from, sizeof in);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, 4);
    e = {IpAddress::v4(bytes), Port{ntohs(in.sin_port)}};
  } else if (from.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &from, sizeof in);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, 16);
    e = {IpAddress::v6(bytes), Port{ntohs(in.sin6_port)}};
  }
  return e;
}

socklen_t Endpoint::to_sockaddr(sockaddr_storage& to) const {
  to = {};
  if (address.is_v4()) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port.value);
    std::memcpy(&out.sin_addr, address.bytes().data(), 4);
    std::memcpy(&to, &out, sizeof out);
    return sizeof out;
  }
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(port.value);
  std::memcpy(&out.sin6_addr, address.bytes().data(), 16);
  std::memcpy(&to, &out, sizeof out);
  return sizeof out;
}

std::string Endpoint::to_string() const {
  const std::string port_text = ":" + std::to_string(port.value);
  return address.is_v4() ? address.to_string() + port_text : "[" + address.to_string() + "]" + port_text;
}

Result<Port> parse_port(std::string_view text) {
  unsigned n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size() || n == 0 || n > 65535) {
    return Error{Errc::BadValue, "'" + std::string(text) + "' is not a port (1 to 65535)"};
  }
  return Port{static_cast<std::uint16_t>(n)};
}

}  // namespace amtgate
