#include "amtgate/sol/client_role.h"

#include <algorithm>
#include <cassert>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"
#include "amtgate/redir/dispatch.h"

namespace amtgate::sol {

ClientRole::ClientRole(Options options, TimePoint now) : options_(options) {
  assert(options_.chunk >= 1 && options_.chunk <= 1000);
  push(Start{sequence_++, options_.settings});
  answer_by_ = now + options_.answer_timeout;
}

Result<void> ClientRole::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return {};
  if (options_.patience.count() > 0) patience_until_ = now + options_.patience;
  cutter_.feed(in);
  Result<void> done = redir::dispatch(
      cutter_, [this] { return state_ != State::Over; }, parse_device, [&](const auto& m) { return handle(m, now); });
  if (!done) state_ = State::Over;
  return done;
}

Result<void> ClientRole::handle(const DeviceMessage& m, TimePoint now) {
  if (const auto* reply = std::get_if<StartReply>(&m)) {
    if (state_ != State::Starting) return Error{Errc::BadValue, "a second start reply"};
    if (reply->status != 0) {
      return Error{Errc::Refused,
                   "the device refused to start serial-over-LAN (status " + std::to_string(reply->status) + ")"};
    }
    state_ = State::Open;
    answer_by_.reset();
    if (options_.heartbeat_every.count() > 0) heartbeat_at_ = now + options_.heartbeat_every;
    events_.push_back(Started{});
  } else if (state_ == State::Starting) {
    // A device that reports its host before it has answered does no harm.
    if (!std::holds_alternative<HostStatus>(m) && !std::holds_alternative<Heartbeat>(m)) {
      return Error{Errc::BadValue, "a message before the start reply"};
    }
  } else if (const auto* data = std::get_if<Data>(&m)) {
    if (!data->bytes.empty()) events_.push_back(Received{Buffer(data->bytes.begin(), data->bytes.end())});
  } else if (const auto* host = std::get_if<HostStatus>(&m)) {
    events_.push_back(Host{host->control, host->status});
  } else if (std::holds_alternative<EndReply>(m)) {
    finish();
  } else if (options_.echo && state_ == State::Open && out_.size() < options_.max_backlog) {
    // A device that does not read gets no more echoes: they would pile up.
    if (const auto* beat = std::get_if<Heartbeat>(&m)) push(Heartbeat{beat->sequence});
    if (const auto* ping = std::get_if<Ping>(&m)) push(Ping{ping->sequence});
  }
  return {};
}

std::optional<ClientRole::Event> ClientRole::next_event() {
  return take_front(events_);
}

void ClientRole::sent(std::size_t n) {
  out_.sent(n);
  if (refused_ && state_ == State::Open && out_.size() <= options_.max_backlog / 2) {
    refused_ = false;
    events_.push_back(Writable{});
  }
}

std::optional<TimePoint> ClientRole::deadline() const {
  if (state_ == State::Over) return std::nullopt;
  return earliest({answer_by_, heartbeat_at_, patience_until_});
}

Result<void> ClientRole::tick(TimePoint now) {
  if (state_ == State::Over) return {};
  if (answer_by_ && now >= *answer_by_) {
    if (state_ == State::Ending) {
      finish();
      return {};
    }
    state_ = State::Over;
    return Error{Errc::Timeout, "the device did not answer the start of serial-over-LAN within " +
                                    std::to_string(options_.answer_timeout.count()) + " ms"};
  }
  if (patience_until_ && now >= *patience_until_) {
    state_ = State::Over;
    return Error{Errc::Timeout,
                 "nothing came from the device for " + std::to_string(options_.patience.count()) + " ms"};
  }
  if (heartbeat_at_ && now >= *heartbeat_at_) {
    if (out_.size() < options_.max_backlog) push(Heartbeat{sequence_++});
    heartbeat_at_ = now + options_.heartbeat_every;
  }
  return {};
}

std::size_t ClientRole::send(Bytes bytes) {
  if (state_ != State::Open) return 0;
  std::size_t taken = 0;
  while (taken < bytes.size() && out_.size() < options_.max_backlog) {
    const Bytes part = bytes.subspan(taken, std::min(options_.chunk, bytes.size() - taken));
    push(Data{sequence_++, part});
    taken += part.size();
  }
  if (taken < bytes.size()) refused_ = true;
  return taken;
}

void ClientRole::end(TimePoint now) {
  if (state_ == State::Starting) return finish();
  if (state_ != State::Open) return;
  push(End{sequence_++});
  state_ = State::Ending;
  heartbeat_at_.reset();
  answer_by_ = now + options_.end_timeout;
}

void ClientRole::push(const ClientMessage& m) {
  Buffer bytes;
  encode(bytes, m);
  out_.push(std::move(bytes));
}

void ClientRole::finish() {
  push(EndSession{});
  state_ = State::Over;
  events_.push_back(Ended{});
}

}  // namespace amtgate::sol
