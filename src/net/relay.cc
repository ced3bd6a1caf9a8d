#include "amtgate/net/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "relay_pool.h"
#include "stream_impl.h"

namespace amtgate::net {
namespace {

/// Less than this at once (keys, console text, small updates of a screen) is copied: that costs less than two
/// splices.
constexpr std::size_t kWorthSplicing = 16 * 1024;
/// A read from kernel TLS brings one record, 16 KiB at the most, and often in two parts: most of it, then some bytes.
constexpr std::size_t kWorthSplicingRecord = 8 * 1024;
/// What one direction may move in one turn (unless a single read brings more), so that a fast pair cannot keep the
/// loop from the others: about a millisecond's worth.
constexpr std::size_t kTurnBytes = 1024 * 1024;
/// How often a stream that the loop does not watch (both its directions are blocked or ended) is looked at for a
/// reset.
constexpr seconds kGlance(1);

std::size_t index(Side side) {
  return side == Side::Client ? 0 : 1;
}
Side other(Side side) {
  return side == Side::Client ? Side::Device : Side::Client;
}

}  // namespace

const char* name(Side side) {
  return side == Side::Client ? "client" : "device";
}

const char* name(EndCause cause) {
  switch (cause) {
    case EndCause::Closed: return "closed";
    case EndCause::Reset: return "reset";
    case EndCause::Failed: return "failed";
    case EndCause::Idle: return "idle";
    case EndCause::Asked: return "asked";
  }
  return "?";
}

struct Relay::Impl {
  /// One direction, from the stream `from` to the other.
  struct Flow {
    Side from = Side::Client;
    std::unique_ptr<Transform> transform;
    Buffer first;
    std::size_t first_at = 0;
    std::unique_ptr<Pipe> pipe;    // while bytes are in it
    std::unique_ptr<Chunk> chunk;  // while bytes are in it
    Bytes piece;                   // what is left of the transform's piece
    Duration hold_after{};         // of that piece
    std::optional<Timer> hold;     // made when a transform asks for the first pause
    std::optional<Error> refused;  // by the transform; ends the relay when its pieces are out
    std::uint64_t written = 0;
    std::size_t last_read = 0;
    bool splice = false;     // both ends can, and the last round was worth it
    bool was_bulk = false;   // the last read was worth splicing
    bool no_splice = false;  // the kernel refused once
    bool ended_in = false;   // the reading side has ended
    bool flushed = false;    // the transform was told so
    bool done = false;       // and the writing side was told
    bool blocked = false;    // the writing side takes nothing now

    bool holding() const { return hold && hold->armed(); }
  };

  Impl(RelayPool& p, RelayOptions o, OnEnd e)
      : pool(p.impl()),
        loop(p.loop()),
        idle_timeout(o.idle_timeout),
        linger(o.linger),
        on_end(std::move(e)),
        glance(loop, [this] { look(); }) {
    flow(Side::Client).transform = std::move(o.to_device.transform);
    flow(Side::Client).first = std::move(o.to_device.first);
    flow(Side::Device).transform = std::move(o.to_client.transform);
    flow(Side::Device).first = std::move(o.to_client.first);
    flow(Side::Device).from = Side::Device;
    activity = loop.now();
  }

  RelayPool::Impl& pool;
  Loop& loop;
  Duration idle_timeout;
  Duration linger;
  OnEnd on_end;
  std::array<std::unique_ptr<Stream>, 2> streams;
  std::array<Flow, 2> flows;  // by the side they come from
  Timer glance;
  std::optional<Timer> idle;
  std::optional<Timer> lingering;
  TimePoint activity{};
  std::uint64_t spliced = 0;
  std::optional<Side> first_ended;
  bool over = false;

  Flow& flow(Side from) { return flows[index(from)]; }
  Stream& stream(Side side) { return *streams[index(side)]; }
  Stream& in(const Flow& f) { return stream(f.from); }
  Stream& out(const Flow& f) { return stream(other(f.from)); }
  std::size_t worth_splicing(const Flow& f) { return in(f).is_tls() ? kWorthSplicingRecord : kWorthSplicing; }

