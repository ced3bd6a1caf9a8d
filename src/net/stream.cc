#include "amtgate/net/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "loop_impl.h"
#include "stream_impl.h"

namespace amtgate::net {
namespace {

void set_int(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

int get_int(int fd, int level, int option) {
  int value = 0;
  socklen_t n = sizeof value;
  return ::getsockopt(fd, level, option, &value, &n) == 0 ? value : 0;
}

bool is_reset(int number) {
  return number == ECONNRESET || number == EPIPE || number == ECONNABORTED;
}

std::string explain(int number) {
  switch (number) {
    case ECONNRESET:
    case EPIPE: return "the other side reset the connection";
    case ETIMEDOUT: return "the other side does not answer any more";
    default: return std::strerror(number);
  }
}

}  // namespace

void apply(int fd, const StreamOptions& options) {
  if (options.no_delay) set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keepalive_s <= 0) return;
  set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_s);
  set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, options.keepalive_interval_s);
  set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

IoResult Stream::Impl::fail(Error e, int number) {
  if (!failed) {
    failed = true;
    reset_seen = is_reset(number);
    error = std::move(e);
  }
  return {Io::Failed, 0};
}

IoResult Stream::Impl::fail_tls() {
  const int number = engine->system_error();
  if (number != 0) return fail(Error{engine->error().code, explain(number)}, number);
  return fail(engine->error(), 0);
}

/// Tells the loop what the wanted directions wait for.
void Stream::Impl::update(const std::weak_ptr<Impl>& self) {
  if (!watch) return;
  bool read = (want_read && !read_on_write) || (want_write && write_on_read);
  bool write = (want_write && !write_on_read) || (want_read && read_on_write) || closing ||
               (engine && !failed && engine->has_unsent());
  if (handshake) {
    read = want_read;  // set by step_handshake()
    write = want_write;
  } else if (want_read && buffered && !deferred) {
    deferred = true;
    loop.defer([self] {
      const std::shared_ptr<Impl> impl = self.lock();
      if (!impl) return;
      impl->deferred = false;
      if (impl->want_read && impl->buffered && impl->on_ready) impl->on_ready(Ready{true, false});
      impl->update(self);
    });
  }
  watch->want(read, write);
}

void Stream::Impl::on_socket(Ready socket, const std::weak_ptr<Impl>& self) {
  if (handshake) {
    step_handshake();
    update(self);
    return;
  }
  if (closing && socket.write) {
    try_close();
    update(self);
  }
  Ready ready;
  if (engine && socket.write && !failed && engine->flush() == tls::Status::Failed) {
    fail_tls();
    ready = {want_read, want_write};  // whoever asks hears it
    if ((ready.read || ready.write) && on_ready) on_ready(ready);
    return update(self);
  }
  ready.read = want_read && (read_on_write ? socket.write : socket.read);
  ready.write = want_write && (write_on_read ? socket.read : socket.write);
  if ((ready.read || ready.write) && on_ready) on_ready(ready);
  if (engine) update(self);  // what waits for what may have changed with the calls in there
}

void Stream::Impl::step_handshake() {
  const tls::Status status = engine->handshake();
  want_read = status == tls::Status::WantRead;
  want_write = status == tls::Status::WantWrite;
  if (want_read || want_write) return;
  if (status == tls::Status::Done) {
    buffered = engine->has_pending();
    finish_handshake({});
  } else {
    fail_tls();
    finish_handshake(error);
  }
}

void Stream::Impl::finish_handshake(Result<void> result) {
  const std::unique_ptr<Handshake> ended = std::move(handshake);
  ended->timer.cancel();
  TlsDone done = std::move(ended->done);
  want_read = want_write = false;
  done(std::move(result));
  // The end of our handshake goes with the first words of whoever waited for it; without any it goes now.
  if (engine && !failed && engine->flush() == tls::Status::Failed) fail_tls();
}

void Stream::Impl::try_close() {
  closing = false;
  if (engine && !failed) {
    const tls::Status status = engine->shutdown();
    if (status == tls::Status::WantWrite) {
      closing = true;
      return;
    }
  }
  ::shutdown(fd.get(), SHUT_WR);
}

