// Internet addresses, networks and endpoints as values. Host byte order in integers; the sockaddr forms are
// made where they meet the kernel.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "amtgate/base/result.h"

namespace amtgate {

struct Port {
  std::uint16_t value = 0;
  auto operator<=>(const Port&) const = default;
};

/// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are folded to IPv4 on the way in, so that a
/// client on a dual-stack socket compares equal to its address in the configuration. No zone.
class IpAddress {
 public:
  enum class Family : std::uint8_t { V4, V6 };

  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  /// Errors: BadValue with the text.
  static Result<IpAddress> parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::V4; }
  bool is_loopback() const;
  bool is_unspecified() const;
  /// 4 or 16 bytes, network order.
  std::span<const std::uint8_t> bytes() const { return {bytes_.data(), is_v4() ? 4U : 16U}; }
  std::string to_string() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::V4;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address and a prefix length, e.g. 192.0.2.0/24; host bits are zeroed on parsing.
struct Network {
  IpAddress address;
  unsigned prefix = 32;

  /// "192.0.2.0/24", "2001:db8::/32" or a bare address (a network of one). Errors: BadValue.
  static Result<Network> parse(std::string_view text);
  bool contains(const IpAddress& a) const;
  bool is_single() const { return prefix == (address.is_v4() ? 32U : 128U); }
  std::string to_string() const;
  auto operator<=>(const Network&) const = default;
};

struct Endpoint {
  IpAddress address;
  Port port;

  /// "192.0.2.1:5900" or "[2001:db8::1]:5900". Errors: BadValue.
  static Result<Endpoint> parse(std::string_view text);
  /// From what the kernel gave; an unknown family is 0.0.0.0:0.
  static Endpoint from_sockaddr(const sockaddr_storage& from);
  /// Fills `to` and returns its length.
  socklen_t to_sockaddr(sockaddr_storage& to) const;
  std::string to_string() const;
  auto operator<=>(const Endpoint&) const = default;
};

/// Decimal, 1 to 65535. Errors: BadValue with the text.
Result<Port> parse_port(std::string_view text);

}  // namespace amtgate

template <>
struct std::hash<amtgate::IpAddress> {
  std::size_t operator()(const amtgate::IpAddress& a) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(a.bytes().data()), a.bytes().size()});
  }
};