  void start(const std::weak_ptr<Impl>& self);
  void pump(Flow& f);
  bool write_held(Flow& f);
  bool fill(Flow& f);
  bool put(Flow& f, Bytes bytes, std::size_t& taken);
  void refresh();
  void look();
  void check_end();
  void end_input(Flow& f);
  void failed(Side side);
  void end(EndCause cause, Side side, std::optional<Error> error);
  void give_back();
  void say_farewell();

  void moved_in(Flow& f) {
    // Bytes from the side that this pause is meant for: it has read what it was sent.
    Flow& back = flow(other(f.from));
    if (back.holding()) {
      back.hold->cancel();
      loop.defer([weak = weak_self] {
        const std::shared_ptr<Impl> s = weak.lock();
        if (!s || s->over) return;
        for (Flow& each : s->flows) {
          if (!s->over) s->pump(each);
        }
        if (!s->over) s->refresh();
      });
    }
  }
  std::weak_ptr<Impl> weak_self;
};

void Relay::Impl::start(const std::weak_ptr<Impl>& self) {
  weak_self = self;
  for (const Side side : {Side::Client, Side::Device}) {
    stream(side).on_ready([this, side](Ready ready) {
      if (over) return;
      if (ready.read) pump(flow(side));
      if (ready.write && !over) pump(flow(other(side)));
      if (!over) refresh();
    });
  }
  if (idle_timeout > Duration::zero()) {
    idle.emplace(loop, [this] {
      const TimePoint when = activity + idle_timeout;
      if (loop.now() >= when) return end(EndCause::Idle, first_ended.value_or(Side::Client), std::nullopt);
      idle->arm(when - loop.now());
    });
    idle->arm(idle_timeout);
  }
  loop.defer([weak = weak_self] {
    const std::shared_ptr<Impl> s = weak.lock();
    if (!s) return;
    for (Flow& f : s->flows) {
      if (!s->over) s->pump(f);
    }
    if (!s->over) s->refresh();
  });
}

/// Moves what can be moved in one direction. Afterwards either the reader has nothing, the writer takes nothing, a
/// pause runs, or it has had its rounds and the loop will call again.
void Relay::Impl::pump(Flow& f) {
  f.blocked = false;
  std::size_t moved = 0;
  while (!over && !f.done) {
    if (f.holding() || !write_held(f)) return;
    if (f.refused) return end(EndCause::Failed, f.from, f.refused);
    if (f.ended_in) {
      if (f.transform && !f.flushed) {
        f.flushed = true;
        f.transform->finish();
        continue;
      }
      f.done = true;
      out(f).close_write();
      return check_end();
    }
    // A short read has emptied the socket: asking again would only hear so. The loop calls when there is more.
    if (moved >= kTurnBytes || (moved > 0 && f.last_read < worth_splicing(f))) return;
    if (!fill(f)) return;
    moved += f.last_read;
  }
}

/// Writes what this direction holds. False: something is left, or the relay is over.
bool Relay::Impl::write_held(Flow& f) {
  while (f.first_at < f.first.size()) {
    std::size_t taken = 0;
    if (!put(f, Bytes(f.first).subspan(f.first_at), taken)) return false;
    f.first_at += taken;
    if (f.first_at == f.first.size()) {
      Buffer().swap(f.first);
      f.first_at = 0;
    }
  }
  while (f.chunk && !f.chunk->empty()) {
    std::size_t taken = 0;
    if (!put(f, f.chunk->rest(), taken)) return false;
    f.chunk->at += taken;
  }
  if (f.chunk) pool.give(std::move(f.chunk));
  while (f.pipe && f.pipe->held > 0) {
    Stream::Impl& to = *out(f).impl_;
    const ssize_t n =
        ::splice(f.pipe->read.get(), nullptr, to.fd.get(), nullptr, f.pipe->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n > 0) {
      f.pipe->held -= static_cast<std::size_t>(n);
      f.written += static_cast<std::uint64_t>(n);
      to.tx += static_cast<std::uint64_t>(n);
      spliced += static_cast<std::uint64_t>(n);
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      f.blocked = true;
      return false;
    }
    to.fail(Error{Errc::Closed, n < 0 ? std::strerror(errno) : "the socket takes nothing"}, n < 0 ? errno : 0);
    failed(other(f.from));
    return false;
  }
  if (f.pipe) pool.give(std::move(f.pipe));
  if (!f.transform) return true;
  for (;;) {
    while (!f.piece.empty()) {
      std::size_t taken = 0;
      if (!put(f, f.piece, taken)) return false;
      f.piece = f.piece.subspan(taken);
      if (f.piece.empty() && f.hold_after > Duration::zero()) {
        if (!f.hold) {
          f.hold.emplace(loop, [this, &f] {
            if (over) return;
            pump(f);
            if (!over) refresh();
          });
        }
        f.hold->arm(f.hold_after);
        return false;
      }
    }
    const std::optional<Transform::Piece> next = f.transform->next();
    if (!next) return true;
    f.piece = next->bytes;
    f.hold_after = next->hold_after;
  }
}

bool Relay::Impl::put(Flow& f, Bytes bytes, std::size_t& taken) {
  const IoResult r = out(f).write(bytes);
  if (r.status == Io::Ok) {
    taken = r.bytes;
    f.written += r.bytes;
    return true;
  }
  if (r.status == Io::Again) {
    f.blocked = true;
  } else {
    failed(other(f.from));
  }
  return false;
}

/// Reads once. False: there is nothing to read now, or the relay is over.
bool Relay::Impl::fill(Flow& f) {
  Stream& from = in(f);
  if (f.splice && !f.no_splice && !f.transform && from.spliceable_in() && out(f).spliceable_out()) {
    if (!f.pipe) f.pipe = pool.take_pipe();
    if (f.pipe) {
      const ssize_t n = ::splice(from.fd(), nullptr, f.pipe->write.get(), nullptr, f.pipe->capacity,
                                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (n > 0) {
        f.pipe->held += static_cast<std::size_t>(n);
        f.last_read = static_cast<std::size_t>(n);
        // The small second part of a record says nothing about the next one.
        const bool bulk = f.last_read >= worth_splicing(f);
        f.splice = bulk || (from.is_tls() && f.was_bulk);
        f.was_bulk = bulk;
        from.impl_->rx += static_cast<std::uint64_t>(n);
        activity = loop.now();
        moved_in(f);
        return true;
      }
      pool.give(std::move(f.pipe));
      if (n == 0) {
        end_input(f);
        return true;
      }
      if (errno == EAGAIN || errno == EINTR) return false;
      // EINVAL: a kernel TLS record that is no data, or a socket that cannot. Errors come again with the read below.
      if (errno == EINVAL) f.no_splice = true;
    }
  }
  if (!f.chunk) f.chunk = pool.take_chunk();
  const IoResult r = from.read(f.chunk->data);
  switch (r.status) {
    case Io::Ok:
      f.last_read = r.bytes;
      activity = loop.now();
      moved_in(f);
      if (f.transform) {
        const Result<void> fed = f.transform->feed(Bytes(f.chunk->data).first(r.bytes), activity);
        pool.give(std::move(f.chunk));
        if (!fed) f.refused = fed.error();
      } else {
        f.chunk->at = 0;
        f.chunk->end = r.bytes;
        f.splice = f.was_bulk = r.bytes >= worth_splicing(f);
      }
      return true;
    case Io::Again: pool.give(std::move(f.chunk)); return false;
    case Io::Closed: end_input(f); break;
    case Io::Failed:
      // A TCP end without close_notify: stock clients just close. The bytes so far were authentic, so it is an end.
      // Nothing can be written to that side any more.
      if (from.is_tls() && from.error().code == Errc::Closed && !from.was_reset()) {
        end_input(f);
        flow(other(f.from)).done = true;
        break;
      }
      pool.give(std::move(f.chunk));
      failed(f.from);
      return false;
  }
  pool.give(std::move(f.chunk));
  return true;
}

void Relay::Impl::end_input(Flow& f) {
  f.ended_in = true;
  if (!first_ended) first_ended = f.from;
  if (linger > Duration::zero() && !lingering) {
    lingering.emplace(loop, [this] { end(EndCause::Closed, *first_ended, std::nullopt); });
    lingering->arm(linger);
  }
}

/// Sets what the loop watches to what the two directions wait for.
void Relay::Impl::refresh() {
  bool unwatched = false;
  for (const Side side : {Side::Client, Side::Device}) {
    const Flow& away = flow(side);
    const Flow& towards = flow(other(side));
    const bool read = !away.ended_in && !away.done && !away.blocked && !away.holding() && !away.refused;
    const bool write = towards.blocked && !towards.done;
    stream(side).want(read, write);
    unwatched = unwatched || (!read && !write);
  }
  if (unwatched && !glance.armed()) glance.arm(kGlance);
}

/// A side that is not watched may have reset its connection meanwhile: nobody would tell us.
void Relay::Impl::look() {
  for (const Side side : {Side::Client, Side::Device}) {
    pollfd p{stream(side).fd(), 0, 0};
    if (::poll(&p, 1, 0) <= 0 || (p.revents & POLLERR) == 0) continue;
    int number = 0;
    socklen_t n = sizeof number;
    ::getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &number, &n);
    stream(side).impl_->fail(Error{Errc::Closed, "the other side reset the connection"}, number);
    return failed(side);
  }
  refresh();
}

void Relay::Impl::check_end() {
  if (flows[0].done && flows[1].done) end(EndCause::Closed, first_ended.value_or(Side::Client), std::nullopt);
}

void Relay::Impl::failed(Side side) {
  const Stream& s = stream(side);
  end(s.was_reset() ? EndCause::Reset : EndCause::Failed, side, s.error());
}

void Relay::Impl::give_back() {
  for (Flow& f : flows) {
    pool.give(std::move(f.chunk));
    pool.give(std::move(f.pipe));
  }
}

void Relay::Impl::say_farewell() {
  for (Flow& f : flows) {
    if (over || !f.transform || f.done || f.first_at < f.first.size() || !f.piece.empty()) continue;
    const Buffer words = f.transform->farewell();
    std::size_t taken = 0;
    // One try: a side that takes nothing now is not waited for.
    if (!words.empty()) (void)put(f, words, taken);
  }
}

void Relay::Impl::end(EndCause cause, Side side, std::optional<Error> error) {
  if (over) return;
  over = true;
  glance.cancel();
  if (idle) idle->cancel();
  if (lingering) lingering->cancel();
  for (Flow& f : flows) {
    if (f.hold) f.hold->cancel();
  }
  give_back();
  for (std::unique_ptr<Stream>& s : streams) {
    // What was cut short must not look complete to the other side.
    if (cause == EndCause::Reset || cause == EndCause::Failed) s->reset();
    s.reset();
  }
  loop.defer([weak = weak_self, end = RelayEnd{cause, side, std::move(error)}] {
    const std::shared_ptr<Impl> s = weak.lock();
    if (!s || !s->on_end) return;
    const OnEnd call = std::move(s->on_end);
    s->on_end = nullptr;
    call(end);
  });
}

Relay::Relay(RelayPool& pool, std::unique_ptr<Stream> client, std::unique_ptr<Stream> device, RelayOptions options,
             OnEnd on_end)
    : impl_(std::make_shared<Impl>(pool, std::move(options), std::move(on_end))) {
  impl_->streams[index(Side::Client)] = std::move(client);
  impl_->streams[index(Side::Device)] = std::move(device);
  impl_->start(impl_);
}

Relay::~Relay() {
  Impl& s = *impl_;
  s.on_end = nullptr;
  if (!s.over) s.end(EndCause::Asked, Side::Client, std::nullopt);
  Loop& loop = s.loop;
  loop.retire(std::move(impl_));
}

void Relay::end() {
  impl_->say_farewell();
  impl_->end(EndCause::Asked, Side::Client, std::nullopt);
}

RelayStats Relay::stats() const {
  return RelayStats{impl_->flow(Side::Client).written, impl_->flow(Side::Device).written, impl_->spliced};
}

TimePoint Relay::last_activity() const {
  return impl_->activity;
}

const Stream* Relay::client() const {
  return impl_->streams[0].get();
}

const Stream* Relay::device() const {
  return impl_->streams[1].get();
}

}  // namespace amtgate::net
