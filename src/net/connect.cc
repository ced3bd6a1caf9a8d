#include "amtgate/net/connect.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "amtgate/net/datagram.h"

namespace amtgate::net {
namespace {

bool set(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

std::string about(const ConnectOptions& o) {
  std::string out = o.to.to_string();
  if (!o.interface.empty()) out += " through " + o.interface;
  if (o.source) out += " from " + o.source->address.to_string();
  return out;
}

Error explain(const ConnectOptions& o, int number) {
  const std::string to = about(o);
  switch (number) {
    case ECONNREFUSED: return {Errc::Refused, to + " refused the connection: nothing listens there"};
    case ECONNRESET: return {Errc::Refused, to + " reset the connection"};
    case ETIMEDOUT: return {Errc::Timeout, to + " did not answer"};
    case EHOSTUNREACH:
      return {Errc::Unreachable, to + " is not reachable: no answer on the last link, or a router said so"};
    case ENETUNREACH: return {Errc::Unreachable, "there is no route to " + to};
    case EADDRNOTAVAIL:
      return {Errc::Unreachable, to + ": the source address is not one of this host, or ports ran out"};
    case EACCES: return {Errc::Unreachable, to + ": forbidden by a rule of this host"};
    default: return {Errc::System, "connecting to " + to + ": " + std::strerror(number)};
  }
}

/// A socket on its way, or why not.
Result<sys::UniqueFd> begin(const ConnectOptions& o, int type) {
  const bool v4 = o.to.address.is_v4();
  sys::UniqueFd fd(::socket(v4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Error{Errc::System, "no socket for " + about(o) + ": " + std::strerror(errno)};
  if (o.mark != 0 && !set(fd.get(), SOL_SOCKET, SO_MARK, static_cast<int>(o.mark))) {
    return Error{Errc::System, std::string("cannot mark a socket (cap_net_admin): ") + std::strerror(errno)};
  }
  if (!o.interface.empty()) {
    if (::if_nametoindex(o.interface.c_str()) == 0) {
      return Error{Errc::Unreachable, "there is no interface " + o.interface + " to reach " + o.to.to_string()};
    }
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, o.interface.data(),
                     static_cast<socklen_t>(o.interface.size())) != 0) {
      return Error{Errc::System, "cannot use interface " + o.interface + ": " + std::strerror(errno)};
    }
  }
  if (o.source) {
    set(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);  // the port is found at connect(2), per destination
    if (o.foreign_source &&
        !set(fd.get(), v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, 1)) {
      return Error{Errc::System,
                   std::string("cannot use a foreign source address (cap_net_admin): ") + std::strerror(errno)};
    }
    if (o.source->address.is_v4() != v4) {
      return Error{Errc::BadValue, "source " + o.source->address.to_string() + " and " + o.to.to_string() +
                                       " are of different families"};
    }
    sockaddr_storage from{};
    const socklen_t n = o.source->to_sockaddr(from);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), n) != 0) return explain(o, errno);
  }
  if (o.we_speak_first && type == SOCK_STREAM) set(fd.get(), IPPROTO_TCP, TCP_QUICKACK, 0);
  sockaddr_storage to{};
  const socklen_t n = o.to.to_sockaddr(to);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), n) != 0 && errno != EINPROGRESS) {
    return explain(o, errno);
  }
  return fd;
}

}  // namespace

Result<sys::UniqueFd> connect_datagram(const ConnectOptions& options) {
  return begin(options, SOCK_DGRAM);
}

struct Connector::Impl {
  Impl(Loop& l, const ConnectOptions& o, Done d) : loop(l), options(o), done(std::move(d)) {}

  Loop& loop;
  ConnectOptions options;
  Done done;
  sys::UniqueFd fd;
  std::optional<Watch> watch;
  std::optional<Timer> timer;

  void finish(Result<sys::UniqueFd> result) {
    if (!done) return;
    if (watch) watch->want(false, false);
    if (timer) timer->cancel();
    const Done call = std::move(done);
    done = nullptr;
    call(std::move(result));
  }
  void on_writable() {
    int number = 0;
    socklen_t n = sizeof number;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &number, &n) != 0) number = errno;
    if (number != 0) return finish(explain(options, number));
    watch->want(false, false);  // before the descriptor goes to its new owner
    finish(std::move(fd));
  }
};

Connector::Connector(Loop& loop, const ConnectOptions& options, Done done)
    : impl_(std::make_shared<Impl>(loop, options, std::move(done))) {
  Impl* s = impl_.get();
  Result<sys::UniqueFd> begun = begin(options, SOCK_STREAM);
  if (!begun) {
    loop.defer([weak = std::weak_ptr<Impl>(impl_), e = begun.error()] {
      if (const std::shared_ptr<Impl> impl = weak.lock()) impl->finish(e);
    });
    return;
  }
  s->fd = std::move(*begun);
  s->watch.emplace(loop, s->fd.get(), [s](Ready) { s->on_writable(); });
  s->watch->want(false, true);
  s->timer.emplace(loop, [s] { s->finish(explain(s->options, ETIMEDOUT)); });
  s->timer->arm(options.deadline);
}

Connector::~Connector() {
  impl_->done = nullptr;
  if (impl_->watch) impl_->watch->want(false, false);
  if (impl_->timer) impl_->timer->cancel();
  impl_->fd.reset();
  Loop& loop = impl_->loop;
  loop.retire(std::move(impl_));
}

}  // namespace amtgate::net
