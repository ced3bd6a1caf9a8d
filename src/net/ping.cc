#include "amtgate/net/ping.h"

#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "amtgate/packet/icmp.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/fd.h"

namespace amtgate::net {
namespace {

// What IP and ICMP headers come to, and more than the request has in data.
constexpr std::size_t kMaxReply = 512;

struct Socket {
  sys::UniqueFd fd;
  bool raw = false;
};

Result<Socket> open_socket(bool v4) {
  const int family = v4 ? AF_INET : AF_INET6, protocol = v4 ? IPPROTO_ICMP : int{IPPROTO_ICMPV6};
  // The kernel numbers these and hands over our own replies only; a raw one hears everybody's.
  sys::UniqueFd fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (fd) return Socket{std::move(fd), false};
  fd.reset(::socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (fd) return Socket{std::move(fd), true};
  const std::string why = std::strerror(errno);
  return Error{Errc::System,
               "cannot ping (" + why + "); try as root, or let your group do it: sysctl net.ipv4.ping_group_range"};
}

bool passes(int code) {
  return code == EAGAIN || code == EINTR || code == ECONNREFUSED || code == EHOSTUNREACH || code == ENETUNREACH ||
         code == EHOSTDOWN;
}

}  // namespace

Result<bool> ping(const IpAddress& address, std::uint32_t mark, Duration patience) {
  static std::atomic<std::uint16_t> next{1};
  const bool v4 = address.is_v4();
  Result<Socket> socket = open_socket(v4);
  if (!socket) return socket.error();
  const int fd = socket->fd.get();
  const int value = static_cast<int>(mark);
  if (mark != 0 && ::setsockopt(fd, SOL_SOCKET, SO_MARK, &value, sizeof value) != 0) {
    return Error{Errc::System, std::string("cannot mark a socket: ") + std::strerror(errno)};
  }
  sockaddr_storage to{};
  const socklen_t size = Endpoint{address, Port{0}}.to_sockaddr(to);
  // Replies from elsewhere stay away.
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), size) != 0) {
    if (passes(errno)) return false;
    return Error{Errc::System, "cannot ping " + address.to_string() + ": " + std::strerror(errno)};
  }
  const packet::Echo echo{static_cast<std::uint16_t>(::getpid()), next++};
  const auto request = packet::make_echo_request(v4, echo);
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    if (passes(errno)) return false;
    return Error{Errc::System, "cannot ping " + address.to_string() + ": " + std::strerror(errno)};
  }
  for (const TimePoint until = sys::now() + patience;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - sys::now()).count();
    pollfd p{fd, POLLIN, 0};
    const int ready = ::poll(&p, 1, static_cast<int>(std::max<decltype(left)>(left, 0)));
    if (ready < 0 && errno != EINTR) return Error{Errc::System, std::string("poll: ") + std::strerror(errno)};
    if (ready > 0) {
      std::array<std::uint8_t, kMaxReply> buffer;
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n < 0 && !passes(errno)) return Error{Errc::System, std::string("ping: ") + std::strerror(errno)};
      if (n < 0 && errno != EAGAIN && errno != EINTR) return false;  // a router says so
      if (n > 0) {
        const auto reply =
            packet::parse_echo_reply(v4, v4 && socket->raw, Bytes(buffer).first(static_cast<std::size_t>(n)));
        const bool ours =
            reply && reply->sequence == echo.sequence && (!socket->raw || reply->identifier == echo.identifier);
        if (ours) return true;
      }
    }
    if (sys::now() >= until) return false;
  }
}

}  // namespace amtgate::net
