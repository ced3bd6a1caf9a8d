#include "amtgate/session/shared_serial.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"

namespace amtgate::session {
namespace {

/// "0:12".
std::string minutes(Duration d) {
  const auto s = std::chrono::duration_cast<seconds>(d).count();
  return std::to_string(s / 60) + (s % 60 < 10 ? ":0" : ":") + std::to_string(s % 60);
}

/// Our own line in a console's output. Sentences may quote what a machine or a name server said.
std::string line(std::string_view sentence) {
  std::string out = "\r\n[amtgate: ";
  for (const char c : sentence) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7f ? '?' : c;
  }
  return out + "]\r\n";
}

/// All that one sees of a machine that restarts is one cause.
Errc kind(Errc code) {
  return code == Errc::Timeout || code == Errc::Unreachable ? Errc::Closed : code;
}

sol::ClientRole::Options role_options() {
  sol::ClientRole::Options out;
  out.patience = milliseconds(0);  // counted here, since we do not always read
  return out;
}

std::size_t ring_size(const SerialOptions& o) {
  return std::max(o.keep + SharedSerial::kMostRead, SharedSerial::kLeastRing);
}

}  // namespace

SharedSerial::SharedSerial(SerialOptions options) : options_(std::move(options)), ring_(ring_size(options_)) {}

void SharedSerial::configure(SerialOptions options, TimePoint now) {
  options_ = std::move(options);
  ring_.resize(ring_size(options_));
  if (wanted()) {
    if (device_ == Device::Absent) want_device();
  } else {
    leave_device(now);
  }
}

SharedSerial::User* SharedSerial::find(UserId id) {
  const auto it = users_.find(id);
  return it == users_.end() ? nullptr : &it->second;
}
const SharedSerial::User* SharedSerial::find(UserId id) const {
  const auto it = users_.find(id);
  return it == users_.end() ? nullptr : &it->second;
}

// --- who wants it -----------------------------------------------------------------------------------------

bool SharedSerial::ready() const {
  return device_ == Device::Live || (device_ == Device::Away && options_.reconnect) ||
         (absence_.on() && options_.reconnect);
}

void SharedSerial::reserve(UserId id) {
  reserved_.insert(id);
  if (device_ == Device::Absent || (device_ == Device::Away && !options_.reconnect)) want_device();
}

void SharedSerial::release(UserId id, TimePoint now) {
  if (reserved_.erase(id) > 0 && !wanted()) leave_device(now);
}

void SharedSerial::want_device() {
  device_ = Device::Opening;
  events_.emplace_back(NeedDevice{});
}

void SharedSerial::add_user(UserId id, std::unique_ptr<SerialUser> machine, const std::string& who, TimePoint now) {
  std::uint64_t shown = std::min<std::uint64_t>(options_.keep, ring_.size());
  // Who had the session opened sees it from its beginning.
  if (users_.empty() && !options_.always) {
    shown = std::max(shown, ring_.end() - std::max(opened_at_, ring_.begin()));
  }
  User& user =
      users_.emplace(id, User{.machine = std::move(machine), .who = who, .at = ring_.end() - shown}).first->second;
  reserved_.erase(id);
  if (writer_) {
    user.note = line("you look on; " + find(*writer_)->who + " types");
  } else {
    writer_ = id;
    given_up_ = false;
    events_.emplace_back(WriterChanged{id});
  }
  user.machine->host(control_, status_, now);
  if (absence_.on() && told_ && shown == 0) user.note += line(told_->detail);
  if (device_ == Device::Absent) want_device();
  feed(user, now);
}

void SharedSerial::remove_user(UserId id, TimePoint now) {
  if (users_.erase(id) == 0) return;
  if (writer_ == id) pass_on(now);
  if (!wanted()) leave_device(now);
  watch_stall(now);
  if (users_.empty() && reserved_.empty() && options_.keep == 0) ring_.trim(0);
}

/// The one who typed has gone.
void SharedSerial::pass_on(TimePoint now) {
  writer_.reset();
  given_up_ = false;
  for (auto& [id, user] : users_) {
    if (user.over) continue;
    writer_ = id;
    user.note += line("you type now");
    events_.emplace_back(WriterChanged{id});
    feed(user, now);
    return;
  }
}

Result<void> SharedSerial::give(UserId id, TimePoint now) {
  User* user = find(id);
  if (user == nullptr || user->over) return Error{Errc::BadValue, "it is no user of a serial console"};
  if (writer_ == id) return {};
  if (User* before = writer_ ? find(*writer_) : nullptr; before != nullptr) {
    before->note += line(user->who + " types now");
    before->told_reader = true;
    feed(*before, now);
  }
  writer_ = id;
  given_up_ = false;
  user->note += line("you type now");
  events_.emplace_back(WriterChanged{id});
  feed(*user, now);
  return {};
}