Stream::Stream(Loop& loop, sys::UniqueFd fd, const StreamOptions& options)
    : impl_(std::make_shared<Impl>(loop, std::move(fd))) {
  const int s = impl_->fd.get();
  if (const int flags = ::fcntl(s, F_GETFL); (flags & O_NONBLOCK) == 0) ::fcntl(s, F_SETFL, flags | O_NONBLOCK);
  // What a listener of ours has accepted came with its options.
  if (get_int(s, SOL_SOCKET, SO_KEEPALIVE) == 0) apply(s, options);
  impl_->watch.emplace(
      loop, s, [raw = impl_.get(), weak = std::weak_ptr<Impl>(impl_)](Ready ready) { raw->on_socket(ready, weak); });
}

Stream::~Stream() {
  Impl& s = *impl_;
  if (s.fd && s.engine && !s.failed && !s.write_closed) s.engine->shutdown();  // once; what does not fit is lost
  s.watch->want(false, false);
  s.want_read = s.want_write = s.closing = false;
  // The engine and the descriptor go now; the rest, the callback with it, when nobody can be inside it.
  s.engine.reset();
  s.fd.reset();
  s.failed = true;
  if (s.handshake) s.handshake->timer.cancel();
  Loop& loop = s.loop;
  loop.retire(std::move(impl_));
}

void Stream::on_ready(std::function<void(Ready)> callback) {
  impl_->on_ready = std::move(callback);
}

void Stream::want(bool read, bool write) {
  impl_->want_read = read;
  impl_->want_write = write;
  impl_->update(impl_);
}

IoResult Stream::read(MutableBytes to) {
  Impl& s = *impl_;
  if (s.failed) return {Io::Failed, 0};
  if (!s.engine) {
    for (;;) {
      const ssize_t n = ::recv(s.fd.get(), to.data(), to.size(), 0);
      if (n > 0) {
        s.rx += static_cast<std::uint64_t>(n);
        return {Io::Ok, static_cast<std::size_t>(n)};
      }
      if (n == 0) return {Io::Closed, 0};
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return {Io::Again, 0};
      const int number = errno;
      return s.fail(Error{number == ETIMEDOUT ? Errc::Timeout : Errc::Closed, explain(number)}, number);
    }
  }
  const tls::IoResult r = s.engine->read(to);
  s.read_on_write = r.status == tls::Status::WantWrite;
  s.buffered = r.status == tls::Status::Done && s.engine->has_pending();
  switch (r.status) {
    case tls::Status::Done: s.rx += r.bytes; return {Io::Ok, r.bytes};
    case tls::Status::WantRead: return {Io::Again, 0};
    case tls::Status::WantWrite: return {Io::Again, 0};
    case tls::Status::Closed: return {Io::Closed, 0};
    case tls::Status::Failed: break;
  }
  return s.fail_tls();
}

