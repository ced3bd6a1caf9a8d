#include "amtgate/ider/client_role.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"
#include "amtgate/redir/dispatch.h"

namespace amtgate::ider {
namespace {

// Pongs and the like that wait because the device does not read.
constexpr std::size_t kMaxAnswers = 128 * 1024;

}  // namespace

ClientRole::ClientRole(Options options, TimePoint now)
    : options_(options), cd_(Drive::Cd, options.cd), floppy_(Drive::Floppy, options.floppy), now_(now) {
  push(options_.open);
  answer_by_ = now + options_.answer_timeout;
}

Result<void> ClientRole::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return {};
  now_ = now;
  if (options_.patience.count() > 0) patience_until_ = now + options_.patience;
  cutter_.feed(in);
  Result<void> done = redir::dispatch(
      cutter_, [this] { return state_ != State::Over; }, parse_device, [&](const auto& m) { return handle(m, now); });
  if (!done) {
    state_ = State::Over;
    abandon();
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
    abandon();  // of a write, what was stored stays
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
  } else if (const auto* data = std::get_if<DataFromHost>(&m)) {
    return take_data(data->bytes, now);
  }
  // 0x45 and 0x4B only say that the device lives.
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
  write_buffer_ = std::max<std::uint16_t>(m.write_buffer, 512);
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
  while (room() && state_ != State::Over && !intake_) {
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
  ScsiDrive& d = drive(c.drive);
  const bool was_out = d.ejected();
  ScsiDrive::Outcome outcome = d.execute(c.cdb);
  if (d.ejected() != was_out) events_.push_back(Tray{c.drive, d.ejected()});
  if (const auto* done = std::get_if<ScsiDrive::Done>(&outcome)) {
    send_end(c.drive, done->sense);
  } else if (const auto* reply = std::get_if<ScsiDrive::Reply>(&outcome)) {
    send_reply(c, reply->bytes);
  } else if (const auto* blocks = std::get_if<ScsiDrive::Blocks>(&outcome)) {
    note_read(c.drive, blocks->first, blocks->count.value);
    transfer_ = Transfer{c.drive, c.dma, blocks->first, blocks->count.value};
  } else {
    const auto& to = std::get<ScsiDrive::Store>(outcome);
    intake_ = Intake{c.drive, to.verify, to.first, to.count.value};
    ask_for_data();
  }
}

void ClientRole::note_read(Drive d, Lba first, std::uint32_t count) {
  const bool follows =
      last_read_ && last_read_->drive == d && last_read_->next == first && last_read_->count == count;
  last_read_ = LastRead{d, Lba{first.value + count}, count, follows ? last_read_->run + 1 : 1};
}

void ClientRole::prepare(TimePoint now) {
  if (!options_.gather || prepared_ || state_ != State::Running || !last_read_ || last_read_->run < kSequence) return;
  if (!out_.empty() || transfer_ || intake_ || !queue_.empty()) return;
  const LastRead& last = *last_read_;
  BlockSource* medium = drive(last.drive).medium();
  if (!medium) return;
  const std::uint32_t blocks = medium->blocks().value;
  if (last.next.value >= blocks || last.count > blocks - last.next.value) return;
  const Layout to = lay_out(medium->block_size(), last.count, false);
  if (medium->peek(last.next, std::span(to.pieces).first(to.messages)))
    prepared_ = Prepared{last.drive, last.next, last.count, now};
}

/// True: the blocks of this READ lie where lay_out() puts them.
bool ClientRole::take_prepared(const Transfer& t, BlockSource& medium) {
  const std::optional<Prepared> p = std::exchange(prepared_, std::nullopt);
  return p && out_.empty() && p->drive == t.drive && p->first == t.next && p->count == t.left &&
         now_ - p->at <= kPreparedFor && medium.confirm();
}

/// Whole blocks, at least one: kMinReadBuffer is a CD's. As many messages as may wait, or one (`alone`).
ClientRole::Layout ClientRole::lay_out(std::uint32_t block_size, std::uint32_t left, bool alone) {
  const std::uint32_t most = read_buffer_ / block_size;
  Layout out;
  std::size_t all = 0;
  do {
    const std::uint32_t count = std::min(left - out.blocks, most);
    ++out.messages;
    out.blocks += count;
    all += kDataToHostHeader + std::size_t{count} * block_size;
  } while (!alone && options_.gather && out.blocks < left && out.messages < out.pieces.size() &&
           out_.size() + all < kAhead);
  out.room = out_.room(all);
  std::uint32_t rest = out.blocks;
  std::size_t at = 0;
  for (std::size_t i = 0; i < out.messages; ++i) {
    const std::uint32_t count = std::min(rest, most);
    out.pieces[i] = out.room.subspan(at + kDataToHostHeader, std::size_t{count} * block_size);
    at += kDataToHostHeader + out.pieces[i].size();
    rest -= count;
  }
  return out;
}

/// The next blocks of a read, with one read of the image straight to where they are sent from. False: the source does
/// not have them yet.
bool ClientRole::send_block(bool alone) {
  Transfer& t = *transfer_;
  ScsiDrive& from = drive(t.drive);
  BlockSource* medium = from.medium();
  Sense problem = medium ? sense::kNone : sense::kNoMedium;
  if (problem == sense::kNone) {
    const bool here = take_prepared(t, *medium);
    const Layout to = lay_out(medium->block_size(), t.left, alone);
    Result<Fetch> fetched = Fetch::Done;
    if (!here) {
      fetched = to.messages == 1 ? medium->read(t.next, to.pieces[0])
                                 : medium->read_pieces(t.next, std::span(to.pieces).first(to.messages));
    }
    // What comes before the block that is broken or not there yet goes out all the same.
    if (to.messages > 1 && (!fetched || *fetched == Fetch::Later)) return send_block(true);
    if (fetched && *fetched == Fetch::Later) return false;
    if (fetched) {
      std::size_t at = 0;
      for (std::size_t i = 0; i < to.messages; ++i) {
        const std::size_t n = to.pieces[i].size();
        scratch_.clear();
        const bool last = i + 1 == to.messages && to.blocks == t.left;
        encode_header(scratch_, {sequence_++, t.drive, last, t.dma, {}}, static_cast<std::uint16_t>(n));
        std::ranges::copy(scratch_, to.room.begin() + static_cast<std::ptrdiff_t>(at));
        at += kDataToHostHeader + n;
        out_.commit(kDataToHostHeader + n);
        stats_.data_bytes += n;
      }
      t.next.value += to.blocks;
      stats_.at = t.drive;
      stats_.lba = Lba{t.next.value - 1};
      t.left -= to.blocks;
      if (t.left == 0) transfer_.reset();
      return true;
    }
    problem = sense::kReadError;
    medium_failed(t.drive, fetched.error());
  }
  from.failed(problem);
  const Drive d = t.drive;
  transfer_.reset();
  send_end(d, problem);
  return true;
}

// --- writes

/// For no more than the device holds at once: how it would cut more is not known.
void ClientRole::ask_for_data() {
  Intake& i = *intake_;
  const std::uint32_t block = drive(i.drive).medium()->block_size();
  const std::uint32_t blocks = std::min(i.left, std::max(1U, write_buffer_ / block));
  i.asked = blocks * block;
  push(GetData{0, i.drive, static_cast<std::uint16_t>(i.asked)});
  data_by_ = now_ + options_.answer_timeout;
}

Result<void> ClientRole::take_data(Bytes bytes, TimePoint now) {
  if (!intake_) return {};  // of a write that is over: a medium that was changed, a time-out
  Intake& i = *intake_;
  if (bytes.size() > i.asked) {
    return Error{Errc::TooLarge, "the device sent " + std::to_string(bytes.size()) + " bytes of a write where " +
                                     std::to_string(i.asked) + " were asked for"};
  }
  if (bytes.empty()) return end_intake(sense::kDataPhase), Result<void>{};
  data_by_ = now + options_.answer_timeout;
  i.asked -= static_cast<std::uint32_t>(bytes.size());
  append(i.held, bytes);
  BlockSource& to = *drive(i.drive).medium();
  const auto count = static_cast<std::uint32_t>(i.held.size() / to.block_size());
  if (count > 0) {
    const std::size_t n = std::size_t{count} * to.block_size();
    if (const Result<void> stored = store(Bytes(i.held).first(n)); !stored) {
      medium_failed(i.drive, stored.error());
      return end_intake(stored.error().code == Errc::BadValue ? sense::kMiscompare : sense::kWriteError),
             Result<void>{};
    }
    i.held.erase(i.held.begin(), i.held.begin() + static_cast<std::ptrdiff_t>(n));
    stats_.written_bytes += n;
    i.next.value += count;
    stats_.at = i.drive;
    stats_.lba = Lba{i.next.value - 1};
    i.left -= count;
  }
  if (i.left == 0) {
    end_intake(sense::kNone);
  } else if (i.asked == 0) {
    ask_for_data();
  }
  return {};
}

/// Errors: the medium's; BadValue where it then holds something else.
Result<void> ClientRole::store(Bytes blocks) {
  const Intake& i = *intake_;
  BlockSource& to = *drive(i.drive).medium();
  if (const Result<void> written = to.write(i.next, blocks); !written)
    return Error{Errc::System, written.error().detail};
  if (!i.verify) return {};
  Buffer again(blocks.size());
  const Result<Fetch> read = to.read(i.next, again);
  if (!read) return Error{Errc::System, read.error().detail};
  if (*read == Fetch::Done && !std::ranges::equal(again, blocks))
    return Error{Errc::BadValue, "block " + std::to_string(i.next.value) + " holds something else than was written"};
  return {};
}

void ClientRole::end_intake(Sense sense) {
  const Drive d = intake_->drive;
  intake_.reset();
  data_by_.reset();
  if (sense.key != 0) drive(d).failed(sense);
  send_end(d, sense);
}

/// Forgets all that is under way.
void ClientRole::abandon() {
  queue_.clear();
  transfer_.reset();
  intake_.reset();
  data_by_.reset();
  prepared_.reset();
  last_read_.reset();
}

void ClientRole::medium_failed(Drive d, const Error& error) {
  bool& told = d == Drive::Cd ? told_cd_ : told_floppy_;
  if (!std::exchange(told, true)) events_.push_back(MediumFailed{d, error});
}

void ClientRole::send_reply(const Command& c, Bytes bytes) {
  stats_.data_bytes += bytes.size();
  while (!bytes.empty()) {
    const Bytes part = bytes.first(std::min<std::size_t>(bytes.size(), read_buffer_));
    bytes = bytes.subspan(part.size());
    push(DataToHost{0, c.drive, bytes.empty(), c.dma, part});
  }
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
  return earliest({answer_by_, heartbeat_at_, patience_until_, data_by_});
}

Result<void> ClientRole::tick(TimePoint now) {
  if (state_ == State::Over) return {};
  now_ = now;
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
  if (data_by_ && now >= *data_by_) {
    end_intake(sense::kDataPhase);
    work();
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
  if (intake_ && intake_->drive == d) end_intake(sense::kNoMedium);
  (d == Drive::Cd ? told_cd_ : told_floppy_) = false;
  prepared_.reset();
  last_read_.reset();
  drive(d).insert(medium);
}

void ClientRole::end(TimePoint now) {
  if (state_ == State::Over || state_ == State::Ending) return;
  abandon();
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
  scratch_.clear();
  encode(scratch_, m);
  prepared_.reset();  // the message lies where that was read to
  out_.push(scratch_);
}

void ClientRole::finish() {
  push(EndSession{});
  state_ = State::Over;
  abandon();
  events_.push_back(Ended{});
}

}  // namespace amtgate::ider