void SharedSerial::end_user(UserId id, const Error& error, TimePoint now) {
  User* user = find(id);
  if (user == nullptr || user->over) return;
  if (options_.lines) user->note += line(error.detail);
  feed(*user, now);
  finish(id, *user, error, now);
}

void SharedSerial::finish(UserId id, User& user, const Error& error, TimePoint now, bool by_user) {
  if (std::exchange(user.over, true)) return;
  user.machine->end(now);
  events_.emplace_back(UserEnded{id, error, by_user});
  if (writer_ == id) pass_on(now);
}

void SharedSerial::end_all(const Error& error, TimePoint now) {
  for (const auto& [id, user] : users_) end_user(id, error, now);
}

// --- what is typed ----------------------------------------------------------------------------------------

bool SharedSerial::takes(UserId id) const {
  const User* user = find(id);
  if (user == nullptr || user->over) return false;
  if (writer_ != id) return true;
  // Before its first session nothing is dropped: a script types as soon as it is connected.
  if (device_ == Device::Live) return typed_.view().size() < kMostTyped;
  return absence_.on() || typed_.view().size() < kMostTyped;
}

void SharedSerial::receive_user(UserId id, Bytes in, TimePoint now) {
  User* user = find(id);
  if (user == nullptr || user->over) return;
  Buffer typed;
  const Result<void> taken = user->machine->receive(in, now, typed);
  if (!typed.empty() && writer_ == id) {
    type(typed, now);
  } else if (!typed.empty() && !std::exchange(user->told_reader, true)) {
    const std::string who = writer_ ? find(*writer_)->who : "nobody";
    user->note += line("you only look on: " + who + " types; what you type is dropped");
  }
  if (user->machine->take_break() && !std::exchange(user->told_break, true)) {
    user->note += line("a break cannot be sent: serial over LAN has no message for it");
  }
  if (!taken) return finish(id, *user, taken.error(), now, true);
  feed(*user, now);
}

void SharedSerial::type(Bytes typed, TimePoint now) {
  if (absence_.on() && device_ != Device::Live) return;
  typed_bytes_ += typed.size();
  append(typed_.buffer(), typed);
  if (options_.logs_typed) append(typed_log_, typed);
  push_typed(now);
}

void SharedSerial::push_typed(TimePoint now) {
  if (device_ != Device::Live) return;
  while (!typed_.view().empty()) {
    const std::size_t n = role_->send(typed_.view());
    if (n == 0) return;
    typed_.sent(n);
  }
  if (leave_by_) leave_device(now);
}

// --- what the machine says --------------------------------------------------------------------------------

void SharedSerial::put(Bytes bytes, TimePoint now) {
  ring_.append(bytes);
  if (options_.logs) append(log_, bytes);
  feed(now);
}

void SharedSerial::say(const std::string& sentence, TimePoint now) {
  if (!options_.lines) return;
  put(as_bytes(line(sentence)), now);
}

void SharedSerial::feed(TimePoint now) {
  std::uint64_t slowest = ring_.end();
  for (auto& [id, user] : users_) {
    if (!user.over) feed(user, now);
    slowest = std::min(slowest, user.at);
  }
  if (options_.keep == 0 && slowest == ring_.end() && (!users_.empty() || reserved_.empty())) ring_.trim(0);
  watch_stall(now);
}

/// True: it has taken something.
bool SharedSerial::feed(User& user, TimePoint now) {
  if (user.over) return false;
  bool any = false;
  while (true) {
    if (user.at < ring_.begin()) {
      const std::uint64_t missing = ring_.begin() - user.at;
      lost_bytes_ += missing;
      user.note += line(std::to_string(missing) + " bytes of output are missing here: this connection was too slow");
      user.at = ring_.begin();
    }
    const Bytes next = user.note.empty() ? ring_.view(user.at) : as_bytes(user.note);
    if (next.empty()) return any;
    const std::size_t n = user.machine->send(next, now);
    any = any || n > 0;
    if (user.note.empty()) {
      user.at += n;
    } else {
      user.note.erase(0, n);
    }
    if (n < next.size()) return any;
  }
}

Bytes SharedSerial::user_output(UserId id) const {
  const User* user = find(id);
  return user == nullptr ? Bytes{} : user->machine->output();
}

void SharedSerial::user_sent(UserId id, std::size_t n, TimePoint now) {
  User* user = find(id);
  if (user == nullptr) return;
  user->machine->sent(n);
  if (n > 0 && writer_ == id) {
    given_up_ = false;
    stalled_at_.reset();
  }
  feed(*user, now);
  watch_stall(now);
}

bool SharedSerial::takes_device() const {
  if (device_ != Device::Live || given_up_) return true;
  const User* user = writer_ ? find(*writer_) : nullptr;
  return user == nullptr || user->over || ring_.end() - user->at <= lag_limit();
}

