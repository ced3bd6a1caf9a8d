#include "amtgate/sol/server_role.h"

#include <algorithm>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"
#include "amtgate/redir/dispatch.h"

namespace amtgate::sol {
namespace {

// A message of at most this many serial bytes, whatever the client allows: AMT's own limit is unknown, no client asks
// for more.
constexpr std::size_t kMaxChunk = 10000;
// Answers to pings that wait because the client does not read.
constexpr std::size_t kMaxAnswers = 64 * 1024;

}  // namespace

ServerRole::ServerRole(Options options, TimePoint now) : options_(options), ready_at_(now) {
  if (options_.start_timeout.count() > 0) silent_at_ = now + options_.start_timeout;
}

Result<void> ServerRole::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return {};
  release(now);
  cutter_.feed(in);
  Result<void> done = redir::dispatch(
      cutter_, [this] { return state_ != State::Over; }, parse_client, [&](const auto& m) { return handle(m, now); });
  if (!done) state_ = State::Over;
  return done;
}

Result<void> ServerRole::handle(const ClientMessage& m, TimePoint now) {
  if (std::holds_alternative<EndSession>(m)) {
    state_ = State::Over;
    events_.push_back(Ended{});
    return {};
  }
  if (const auto* s = std::get_if<Start>(&m)) return start(*s, now);
  if (state_ == State::Waiting) return Error{Errc::BadValue, "a message before the start of serial-over-LAN"};
  if (rx_timeout_.count() > 0) silent_at_ = now + rx_timeout_;
  // amtterm sends 0x22 and then the escape key as data: what follows an end is dropped.
  if (state_ == State::Ending) return {};
  if (const auto* data = std::get_if<Data>(&m)) {
    if (!data->bytes.empty()) events_.push_back(Received{Buffer(data->bytes.begin(), data->bytes.end())});
  } else if (std::holds_alternative<Controls>(m)) {
    events_.push_back(ControlsReceived{});
  } else if (std::holds_alternative<End>(m)) {
    state_ = State::Ending;
    heartbeat_at_.reset();
    push(EndReply{}, now);
    events_.push_back(EndRequested{});
  } else if (std::holds_alternative<Ping>(m)) {
    if (backlog() > options_.max_backlog + kMaxAnswers)
      return Error{Errc::TooLarge, "pings whose answers nobody reads"};
    push(Pong{}, now);
  }
  return {};
}

Result<void> ServerRole::start(const Start& m, TimePoint now) {
  if (state_ != State::Waiting) return Error{Errc::BadValue, "a second start of serial-over-LAN"};
  push(StartReply{0, options_.start_status}, now);
  if (options_.start_status != 0) {
    state_ = State::Over;
    return {};
  }
  state_ = State::Open;
  settings_ = m.settings;
  heartbeat_ = options_.heartbeat.value_or(milliseconds(settings_.heartbeat));
  rx_timeout_ = options_.rx_timeout.value_or(milliseconds(settings_.rx_timeout));
  silent_at_.reset();
  if (heartbeat_.count() > 0) heartbeat_at_ = now + heartbeat_;
  if (rx_timeout_.count() > 0) silent_at_ = now + rx_timeout_;
  if (options_.announce_host) {
    set_host(0, HostStatus::kLoopback | HostStatus::kPowered, now);
    set_host(HostStatus::kDtr, HostStatus::kPowered, now);
  }
  events_.push_back(Started{settings_});
  return {};
}

std::optional<ServerRole::Event> ServerRole::next_event() {
  return take_front(events_);
}

void ServerRole::sent(std::size_t n) {
  out_.sent(n);
  if (refused_ && state_ == State::Open && backlog() <= options_.max_backlog / 2) {
    refused_ = false;
    events_.push_back(Writable{});
  }
}

std::optional<TimePoint> ServerRole::deadline() const {
  std::optional<TimePoint> out;
  if (!waiting_.empty()) out = ready_at_;
  if (state_ == State::Over) return out;
  return earliest({out, heartbeat_at_, silent_at_});
}

Result<void> ServerRole::tick(TimePoint now) {
  release(now);
  if (state_ == State::Over) return {};
  if (silent_at_ && now >= *silent_at_) {
    const bool started = state_ != State::Waiting;
    state_ = State::Over;
    return Error{Errc::Timeout, started ? "nothing came from the client for its RX time-out of " +
                                              std::to_string(rx_timeout_.count()) + " ms"
                                        : std::string("the client did not start serial-over-LAN in time")};
  }
  if (heartbeat_at_ && now >= *heartbeat_at_) {
    if (backlog() < options_.max_backlog) push(Heartbeat{}, now);
    heartbeat_at_ = now + heartbeat_;
  }
  return {};
}

std::size_t ServerRole::send(Bytes bytes, TimePoint now) {
  if (state_ != State::Open) return 0;
  const std::size_t chunk = std::clamp<std::size_t>(settings_.max_transmit, 1, kMaxChunk);
  std::size_t taken = 0;
  while (taken < bytes.size() && backlog() < options_.max_backlog) {
    const Bytes part = bytes.subspan(taken, std::min(chunk, bytes.size() - taken));
    push(Data{0, part}, now);
    taken += part.size();
  }
  if (taken < bytes.size()) refused_ = true;
  return taken;
}

void ServerRole::set_host(std::uint8_t control, std::uint8_t status, TimePoint now) {
  if (state_ != State::Open) return;
  push(HostStatus{0, control, status}, now);
}

void ServerRole::end(TimePoint now) {
  if (state_ == State::Waiting || state_ == State::Open) push(EndReply{}, now);
  state_ = State::Over;
}

void ServerRole::push(DeviceMessage m, TimePoint now) {
  std::visit([this](auto& x) { x.sequence = sequence_++; }, m);
  Buffer bytes;
  encode(bytes, m);
  waiting_bytes_ += bytes.size();
  waiting_.push_back(std::move(bytes));
  release(now);
}

void ServerRole::release(TimePoint now) {
  while (!waiting_.empty() && now >= ready_at_) {
    const bool pause = redir::discards_rest(waiting_.front()[0]);
    waiting_bytes_ -= waiting_.front().size();
    out_.push(std::move(waiting_.front()));
    waiting_.pop_front();
    if (pause) ready_at_ = now + options_.pause;
  }
}

}  // namespace amtgate::sol
