#include "amtgate/simhost/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <random>

#include "amtgate/sim/connection.h"
#include "amtgate/sim/json_line.h"
#include "amtgate/sim/web_connection.h"
#include "amtgate/simhost/host.h"

namespace amtgate::simhost {
namespace {

constexpr Duration kTlsDeadline = seconds(15);
constexpr Duration kLinger = seconds(1);
// In one turn of the loop a link reads and writes at most so often, so that an endless stream starves nobody.
constexpr int kReadsATurn = 4;
constexpr int kWritesATurn = 32;

/// What reads go into: one for all, since nothing of it outlives the call.
MutableBytes read_buffer() {
  static std::array<std::uint8_t, 64 * 1024> buffer;
  return buffer;
}

}  // namespace

Link::Link(Host& host, std::uint64_t id, sim::Door door, net::Accepted&& accepted)
    : host_(host),
      id_(id),
      door_(door),
      client_(accepted.client),
      stream_(std::make_unique<net::Stream>(host.loop(), std::move(accepted.fd))),
      timer_(host.loop(), [this] { wake(); }),
      linger_(host.loop(), [this] { finish(reason_); }),
      refill_(host.loop(), [this] { rearm(); }),
      started_(host.loop().now()),
      allowance_at_(started_) {
  stream_->on_ready([this](net::Ready ready) { on_ready(ready); });
}

Link::~Link() = default;

void Link::start() {
  if (strike(sim::Stage::Connect)) return;
  if (!has_tls(door_)) return begin_session();
  if (strike(sim::Stage::Tls)) return;
  begin_tls();
}

bool Link::strike(sim::Stage stage) {
  const std::optional<sim::Fault> fault = host_.machine().faults().take(stage);
  if (!fault) return false;
  host_.log(id_, sim::JsonLine("fault").add("fault", to_string(*fault)).fields());
  reason_ = "fault " + to_string(*fault);
  switch (fault->kind) {
    case sim::FaultKind::Close: begin_close(false); break;
    case sim::FaultKind::Reset: begin_close(true); break;
    case sim::FaultKind::Garbage: {
      garbage_.resize(sim::kGarbageBytes);
      std::minstd_rand random(static_cast<unsigned>(id_));
      for (std::uint8_t& b : garbage_) b = static_cast<std::uint8_t>(random() >> 8);
      stream_->write(garbage_);  // a fresh socket takes a few hundred bytes at once
      break;
    }
    case sim::FaultKind::Stall:
    case sim::FaultKind::Unknown:
    case sim::FaultKind::Refuse: break;
  }
  // A stalled link notices the client's end only by reading; it is cleaned up then, or when the program ends.
  if (state_ == State::Idle) stream_->want(true, false);
  return true;
}

void Link::begin_tls() {
  const Result<tls::Context> context = host_.next_context();
  if (!context) return finish(context.error().detail);
  stream_->start_tls(*context, kTlsDeadline, [this](const Result<void>& done) {
    if (state_ == State::Gone) return;
    if (!done) {
      host_.log(id_, sim::JsonLine("tls").add("ok", false).add("error", done.error().detail).fields());
      return finish("TLS: " + done.error().detail);
    }
    const tls::Engine* engine = stream_->tls();
    const std::vector<tls::Certificate> chain = engine->peer_chain();
    sim::JsonLine line("tls");
    line.add("ok", true).add("version", engine->version()).add("cipher", engine->cipher());
    line.add("resumed", engine->resumed());
    if (!chain.empty()) line.add("certificate", chain.front().subject());
    host_.log(id_, line.fields());
    if (!chain.empty() && !host_.lets_in(chain.front().der()))
      return finish("the client's certificate is no console's");
    begin_session();
  });
}

void Link::begin_session() {
  state_ = State::Running;
  const TimePoint now = host_.loop().now();
  if (is_web(door_)) {
    connection_ = std::make_unique<sim::WebConnection>(host_.machine(), now);
  } else {
    connection_ = std::make_unique<sim::Connection>(host_.machine(), door_, now);
  }
  pump();
}

void Link::on_ready(net::Ready ready) {
  switch (state_) {
    case State::Idle: {  // stalled before the session
      const net::IoResult r = stream_->read(read_buffer());
      if (r.status == net::Io::Closed || r.status == net::Io::Failed) finish(reason_);
      return;
    }
    case State::Running:
      if (ready.read) read_some();
      if (state_ == State::Running || state_ == State::Closing) pump();
      return;
    case State::Closing: pump(); return;
    case State::Draining: drain(); return;
    case State::Gone: return;
  }
}

std::size_t Link::read_allowance() {
  const std::uint64_t rate = host_.settings().slow_reader;
  if (rate == 0) return read_buffer().size();
  const TimePoint now = host_.loop().now();
  const double burst = std::max(1.0, static_cast<double>(rate) / 10);  // a tenth of a second's worth
  allowance_ += static_cast<double>(rate) * std::chrono::duration<double>(now - allowance_at_).count();
  allowance_ = std::min(allowance_, burst);
  allowance_at_ = now;
  return std::min(static_cast<std::size_t>(allowance_), read_buffer().size());
}

void Link::read_some() {
  for (int i = 0; i < kReadsATurn && state_ == State::Running && connection_->wants_input(); ++i) {
    const std::size_t most = read_allowance();
    if (most == 0) return;
    const net::IoResult r = stream_->read(read_buffer().first(most));
    if (r.status == net::Io::Again) return;
    if (r.status == net::Io::Closed) {
      connection_->closed(host_.loop().now());
      return;
    }
    if (r.status == net::Io::Failed) return finish(stream_->error().detail);
    if (connection_->kind() == "ider") quick_ack();
    if (host_.settings().slow_reader != 0) allowance_ -= static_cast<double>(r.bytes);
    const Result<void> took = connection_->receive(read_buffer().first(r.bytes), host_.loop().now());
    if (!took) return finish(took.error().detail);  // never: its errors are Close events
  }
}

void Link::watch_stalled() {
  // Nothing is read, so nothing tells that the client has gone but the kernel's own state.
  stream_->want(false, false);
  tcp_info info{};
  socklen_t size = sizeof info;
  const bool known = ::getsockopt(stream_->fd(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
  if (known && (info.tcpi_state == TCP_CLOSE || info.tcpi_state == TCP_CLOSE_WAIT)) return finish("client closed");
  refill_.arm(seconds(1));
}

void Link::quick_ack() {
  // Image servers write a block in parts and leave Nagle's algorithm on: each of our delayed acknowledgements would
  // cost 40 ms, and it is the client that is to be measured. The kernel forgets this setting, so it is made anew.
  const int on = 1;
  ::setsockopt(stream_->fd(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

void Link::wake() {
  if (!connection_ || state_ == State::Gone || state_ == State::Draining) return;
  const Result<void> ticked = connection_->tick(host_.loop().now());
  if (!ticked) return finish(ticked.error().detail);
  pump();
}

void Link::pump() {
  take_events();
  if (state_ == State::Running || state_ == State::Closing) write_some();
  if (state_ == State::Running || state_ == State::Closing) take_events();
  if (state_ == State::Running || state_ == State::Closing) rearm();
}

void Link::write_some() {
  for (int i = 0; i < kWritesATurn; ++i) {
    const Bytes out = connection_->output();
    if (out.empty()) break;
    const net::IoResult r = stream_->write(out);
    if (r.status == net::Io::Again) return;
    if (r.status != net::Io::Ok) return finish(stream_->error().detail);
    connection_->sent(r.bytes);
    connection_->produce(host_.loop().now());
  }
  // Everything is out, and no gap holds anything back.
  if (state_ == State::Closing && connection_->output().empty() && !connection_->deadline()) begin_close(reset_);
}

void Link::take_events() {
  while (std::optional<sim::MachineSide::Event> event = connection_->next_event()) {
    if (const auto* log = std::get_if<sim::MachineSide::Log>(&*event)) {
      host_.log(id_, log->fields);
    } else if (const auto* close = std::get_if<sim::MachineSide::Close>(&*event)) {
      reason_ = close->reason;
      reset_ = close->reset;
      state_ = State::Closing;
    } else if (std::holds_alternative<sim::MachineSide::Reboot>(*event)) {
      host_.rebooted();
    } else if (std::holds_alternative<sim::MachineSide::DoorsChanged>(*event)) {
      host_.doors_changed();
    } else {
      host_.mode_changed();
    }
  }
  host_.write_frame();
}

void Link::begin_close(bool reset) {
  if (reset) {
    stream_->reset();
    return finish(reason_);
  }
  // Closing with unread bytes would reset the connection and could take our last message with it: read until the
  // client has ended too.
  state_ = State::Draining;
  timer_.cancel();
  stream_->close_write();
  linger_.arm(kLinger);
  drain();
}

void Link::drain() {
  for (int i = 0; i < kReadsATurn; ++i) {
    const net::IoResult r = stream_->read(read_buffer());
    if (r.status == net::Io::Again) return stream_->want(true, false);
    if (r.status != net::Io::Ok) return finish(reason_);
  }
  stream_->want(true, false);
}

void Link::shutdown() {
  if (state_ == State::Gone) return;
  finish("the simulator ends");
}

void Link::finish(std::string reason) {
  if (state_ == State::Gone) return;
  state_ = State::Gone;
  timer_.cancel();
  linger_.cancel();
  refill_.cancel();
  if (connection_) {
    connection_->closed(host_.loop().now());
    while (std::optional<sim::MachineSide::Event> event = connection_->next_event()) {
      if (const auto* log = std::get_if<sim::MachineSide::Log>(&*event)) host_.log(id_, log->fields);
    }
  }
  const double took = std::chrono::duration<double>(host_.loop().now() - started_).count();
  host_.log(id_, sim::JsonLine("close")
                     .add("kind", connection_ ? connection_->kind() : std::string_view{})
                     .add("reason", reason)
                     .add("rx_bytes", stream_->rx_bytes())
                     .add("tx_bytes", stream_->tx_bytes())
                     .add("seconds", took)
                     .fields());
  connection_.reset();
  host_.gone(id_);
}

void Link::rearm() {
  const bool slow = host_.settings().slow_reader != 0;
  bool read = state_ == State::Running && connection_->wants_input();
  if (read && slow && read_allowance() == 0) {
    read = false;
    refill_.arm(milliseconds(20));
  }
  if (connection_->stalled()) return watch_stalled();
  stream_->want(read, !connection_->output().empty());
  const std::optional<TimePoint> when = connection_->deadline();
  if (when) {
    timer_.arm_at(std::max(*when, host_.loop().now()));
  } else {
    timer_.cancel();
  }
}

}  // namespace amtgate::simhost
