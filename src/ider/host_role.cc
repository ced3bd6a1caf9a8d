#include "amtgate/ider/host_role.h"

#include <algorithm>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"
#include "amtgate/redir/dispatch.h"

namespace amtgate::ider {
namespace {

// Pongs and the like that wait because the client does not read.
constexpr std::size_t kMaxAnswers = 64 * 1024;
// Outstanding pings of ours: more are not sent.
constexpr unsigned kMaxPings = 16;

}  // namespace

HostRole::HostRole(Options options, TimePoint now) : options_(options) {
  if (options_.open_timeout.count() > 0) silent_at_ = now + options_.open_timeout;
}

Result<void> HostRole::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return {};
  cutter_.feed(in);
  Result<void> done = redir::dispatch(
      cutter_, [this] { return state_ != State::Over; }, parse_client, [&](const auto& m) { return handle(m, now); });
  if (!done) {
    abort_all(now);
    state_ = State::Over;
  }
  return done;
}

Result<void> HostRole::check_sequence(const ClientMessage& m) {
  if (!options_.check_sequence || std::holds_alternative<EndSession>(m)) return {};
  const std::uint32_t want = client_sequence_++;
  if (sequence_of(m) == want) return {};
  return Error{Errc::BadValue,
               "the client's message " + std::to_string(want) + " has the number " + std::to_string(sequence_of(m))};
}

Result<void> HostRole::handle(const ClientMessage& m, TimePoint now) {
  if (auto ok = check_sequence(m); !ok) return ok;
  if (std::holds_alternative<EndSession>(m)) {
    abort_all(now);
    state_ = State::Over;
    events_.push_back(Ended{});
    return {};
  }
  if (const auto* o = std::get_if<Open>(&m)) return open(*o, now);
  if (state_ == State::Waiting) return Error{Errc::BadValue, "a message before the open of storage redirection"};
  if (rx_timeout_.count() > 0) silent_at_ = now + rx_timeout_;
  if (state_ == State::Closing) return {};
  if (const auto* f = std::get_if<Features>(&m)) return features(*f);
  if (const auto* d = std::get_if<DataToHost>(&m)) return data(*d, now);
  if (const auto* end = std::get_if<CommandEnd>(&m)) {
    if (resetting_) return {};
    if (!current_) return Error{Errc::BadValue, "the end of a command without a command"};
    done(end->sense == Sense{} ? Status::Good : Status::Check, end->sense, now);
  } else if (const auto* want = std::get_if<GetData>(&m)) {
    if (resetting_) return {};
    if (!current_) return Error{Errc::BadValue, "a request for data without a command"};
    if (out_.size() > kMaxAnswers) return Error{Errc::TooLarge, "the client asks for data and does not read it"};
    std::size_t left = std::min<std::size_t>(want->size, current_->write.size() - current_->written);
    do {  // what the write buffer does not hold comes in several
      const std::size_t n = std::min<std::size_t>(left, std::max<std::size_t>(1, options_.open.write_buffer));
      const Bytes part = Bytes(current_->write).subspan(current_->written, n);
      current_->written += n;
      left -= n;
      push(DataFromHost{0, part});
    } while (left > 0);
    if (options_.command_timeout.count() > 0) answer_by_ = now + options_.command_timeout;
  } else if (std::holds_alternative<ResetReply>(m)) {
    if (!resetting_) return Error{Errc::BadValue, "an answer to a reset that was not sent"};
    resetting_ = false;
    events_.push_back(ResetAnswered{});
    issue(now);
  } else if (std::holds_alternative<Pong>(m) || (std::holds_alternative<Ping>(m) && pings_ > 0)) {
    // amtider sends our ping back as it is.
    if (pings_ > 0) --pings_;
    events_.push_back(PingAnswered{});
  } else if (std::holds_alternative<Ping>(m)) {
    if (out_.size() > kMaxAnswers) return Error{Errc::TooLarge, "the client pings and does not read the answers"};
    push(Pong{});
  } else if (std::holds_alternative<Close>(m)) {
    abort_all(now);
    push(CloseReply{});
    state_ = State::Closing;
    heartbeat_at_.reset();
    events_.push_back(CloseRequested{});
  }
  return {};
}

Result<void> HostRole::open(const Open& m, TimePoint now) {
  if (state_ != State::Waiting) return Error{Errc::BadValue, "a second open of storage redirection"};
  push(options_.open);
  if (options_.open.status != 0) {
    state_ = State::Over;
    return {};
  }
  state_ = State::Open;
  rx_timeout_ = options_.rx_timeout.value_or(milliseconds(m.rx_timeout));
  heartbeat_ = options_.heartbeat.value_or(milliseconds(m.heartbeat));
  silent_at_.reset();
  if (rx_timeout_.count() > 0) silent_at_ = now + rx_timeout_;
  if (heartbeat_.count() > 0) heartbeat_at_ = now + heartbeat_;
  events_.push_back(Opened{m});
  return {};
}