/// How long AMT waits for the one who types. Alone, it has all the time it wants.
void SharedSerial::watch_stall(TimePoint now) {
  if (takes_device()) {
    if (!given_up_) stalled_at_.reset();
    if (device_ == Device::Live && !silent_at_) silent_at_ = now + kPatience;
    return;
  }
  silent_at_.reset();
  const bool others = users_.size() > 1 || options_.logs;
  if (!others) {
    stalled_at_.reset();
  } else if (!stalled_at_) {
    stalled_at_ = now + kStall;
  }
}

// --- the device -------------------------------------------------------------------------------------------

void SharedSerial::device_opened(Bytes rest, TimePoint now) {
  if (device_ != Device::Opening) return events_.emplace_back(DropDevice{}), void();
  device_ = Device::Starting;
  role_.emplace(role_options(), now);
  receive_device(rest, now);
}

void SharedSerial::device_failed(const DeviceFailure& failure, TimePoint now) {
  if (device_ != Device::Opening) return;
  lost(failure.error, failure.start_status, now);
}

void SharedSerial::receive_device(Bytes in, TimePoint now) {
  assert(in.size() <= kMostRead);
  if (!role_) return;
  const Result<void> taken = role_->receive(in, now);
  silent_at_ = now + kPatience;
  drain_role(now);
  if (!taken && role_) {
    events_.emplace_back(DropDevice{});
    lost({taken.error().code == Errc::Refused ? Errc::Refused : Errc::Closed,
          options_.name + ": " + taken.error().detail},
         0, now);
  }
}

void SharedSerial::drain_role(TimePoint now) {
  bool said = false;
  while (role_) {
    const auto event = role_->next_event();
    if (!event) break;
    if (std::holds_alternative<sol::ClientRole::Started>(*event)) {
      device_ = Device::Live;
      silent_at_ = now + kPatience;
      opened_at_ = ring_.end();
      status_ = sol::HostStatus::kPowered;
      control_ = sol::HostStatus::kDtr;
      tell_host(now);
      events_.emplace_back(Ready{});
      if (absence_.on()) {
        const Duration away = absence_.end(now);
        told_.reset();
        say(options_.name + " is back after " + minutes(away), now);
        events_.emplace_back(DeviceBack{away});
      }
      push_typed(now);
    } else if (const auto* received = std::get_if<sol::ClientRole::Received>(&*event)) {
      absence_.steady();
      said_bytes_ += received->bytes.size();
      ring_.append(received->bytes);
      if (options_.logs) append(log_, received->bytes);
      said = true;
    } else if (const auto* host = std::get_if<sol::ClientRole::Host>(&*event)) {
      control_ = host->control;
      status_ = host->status;
      tell_host(now);
    } else if (std::holds_alternative<sol::ClientRole::Writable>(*event)) {
      push_typed(now);
    } else if (std::holds_alternative<sol::ClientRole::Ended>(*event)) {
      if (device_ != Device::Leaving) {
        events_.emplace_back(DropDevice{});
        return lost({Errc::Closed, options_.name + " ended the serial session"}, 0, now);
      }
    }
  }
  if (said) feed(now);
}

void SharedSerial::tell_host(TimePoint now) {
  for (auto& [id, user] : users_) user.machine->host(control_, status_, now);
}

void SharedSerial::device_closed(const Error& error, TimePoint now) {
  if (device_ == Device::Leaving) return drop_device();
  if (device_ == Device::Absent || device_ == Device::Away) return;
  lost(error, 0, now);
}

/// It has gone, or could not be had.
void SharedSerial::lost(const Error& error, std::uint8_t status, TimePoint now) {
  const bool was_live = device_ == Device::Live;
  role_.reset();
  leave_by_.reset();
  silent_at_.reset();
  stalled_at_.reset();
  typed_ = Outbox{};
  control_ = status_ = 0;
  tell_host(now);
  if (was_live) events_.emplace_back(DeviceLost{error});
  if (!options_.reconnect) end_all(error, now);
  const bool stays = options_.always || (options_.reconnect && !users_.empty());
  // Those who wait are let in to the absence, or told what kept them out.
  if (stays && options_.reconnect) {
    events_.emplace_back(Ready{});
  } else {
    events_.emplace_back(NotReady{{error, status}});
  }
  if (!stays) {
    device_ = Device::Absent;
    absence_.forget();
    told_.reset();
    return;
  }
  device_ = Device::Away;
  absence_.begin(error, Absence::Reason::Plain, now);
  if (!told_ || kind(told_->code) != kind(error.code)) {
    told_ = error;
    say((was_live ? options_.name + " went away: " : std::string()) + error.detail + "; it is tried again", now);
  }
}