IoResult Stream::write(Bytes from, std::size_t record) {
  Impl& s = *impl_;
  if (s.failed) return {Io::Failed, 0};
  if (!s.engine) {
    for (;;) {
      const ssize_t n = ::send(s.fd.get(), from.data(), from.size(), MSG_NOSIGNAL);
      if (n >= 0) {
        s.tx += static_cast<std::uint64_t>(n);
        return {Io::Ok, static_cast<std::size_t>(n)};
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return {Io::Again, 0};
      const int number = errno;
      return s.fail(Error{number == ETIMEDOUT ? Errc::Timeout : Errc::Closed, explain(number)}, number);
    }
  }
  const tls::IoResult r = s.engine->write(from, record);
  s.write_on_read = r.status == tls::Status::WantRead;
  switch (r.status) {
    case tls::Status::Done: s.tx += r.bytes; return {Io::Ok, r.bytes};
    case tls::Status::WantRead: return {Io::Again, 0};
    case tls::Status::WantWrite: return {Io::Again, 0};
    case tls::Status::Closed:
    case tls::Status::Failed: break;
  }
  return s.fail_tls();
}

void Stream::close_write() {
  Impl& s = *impl_;
  if (s.failed || s.write_closed) return;
  s.write_closed = true;
  s.try_close();
  s.update(impl_);
}

void Stream::reset() {
  Impl& s = *impl_;
  if (!s.fd) return;
  s.watch->want(false, false);
  s.want_read = s.want_write = s.closing = false;
  const linger hard{1, 0};
  ::setsockopt(s.fd.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  s.engine.reset();
  s.fd.reset();
  s.failed = true;
}

const Error& Stream::error() const {
  return impl_->error;
}

bool Stream::was_reset() const {
  return impl_->reset_seen;
}

void Stream::start_tls(const tls::Context& context, Duration deadline, TlsDone done, const tls::SessionPtr& session) {
  Impl& s = *impl_;
  const std::weak_ptr<Impl> weak = impl_;
  Result<tls::Engine> engine = tls::Engine::on_fd(context, s.fd.get());
  if (!engine) {
    s.fail(engine.error(), 0);
    s.loop.defer([weak, done = std::move(done)] {
      if (const std::shared_ptr<Impl> impl = weak.lock()) done(impl->error);
    });
    return;
  }
  s.engine = std::move(*engine);
  s.engine->resume(session);
  s.handshake = std::make_unique<Impl::Handshake>(
      s.loop,
      [weak] {
        const std::shared_ptr<Impl> impl = weak.lock();
        if (!impl || !impl->handshake) return;
        impl->fail(Error{Errc::Timeout, "the TLS handshake took too long"}, 0);
        impl->watch->want(false, false);
        // The timer whose callback this is must outlive it.
        impl->loop.retire(std::shared_ptr<void>(impl));
        std::shared_ptr<Impl::Handshake> ended = std::move(impl->handshake);
        impl->loop.retire(ended);
        ended->done(impl->error);
      },
      std::move(done));
  s.handshake->timer.arm(deadline);
  // The first step comes from the loop too, so that `done` never comes from in here. A client has to write first.
  s.want_read = context.is_server();
  s.want_write = !context.is_server();
  s.update(weak);
}

bool Stream::is_tls() const {
  return impl_->engine.has_value();
}

const tls::Engine* Stream::tls() const {
  return impl_->engine ? &*impl_->engine : nullptr;
}

std::string Stream::tls_version() const {
  return impl_->engine ? impl_->engine->version() : "";
}

bool Stream::spliceable_in() const {
  return !impl_->engine || (impl_->engine->ktls_recv() && !impl_->buffered);
}

bool Stream::spliceable_out() const {
  return !impl_->engine || impl_->engine->ktls_send();
}

int Stream::fd() const {
  return impl_->fd.get();
}

Endpoint Stream::local() const {
  sockaddr_storage name{};
  socklen_t n = sizeof name;
  if (::getsockname(impl_->fd.get(), reinterpret_cast<sockaddr*>(&name), &n) != 0) return {};
  return Endpoint::from_sockaddr(name);
}

Endpoint Stream::remote() const {
  sockaddr_storage name{};
  socklen_t n = sizeof name;
  if (::getpeername(impl_->fd.get(), reinterpret_cast<sockaddr*>(&name), &n) != 0) return {};
  return Endpoint::from_sockaddr(name);
}

std::uint64_t Stream::rx_bytes() const {
  return impl_->rx;
}

std::uint64_t Stream::tx_bytes() const {
  return impl_->tx;
}

// --- finish -------------------------------------------------------------------------------------------------

namespace {

/// A guest of the loop until the other side has ended.
class Finisher {
 public:
  Finisher(Loop& loop, std::unique_ptr<Stream> stream)
      : loop_(loop), stream_(std::move(stream)), timer_(loop, [this] { over(); }) {}

  static void start(const std::shared_ptr<Finisher>& self, Duration limit) {
    auto& guests = self->loop_.impl().guests;
    self->place_ = guests.insert(guests.end(), self);
    self->begin(limit);
  }

 private:
  void begin(Duration limit) {
    stream_->on_ready([this](Ready) { drain(); });
    stream_->close_write();
    stream_->want(true, false);
    timer_.arm(limit);
  }
  void drain() {
    std::array<std::uint8_t, 4096> sink;
    for (int i = 0; i < 16; ++i) {  // the loop's other sockets wait too
      const IoResult r = stream_->read(sink);
      if (r.status == Io::Again) return;
      if (r.status != Io::Ok) return over();
    }
  }
  void over() {
    timer_.cancel();
    stream_->want(false, false);
    if (over_) return;
    over_ = true;
    loop_.retire(std::move(*place_));
    loop_.impl().guests.erase(place_);
  }

  Loop& loop_;
  std::unique_ptr<Stream> stream_;
  Timer timer_;
  std::list<std::shared_ptr<void>>::iterator place_;
  bool over_ = false;
};

}  // namespace

void finish(Loop& loop, std::unique_ptr<Stream> stream, Duration limit) {
  Finisher::start(std::make_shared<Finisher>(loop, std::move(stream)), limit);
}

}  // namespace amtgate::net
