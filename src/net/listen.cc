#include "amtgate/net/listen.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "amtgate/sys/log.h"
#include "stream_impl.h"

namespace amtgate::net {
namespace {

/// Connections taken in one turn: enough for a burst, few enough that running sessions get their turn.
constexpr int kBatch = 64;
/// How long to rest when descriptors or memory ran out: the queue in the kernel keeps what comes.
constexpr milliseconds kRest(100);
/// SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST; the kernel's headers for them do not go together with the C library's.
constexpr int kOriginalDestination = 80;

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

Error explain(const std::string& what, int number) {
  const std::string detail = what + ": " + std::strerror(number);
  switch (number) {
    case EADDRINUSE: return {Errc::Busy, detail};
    case EADDRNOTAVAIL:
    case ENODEV: return {Errc::Unreachable, detail};
    default: return {Errc::System, detail};
  }
}

Result<sockaddr_un> unix_name(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) {
    return Error{Errc::BadValue, "socket path '" + path + "' must have 1 to " +
                                     std::to_string(sizeof name.sun_path - 1) + " characters"};
  }
  path.copy(name.sun_path, path.size());
  return name;
}

std::optional<Endpoint> before_nat(int fd, bool v4) {
  sockaddr_storage name{};
  socklen_t n = sizeof name;
  const int r = v4 ? ::getsockopt(fd, SOL_IP, kOriginalDestination, &name, &n)
                   : ::getsockopt(fd, SOL_IPV6, kOriginalDestination, &name, &n);
  if (r != 0) return std::nullopt;
  return Endpoint::from_sockaddr(name);
}

Endpoint own_name(int fd) {
  sockaddr_storage name{};
  socklen_t n = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &n) != 0) return {};
  return Endpoint::from_sockaddr(name);
}

}  // namespace

Result<sys::UniqueFd> open_listener(const ListenOptions& o) {
  const bool v4 = o.at.address.is_v4();
  const std::string what = "listening on " + o.at.to_string() + (o.interface.empty() ? "" : " of " + o.interface);
  sys::UniqueFd fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!fd) return explain(what, errno);
  set(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!v4) set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (o.reuse_port && !set(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1)) return explain(what, errno);
  if (o.transparent && !set(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1)) {
    return explain(what + " transparently (cap_net_admin)", errno);
  }
  if (!o.interface.empty() && ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, o.interface.data(),
                                           static_cast<socklen_t>(o.interface.size())) != 0) {
    return explain(what, errno);
  }
  sockaddr_storage at{};
  const socklen_t n = o.at.to_sockaddr(at);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), n) != 0) return explain(what, errno);
  apply(fd.get(), StreamOptions{});  // one time for all that it accepts
  if (::listen(fd.get(), o.backlog) != 0) return explain(what, errno);
  return fd;
}

Result<sys::UniqueFd> connect_unix(const std::string& path) {
  const Result<sockaddr_un> name = unix_name(path);
  if (!name) return name.error();
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return explain("connecting to " + path, errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&*name), sizeof *name) != 0) {
    const int number = errno;
    const bool nobody = number == ENOENT || number == ECONNREFUSED;
    return Error{nobody ? Errc::Unreachable : Errc::System, "connecting to " + path + ": " + std::strerror(number)};
  }
  return fd;
}

Result<sys::UniqueFd> open_unix_listener(const std::string& path, mode_t mode) {
  const Result<sockaddr_un> name = unix_name(path);
  if (!name) return name.error();
  struct stat st {};
  if (::lstat(path.c_str(), &st) == 0) {
    if (!S_ISSOCK(st.st_mode)) return Error{Errc::System, path + " is there and is not a socket"};
    if (connect_unix(path)) return Error{Errc::Busy, path + " is in use: is another daemon running?"};
    ::unlink(path.c_str());
  }
  sys::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return explain("listening on " + path, errno);
  // The socket's own mode bounds that of the file: there is no moment in which others may connect.
  ::fchmod(fd.get(), mode);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&*name), sizeof *name) != 0) {
    return explain("listening on " + path, errno);
  }
  if (::chmod(path.c_str(), mode) != 0 || ::listen(fd.get(), 64) != 0) return explain("listening on " + path, errno);
  return fd;
}

Result<Credentials> peer_credentials(int fd) {
  ucred who{};
  socklen_t n = sizeof who;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0) {
    return Error{Errc::System, std::string("who is there: ") + std::strerror(errno)};
  }
  return Credentials{who.uid, who.gid, who.pid};
}

struct Listener::Impl {
  Impl(Loop& l, sys::UniqueFd f, Destination d, OnAccept a)
      : loop(l),
        fd(std::move(f)),
        destination(d),
        on_accept(std::move(a)),
        watch(l, fd.get(), [this](Ready) { accept_batch(); }),
        rest(l, [this] {
          if (!closed) watch.want(true, false);
        }) {}

  Loop& loop;
  sys::UniqueFd fd;
  Destination destination;
  OnAccept on_accept;
  Watch watch;
  Timer rest;
  bool closed = false;

  void accept_batch() {
    for (int i = 0; i < kBatch && !closed; ++i) {
      sockaddr_storage from{};
      socklen_t n = sizeof from;
      sys::UniqueFd conn(::accept4(fd.get(), reinterpret_cast<sockaddr*>(&from), &n, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!conn) {
        if (errno == EAGAIN) return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return take_rest(errno);
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) return watch.want(false, false);
        continue;  // the connection has died in the queue: ECONNABORTED, a network error, EPERM of a rule
      }
      Accepted accepted;
      accepted.client = Endpoint::from_sockaddr(from);
      accepted.destination = own_name(conn.get());
      if (destination == Destination::NatTable) {
        if (const auto real = before_nat(conn.get(), accepted.client.address.is_v4())) accepted.destination = *real;
      }
      accepted.fd = std::move(conn);
      on_accept(std::move(accepted));
    }
  }
  void take_rest(int number) {
    static log::RateLimit limit(0.1, 3);
    log::warn(limit, "listener.rest", {{"reason", std::strerror(number)}, {"rest_ms", kRest}});
    watch.want(false, false);
    rest.arm(kRest);
  }
};

Listener::Listener(Loop& loop, sys::UniqueFd fd, Destination destination, OnAccept on_accept)
    : impl_(std::make_shared<Impl>(loop, std::move(fd), destination, std::move(on_accept))) {
  impl_->watch.want(true, false);
}

Listener::~Listener() {
  impl_->closed = true;
  impl_->watch.want(false, false);
  impl_->rest.cancel();
  impl_->fd.reset();
  Loop& loop = impl_->loop;
  loop.retire(std::move(impl_));
}

Endpoint Listener::local() const {
  return own_name(impl_->fd.get());
}

}  // namespace amtgate::net