void SharedSerial::leave_device(TimePoint now) {
  switch (device_) {
    case Device::Live:
      if (!leave_by_) leave_by_ = now + kLeave;
      if (wanted() && !absence_.parked()) {
        leave_by_.reset();  // somebody has come
        return;
      }
      if (!typed_.view().empty() && !wanted() && now < *leave_by_) return;  // that goes out first
      typed_ = Outbox{};
      device_ = Device::Leaving;
      silent_at_.reset();
      role_->end(now);
      return;
    case Device::Leaving: return;
    case Device::Absent:
    case Device::Opening:
    case Device::Starting:
    case Device::Away: break;
  }
  absence_.forget();
  told_.reset();
  drop_device();
}

void SharedSerial::drop_device() {
  const bool again = device_ == Device::Leaving && wanted() && !absence_.on();
  if (device_ != Device::Absent && device_ != Device::Away) events_.emplace_back(DropDevice{});
  leave_by_.reset();
  role_.reset();
  silent_at_.reset();
  device_ = absence_.on() ? Device::Away : Device::Absent;
  if (again) events_.emplace_back(NeedDevice{}), device_ = Device::Opening;
}

Bytes SharedSerial::device_output() const {
  return role_ ? role_->output() : Bytes{};
}

void SharedSerial::device_sent(std::size_t n, TimePoint now) {
  if (!role_) return;
  role_->sent(n);
  drain_role(now);
  if (device_ != Device::Leaving || !role_->output().empty()) return;
  // All is said once the role has nothing more to wait for.
  if (!role_->deadline()) drop_device();
}

void SharedSerial::park(const std::string& what, TimePoint until, TimePoint now) {
  if (!wanted()) return;
  const Error why{Errc::Closed, options_.name + " " + what};
  if (device_ == Device::Opening || device_ == Device::Starting) {
    events_.emplace_back(DropDevice{});
    role_.reset();
    device_ = Device::Away;
  }
  absence_.begin(why, Absence::Reason::Parked, now);
  if (device_ == Device::Live) leave_device(now);
  control_ = status_ = 0;
  tell_host(now);
  absence_.hold(until);
  told_ = why;
  say(why.detail, now);
  if (device_ == Device::Absent) device_ = Device::Away;
}

void SharedSerial::unpark(TimePoint now) {
  if (absence_.parked()) absence_.hold(now);
}

// --- time -------------------------------------------------------------------------------------------------

std::optional<SharedSerial::Event> SharedSerial::next_event() {
  return take_front(events_);
}

std::optional<TimePoint> SharedSerial::deadline() const {
  std::optional<TimePoint> out =
      earliest({silent_at_, stalled_at_, leave_by_, role_ ? role_->deadline() : std::nullopt,
                device_ == Device::Away ? absence_.deadline() : std::nullopt});
  for (const auto& [id, user] : users_) {
    if (!user.over) out = earliest({out, user.machine->deadline()});
  }
  return out;
}

void SharedSerial::tick(TimePoint now) {
  for (auto& [id, user] : users_) {
    if (user.over) continue;
    if (const Result<void> r = user.machine->tick(now); !r) finish(id, user, r.error(), now, true);
    feed(user, now);
  }
  if (stalled_at_ && now >= *stalled_at_) {
    stalled_at_.reset();
    given_up_ = true;
    watch_stall(now);
  }
  if (role_) {
    const Result<void> r = role_->tick(now);
    drain_role(now);
    if (device_ == Device::Leaving && role_ && role_->output().empty() && !role_->deadline()) {
      drop_device();
    } else if (!r && role_ && device_ != Device::Leaving) {
      events_.emplace_back(DropDevice{});
      lost({Errc::Timeout, options_.name + ": " + r.error().detail}, 0, now);
    }
  }
  if (leave_by_ && now >= *leave_by_) {
    if (device_ == Device::Live) {
      leave_device(now);
    } else {
      drop_device();
    }
    if (leave_by_) leave_by_ = now + kLeave;
  }
  if (silent_at_ && now >= *silent_at_) {
    silent_at_.reset();
    if (device_ == Device::Live) {
      events_.emplace_back(DropDevice{});
      lost({Errc::Timeout, options_.name + " has said nothing for " +
                               std::to_string(std::chrono::duration_cast<seconds>(kPatience).count()) + " s"},
           0, now);
    }
  }
  if (device_ == Device::Away && absence_.take_retry(now)) want_device();
}

const char* SharedSerial::state() const {
  switch (device_) {
    case Device::Live: return "open";
    case Device::Opening:
    case Device::Starting: return absence_.on() ? "away" : "connecting";
    case Device::Away: return "away";
    case Device::Absent:
    case Device::Leaving: break;
  }
  return absence_.on() ? "away" : "idle";
}

}  // namespace amtgate::session
