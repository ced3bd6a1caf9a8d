#include "amtgate/ider/client_role.h"

#include <algorithm>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"
#include "amtgate/redir/dispatch.h"

namespace amtgate::ider {
namespace {

// Pongs and the like that wait because the device does not read.
constexpr std::size_t kMaxAnswers = 128 * 1024;

}  // namespace

ClientRole::ClientRole(Options options, TimePoint now)
    : options_(options), cd_(Drive::Cd, options.cd), floppy_(Drive::Floppy, options.floppy) {
  push(options_.open);
  answer_by_ = now + options_.answer_timeout;
}

Result<void> ClientRole::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return {};
  if (options_.patience.count() > 0) patience_until_ = now + options_.patience;
  cutter_.feed(in);
  Result<void> done = redir::dispatch(
      cutter_, [this] { return state_ != State::Over; }, parse_device, [&](const auto& m) { return handle(m, now); });
  if (!done) {
    state_ = State::Over;
    queue_.clear();
    transfer_.reset();
    return done;
  }
  work();
  return {};
}

Result<void> ClientRole::handle(const DeviceMessage& m, TimePoint now) {
  if (options_.check_sequence && sequence_of(m) != device_sequence_) {
    return Error{Errc::BadValue, "the device's message " + std::to_string(device_sequence_) + " has the number " +
                                     std::to_string(sequence_of(m))};
  }
  ++device_sequence_;
  if (const auto* reply = std::get_if<OpenReply>(&m)) return opened(*reply, now);
  if (std::holds_alternative<CloseReply>(m)) {
    finish();
    return {};
  }
  if (std::holds_alternative<Ping>(m)) {
    if (out_.size() > kMaxAnswers) return Error{Errc::TooLarge, "the device pings and does not read the answers"};
    push(Pong{});
    return {};
  }
  if (const auto* error = std::get_if<DeviceError>(&m)) {
    events_.push_back(DeviceReported{error->code});
    return {};
  }
  if (state_ == State::Opening && !std::holds_alternative<Heartbeat>(m) && !std::holds_alternative<Pong>(m)) {
    return Error{Errc::BadValue, "a message before the open reply"};
  }
  if (state_ == State::Ending) return {};
  if (const auto* features = std::get_if<FeaturesReply>(&m)) {
    if (state_ == State::Enabling && features->type == Features::kSetState) {
      state_ = State::Running;
      answer_by_.reset();
      events_.push_back(Enabled{features->value == 1});
    }
  } else if (std::holds_alternative<Reset>(m)) {
    if (out_.size() > kMaxAnswers) return Error{Errc::TooLarge, "the device resets and does not read the answers"};
    queue_.clear();
    transfer_.reset();
    cd_.reset();
    floppy_.reset();
    push(ResetReply{});
    events_.push_back(HostReset{});
  } else if (const auto* command = std::get_if<Command>(&m)) {
    if (queue_.size() >= kMaxQueued) {
      return Error{Errc::TooLarge, "more than " + std::to_string(kMaxQueued) + " commands of the device are waiting"};
    }
    queue_.push_back(*command);
    // Served at once where that is possible: the queue only fills while output() does not drain.
    work();
  }
  // 0x53 cannot be meant for us: nothing asked for it. 0x45 and 0x4B only say that the device lives.
  return {};
}

Result<void> ClientRole::opened(const OpenReply& m, TimePoint now) {
  if (state_ != State::Opening) return Error{Errc::BadValue, "a second open reply"};
  if (m.status != 0) {
    return Error{Errc::Refused,
                 "the device refused to open storage redirection (status " + std::to_string(m.status) + ")"};
  }
  if (m.protocol != 0) {
    return Error{Errc::Unsupported,
                 "the device's storage protocol is " + std::to_string(m.protocol) + "; only 0 is known"};
  }
  if (m.read_buffer < kMinReadBuffer) {
    return Error{Errc::Unsupported, "the device's read buffer has " + std::to_string(m.read_buffer) + " bytes"};
  }
  read_buffer_ = m.read_buffer;
  state_ = State::Enabling;
  Features enable;
  enable.value = Features::kEnable | static_cast<std::uint32_t>(options_.start);
  push(enable);
  answer_by_ = now + options_.answer_timeout;
  if (options_.heartbeat_every.count() > 0) heartbeat_at_ = now + options_.heartbeat_every;
  events_.push_back(Opened{m.firmware_major, m.firmware_minor, m.read_buffer});
  return {};
}

/// Goes on with the transfer or takes the next command, until something waits to be sent.
void ClientRole::work() {
  while (out_.empty() && state_ != State::Over) {
    if (transfer_) {
      if (!send_block()) return;
    } else if (!queue_.empty()) {
      const Command c = queue_.front();
      queue_.pop_front();
      execute(c);
    } else {
      return;
    }
  }
}

