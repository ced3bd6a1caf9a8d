#include "amtgate/net/datagram.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace amtgate::net {
namespace {

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

Result<sys::UniqueFd> transparent(const Endpoint& at, const std::string& what) {
  const bool v4 = at.address.is_v4();
  sys::UniqueFd fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!fd) return Error{Errc::System, what + ": " + std::strerror(errno)};
  if (!v4) set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (!set(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1)) {
    return Error{Errc::System, what + " transparently (cap_net_admin): " + std::strerror(errno)};
  }
  return fd;
}

Result<void> bind_to(int fd, const Endpoint& at, const std::string& what) {
  sockaddr_storage name{};
  const socklen_t n = at.to_sockaddr(name);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&name), n) == 0) return {};
  const Errc code = errno == EADDRINUSE ? Errc::Busy : errno == EADDRNOTAVAIL ? Errc::Unreachable : Errc::System;
  return Error{code, what + ": " + std::strerror(errno)};
}

/// Where it was going before TPROXY took it (IP_RECVORIGDSTADDR).
std::optional<Endpoint> original_destination(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    const bool v4 = c->cmsg_level == SOL_IP && c->cmsg_type == IP_ORIGDSTADDR;
    const bool v6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR;
    if (!v4 && !v6) continue;
    sockaddr_storage name{};
    const std::size_t size = v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (c->cmsg_len < CMSG_LEN(size)) continue;
    std::memcpy(&name, CMSG_DATA(c), size);
    return Endpoint::from_sockaddr(name);
  }
  return std::nullopt;
}

}  // namespace

Result<sys::UniqueFd> open_datagram_catcher(const Endpoint& at) {
  const std::string what = "UDP on " + at.to_string();
  Result<sys::UniqueFd> fd = transparent(at, what);
  if (!fd) return fd;
  const bool v4 = at.address.is_v4();
  if (!set(fd->get(), v4 ? SOL_IP : SOL_IPV6, v4 ? IP_RECVORIGDSTADDR : IPV6_RECVORIGDSTADDR, 1)) {
    return Error{Errc::System, what + ": " + std::strerror(errno)};
  }
  if (const Result<void> bound = bind_to(fd->get(), at, what); !bound) return bound.error();
  return fd;
}

std::optional<Datagram> receive_datagram(int fd, MutableBytes buffer) {
  while (true) {
    sockaddr_storage from{};
    iovec part{buffer.data(), buffer.size()};
    alignas(cmsghdr) std::array<char, 256> control{};
    msghdr message{};
    message.msg_name = &from;
    message.msg_namelen = sizeof from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t n = ::recvmsg(fd, &message, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    const std::optional<Endpoint> to = original_destination(message);
    if (!to) continue;
    return Datagram{Endpoint::from_sockaddr(from), *to, Bytes(buffer).first(static_cast<std::size_t>(n)),
                    (message.msg_flags & MSG_TRUNC) != 0};
  }
}

Result<void> send_datagram_as(const Endpoint& from, const Endpoint& to, Bytes data, std::uint32_t mark) {
  const std::string what = "UDP from " + from.to_string() + " to " + to.to_string();
  const Result<sys::UniqueFd> fd = transparent(from, what);
  if (!fd) return fd.error();
  // Answers to several clients may leave at once, and a server of this host may have the port.
  set(fd->get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (mark != 0 && !set(fd->get(), SOL_SOCKET, SO_MARK, static_cast<int>(mark))) {
    return Error{Errc::System, what + ": cannot mark it (cap_net_admin): " + std::strerror(errno)};
  }
  if (Result<void> bound = bind_to(fd->get(), from, what); !bound) return bound;
  sockaddr_storage name{};
  const socklen_t n = to.to_sockaddr(name);
  if (::sendto(fd->get(), data.data(), data.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&name), n) < 0) {
    return Error{Errc::System, what + ": " + std::strerror(errno)};
  }
  return {};
}

}  // namespace amtgate::net
