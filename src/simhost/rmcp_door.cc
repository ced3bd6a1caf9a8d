#include "amtgate/simhost/rmcp_door.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace amtgate::simhost {
namespace {

constexpr int kReadsPerTurn = 32;

}  // namespace

packet::Pong pong_of(const sim::Profile& profile) {
  packet::Pong out;
  out.maker = packet::Pong::kIntel;
  out.port = profile.tls_open ? Port{16993} : Port{16992};
  out.both_ports = profile.tls_open && profile.plain_open;
  out.provisioning = packet::Provisioning::Post;
  out.dash = true;  // from AMT 5.1 on
  const char* const end = profile.firmware.data() + profile.firmware.size();
  const char* const dot = std::from_chars(profile.firmware.data(), end, out.major).ptr;
  if (dot != end && *dot == '.') std::from_chars(dot + 1, end, out.minor);
  return out;
}

Result<std::unique_ptr<RmcpDoor>> RmcpDoor::open(net::Loop& loop, const Endpoint& at, Answer answer) {
  const bool v4 = at.address.is_v4();
  const std::string what = "UDP on " + at.to_string();
  sys::UniqueFd fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Error{Errc::System, what + ": " + std::strerror(errno)};
  sockaddr_storage name{};
  const socklen_t n = at.to_sockaddr(name);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), n) != 0) {
    const Errc code = errno == EADDRINUSE ? Errc::Busy : errno == EADDRNOTAVAIL ? Errc::Unreachable : Errc::System;
    return Error{code, what + ": " + std::strerror(errno)};
  }
  return std::unique_ptr<RmcpDoor>(new RmcpDoor(loop, std::move(fd), std::move(answer)));
}

RmcpDoor::RmcpDoor(net::Loop& loop, sys::UniqueFd fd, Answer answer)
    : fd_(std::move(fd)), answer_(std::move(answer)), watch_(loop, fd_.get(), [this](net::Ready) { read(); }) {
  watch_.want(true, false);
}

void RmcpDoor::read() {
  std::array<std::uint8_t, packet::kMaxPongBytes> buffer;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t n = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (n < 0) return;
    if (static_cast<std::size_t>(n) > buffer.size()) continue;
    const auto tag = packet::parse_ping(Bytes(buffer).first(static_cast<std::size_t>(n)));
    if (!tag) continue;
    std::optional<packet::Pong> pong = answer_(Endpoint::from_sockaddr(from));
    if (!pong) continue;
    pong->tag = *tag;
    const auto out = packet::make_pong(*pong);
    (void)::sendto(fd_.get(), out.data(), out.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&from), size);
  }
}

}  // namespace amtgate::simhost