void ClientRole::execute(const Command& c) {
  ++stats_.commands;
  ScsiDrive::Outcome outcome = drive(c.drive).execute(c.cdb);
  if (const auto* done = std::get_if<ScsiDrive::Done>(&outcome)) {
    send_end(c.drive, done->sense);
  } else if (const auto* reply = std::get_if<ScsiDrive::Reply>(&outcome)) {
    send_reply(c, reply->bytes);
  } else {
    const auto& blocks = std::get<ScsiDrive::Blocks>(outcome);
    transfer_ = Transfer{c.drive, c.dma, blocks.first, blocks.count.value};
  }
}

/// False: the source does not have the blocks yet.
bool ClientRole::send_block() {
  Transfer& t = *transfer_;
  ScsiDrive& from = drive(t.drive);
  BlockSource* medium = from.medium();
  Sense problem = medium ? sense::kNone : sense::kNoMedium;
  if (problem == sense::kNone) {
    // Whole blocks, at least one: kMinReadBuffer is a CD's.
    const std::uint32_t count = std::min(t.left, read_buffer_ / medium->block_size());
    const std::uint32_t bytes = count * medium->block_size();
    Buffer message;
    message.reserve(kDataToHostHeader + bytes);
    encode_header(message, {sequence_, t.drive, count == t.left, t.dma, {}}, static_cast<std::uint16_t>(bytes));
    message.resize(kDataToHostHeader + bytes);
    const Result<Fetch> fetched = medium->read(t.next, MutableBytes(message).subspan(kDataToHostHeader));
    if (fetched && *fetched == Fetch::Later) return false;
    if (fetched) {
      ++sequence_;
      out_.push(std::move(message));
      stats_.data_bytes += bytes;
      t.next.value += count;
      t.left -= count;
      if (t.left == 0) transfer_.reset();
      return true;
    }
    problem = sense::kReadError;
  }
  from.failed(problem);
  const Drive d = t.drive;
  transfer_.reset();
  send_end(d, problem);
  return true;
}

void ClientRole::send_reply(const Command& c, Bytes bytes) {
  // The longest reply has some 100 bytes: it always fits the smallest read buffer.
  stats_.data_bytes += bytes.size();
  push(DataToHost{0, c.drive, true, c.dma, bytes});
}

void ClientRole::send_end(Drive d, Sense sense) {
  if (sense.key != 0) ++stats_.checks;
  push(CommandEnd{0, d, sense});
}

std::optional<ClientRole::Event> ClientRole::next_event() {
  return take_front(events_);
}

void ClientRole::sent(std::size_t n) {
  out_.sent(n);
  work();
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
    const char* what = state_ == State::Opening ? "the open of" : "the request to enable";
    state_ = State::Over;
    return Error{Errc::Timeout, std::string("the device did not answer ") + what + " storage redirection within " +
                                    std::to_string(options_.answer_timeout.count()) + " ms"};
  }
  if (patience_until_ && now >= *patience_until_) {
    state_ = State::Over;
    return Error{Errc::Timeout,
                 "nothing came from the device for " + std::to_string(options_.patience.count()) + " ms"};
  }
  if (heartbeat_at_ && now >= *heartbeat_at_) {
    if (out_.size() < kMaxAnswers) push(Heartbeat{});
    heartbeat_at_ = now + options_.heartbeat_every;
  }
  return {};
}

void ClientRole::insert(Drive d, BlockSource* medium) {
  if (transfer_ && transfer_->drive == d) {
    transfer_.reset();
    drive(d).failed(sense::kNoMedium);
    send_end(d, sense::kNoMedium);
  }
  drive(d).insert(medium);
}

void ClientRole::end(TimePoint now) {
  if (state_ == State::Over || state_ == State::Ending) return;
  queue_.clear();
  transfer_.reset();
  if (state_ == State::Opening) return finish();
  push(Close{});
  state_ = State::Ending;
  heartbeat_at_.reset();
  answer_by_ = now + options_.end_timeout;
}

void ClientRole::push(ClientMessage m) {
  std::visit(
      [this](auto& x) {
        if constexpr (!std::is_same_v<std::decay_t<decltype(x)>, EndSession>) x.sequence = sequence_++;
      },
      m);
  Buffer bytes;
  encode(bytes, m);
  out_.push(std::move(bytes));
}

void ClientRole::finish() {
  push(EndSession{});
  state_ = State::Over;
  queue_.clear();
  transfer_.reset();
  events_.push_back(Ended{});
}

}  // namespace amtgate::ider