Result<void> HostRole::features(const Features& m) {
  if (out_.size() > kMaxAnswers)
    return Error{Errc::TooLarge, "the client asks for features and does not read the answers"};
  FeaturesReply reply{0, m.type, 0};
  switch (m.type) {
    case Features::kGetSupported: reply.value = 1; break;
    case Features::kGetState: reply.value = enabled_ ? 2 : 0; break;
    case Features::kSetState:
      reply.value = options_.features_value;
      enabled_ = (m.value & Features::kEnable) != 0 && options_.features_value == 1;
      events_.push_back(FeaturesSet{m.value, enabled_});
      break;
    default: return Error{Errc::Unsupported, "unknown features request " + std::to_string(m.type)};
  }
  push(reply);
  return {};
}

Result<void> HostRole::data(const DataToHost& m, TimePoint now) {
  if (resetting_) return {};  // the block that was under way when the reset was sent
  if (!current_) return Error{Errc::BadValue, "data without a command"};
  if (m.bytes.size() > options_.open.read_buffer) {
    return Error{Errc::TooLarge, "a data block of " + std::to_string(m.bytes.size()) +
                                     " bytes; the read buffer has " + std::to_string(options_.open.read_buffer)};
  }
  if (m.bytes.size() > current_->limit - current_->data.size()) {
    return Error{Errc::TooLarge,
                 "more data than the " + std::to_string(current_->limit) + " bytes that the command asked for"};
  }
  append(current_->data, m.bytes);
  if (options_.command_timeout.count() > 0) answer_by_ = now + options_.command_timeout;
  if (m.last) done(Status::Good, {}, now);
  return {};
}

void HostRole::done(Status status, Sense sense, TimePoint now) {
  Job job = std::move(*current_);
  current_.reset();
  answer_by_.reset();
  events_.push_back(CommandDone{job.id, job.drive, job.cdb, status, sense, std::move(job.data), now - job.issued});
  if (status != Status::Aborted) issue(now);
}

void HostRole::abort_all(TimePoint now) {
  if (current_) done(Status::Aborted, {}, now);
  for (Job& job : queue_) {
    events_.push_back(CommandDone{job.id, job.drive, job.cdb, Status::Aborted, {}, {}, Duration{}});
  }
  queue_.clear();
}

/// Sends the next command when none is under way.
void HostRole::issue(TimePoint now) {
  if (current_ || resetting_ || queue_.empty() || !enabled()) return;
  current_ = std::move(queue_.front());
  queue_.pop_front();
  current_->issued = now;
  Command c;
  c.dma = options_.dma;
  c.byte_count_limit = static_cast<std::uint16_t>(std::min<std::size_t>(current_->limit, 65534));
  c.drive = current_->drive;
  c.cdb = current_->cdb;
  push(c);
  if (options_.command_timeout.count() > 0) answer_by_ = now + options_.command_timeout;
}

std::optional<HostRole::Event> HostRole::next_event() {
  return take_front(events_);
}

std::optional<TimePoint> HostRole::deadline() const {
  if (state_ == State::Over) return std::nullopt;
  return earliest({heartbeat_at_, silent_at_, answer_by_});
}

Result<void> HostRole::tick(TimePoint now) {
  if (state_ == State::Over) return {};
  const auto time_out = [&](const std::string& what) {
    abort_all(now);
    state_ = State::Over;
    return Error{Errc::Timeout, what};
  };
  if (silent_at_ && now >= *silent_at_) {
    if (state_ == State::Waiting) return time_out("the client did not open storage redirection in time");
    return time_out("nothing came from the client for its RX time-out of " + std::to_string(rx_timeout_.count()) +
                    " ms");
  }
  if (answer_by_ && now >= *answer_by_) {
    return time_out("no answer to a command within " + std::to_string(options_.command_timeout.count()) + " ms");
  }
  if (heartbeat_at_ && now >= *heartbeat_at_) {
    if (out_.size() < kMaxAnswers) push(Heartbeat{});
    heartbeat_at_ = now + heartbeat_;
  }
  return {};
}

std::optional<std::uint64_t> HostRole::submit(Drive drive, const Cdb& cdb, std::size_t limit, TimePoint now,
                                              Buffer write) {
  if (!enabled() || queue_.size() >= kMaxSubmitted) return std::nullopt;
  const std::uint64_t id = next_id_++;
  queue_.push_back(Job{id, drive, cdb, limit, std::move(write), 0, {}, {}});
  issue(now);
  return id;
}

void HostRole::ping() {
  if (state_ != State::Open || pings_ >= kMaxPings) return;
  ++pings_;
  push(Ping{});
}

void HostRole::reset(std::uint8_t mask, TimePoint now) {
  if (state_ != State::Open || resetting_) return;
  abort_all(now);
  resetting_ = true;
  push(Reset{0, mask});
}

void HostRole::close(TimePoint now) {
  if (state_ != State::Open) return;
  abort_all(now);
  push(CloseReply{});
  state_ = State::Over;
}

void HostRole::push(DeviceMessage m) {
  std::visit([this](auto& x) { x.sequence = sequence_++; }, m);
  Buffer bytes;
  encode(bytes, m);
  out_.push(std::move(bytes));
}

}  // namespace amtgate::ider
