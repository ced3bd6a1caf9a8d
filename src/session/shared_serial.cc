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

SharedSerial::SharedSerial(SerialOptions options)
    : options_(std::move(options)), audience_(ring_size(options_), [this](SerialAudience::Event event) {
        std::visit([this](auto& e) { events_.emplace_back(std::move(e)); }, event);
      }) {}

void SharedSerial::configure(SerialOptions options, TimePoint now) {
  options_ = std::move(options);
  audience_.ring().resize(ring_size(options_));
  if (wanted()) {
    if (device_ == Device::Absent) want_device();
  } else {
    leave_device(now);
  }
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
  const OutputRing& ring = audience_.ring();
  std::uint64_t shown = std::min<std::uint64_t>(options_.keep, ring.size());
  // Who had the session opened sees it from its beginning.
  if (audience_.empty() && !options_.always) {
    shown = std::max(shown, ring.end() - std::max(opened_at_, ring.begin()));
  }
  machine->host(control_, status_, now);
  audience_.add(id, std::move(machine), who, shown);
  reserved_.erase(id);
  if (absence_.on() && told_ && shown == 0) audience_.note(id, told_->detail);
  if (device_ == Device::Absent) want_device();
  audience_.feed(id, now);
}

void SharedSerial::remove_user(UserId id, TimePoint now) {
  if (!audience_.remove(id, now)) return;
  if (!wanted()) leave_device(now);
  watch_stall(now);
  if (audience_.empty() && reserved_.empty() && options_.keep == 0) audience_.ring().trim(0);
}

Result<void> SharedSerial::give(UserId id, TimePoint now) {
  return audience_.give(id, now);
}

void SharedSerial::end_user(UserId id, const Error& error, TimePoint now) {
  audience_.end(id, error, options_.lines, now);
}

// --- what is typed ----------------------------------------------------------------------------------------

bool SharedSerial::takes(UserId id) const {
  if (!audience_.there(id)) return false;
  if (audience_.writer() != id) return true;
  // Before its first session nothing is dropped: a script types as soon as it is connected.
  if (device_ == Device::Live) return typed_.view().size() < kMostTyped;
  return absence_.on() || typed_.view().size() < kMostTyped;
}

void SharedSerial::receive_user(UserId id, Bytes in, TimePoint now) {
  const Buffer typed = audience_.receive(id, in, now);
  if (!typed.empty()) type(typed, now);
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
  audience_.ring().append(bytes);
  if (options_.logs) append(log_, bytes);
  feed(now);
}

void SharedSerial::say(const std::string& sentence, TimePoint now) {
  if (!options_.lines) return;
  put(as_bytes(SerialAudience::line(sentence)), now);
}

void SharedSerial::feed(TimePoint now) {
  const bool all = audience_.feed(now);
  if (options_.keep == 0 && all && (!audience_.empty() || reserved_.empty())) audience_.ring().trim(0);
  watch_stall(now);
}

Bytes SharedSerial::user_output(UserId id) const {
  return audience_.output(id);
}

void SharedSerial::user_sent(UserId id, std::size_t n, TimePoint now) {
  audience_.sent(id, n, now);
  watch_stall(now);
}

bool SharedSerial::takes_device() const {
  return device_ != Device::Live || audience_.keeps_up();
}

/// While AMT is not read from, its silence says nothing.
void SharedSerial::watch_stall(TimePoint now) {
  audience_.watch(device_ == Device::Live, options_.logs, now);
  if (!takes_device()) {
    silent_at_.reset();
  } else if (device_ == Device::Live && !silent_at_) {
    silent_at_ = now + kPatience;
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
      opened_at_ = audience_.ring().end();
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
      audience_.ring().append(received->bytes);
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
  audience_.host(control_, status_, now);
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
  audience_.watch(false, options_.logs, now);
  typed_ = Outbox{};
  control_ = status_ = 0;
  tell_host(now);
  if (was_live) events_.emplace_back(DeviceLost{error});
  if (!options_.reconnect) audience_.end_all(error, options_.lines, now);
  const bool stays = options_.always || (options_.reconnect && !audience_.empty());
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
    case Device::Opening:
    case Device::Starting:
      if (wanted()) return leave_by_.reset();  // somebody has come
      if (!leave_by_) leave_by_ = now + kLeave;
      if (!typed_.view().empty() && now < *leave_by_) return;  // a script types and leaves: that goes out first
      break;
    case Device::Absent:
    case Device::Away: break;
  }
  typed_ = Outbox{};
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
  return earliest({audience_.deadline(), silent_at_, leave_by_, role_ ? role_->deadline() : std::nullopt,
                   device_ == Device::Away ? absence_.deadline() : std::nullopt});
}

void SharedSerial::tick(TimePoint now) {
  audience_.tick(now);
  watch_stall(now);
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
    if (device_ == Device::Leaving) {
      drop_device();
    } else {
      leave_device(now);
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
