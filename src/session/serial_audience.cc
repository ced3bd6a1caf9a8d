#include "amtgate/session/serial_audience.h"

#include <algorithm>
#include <utility>

#include "amtgate/base/earliest.h"

namespace amtgate::session {

std::string SerialAudience::line(std::string_view sentence) {
  std::string out = "\r\n[amtgate: ";
  for (const char c : sentence) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte >= 0x7f ? '?' : c;
  }
  return out + "]\r\n";
}

SerialAudience::User* SerialAudience::find(UserId id) {
  const auto it = users_.find(id);
  return it == users_.end() ? nullptr : &it->second;
}
const SerialAudience::User* SerialAudience::find(UserId id) const {
  const auto it = users_.find(id);
  return it == users_.end() ? nullptr : &it->second;
}

bool SerialAudience::there(UserId id) const {
  const User* user = find(id);
  return user != nullptr && !user->over;
}

// --- who comes and goes, and who types --------------------------------------------------------------------

void SerialAudience::add(UserId id, std::unique_ptr<SerialUser> machine, const std::string& who,
                         std::uint64_t shown) {
  User& user =
      users_.emplace(id, User{.machine = std::move(machine), .who = who, .at = ring_.end() - shown}).first->second;
  if (writer_) {
    user.note = line("you look on; " + find(*writer_)->who + " types");
  } else {
    writer_ = id;
    given_up_ = false;
    on_event_(WriterChanged{id});
  }
}

bool SerialAudience::remove(UserId id, TimePoint now) {
  if (users_.erase(id) == 0) return false;
  if (writer_ == id) pass_on(now);
  return true;
}

void SerialAudience::note(UserId id, std::string_view sentence) {
  if (User* user = find(id)) user->note += line(sentence);
}

void SerialAudience::types(UserId id, User& user, TimePoint now) {
  writer_ = id;
  given_up_ = false;
  user.note += line("you type now");
  on_event_(WriterChanged{id});
  feed(user, now);
}

/// The one who typed has gone.
void SerialAudience::pass_on(TimePoint now) {
  writer_.reset();
  given_up_ = false;
  const auto next = std::ranges::find_if(users_, [](const auto& user) { return !user.second.over; });
  if (next != users_.end()) types(next->first, next->second, now);
}

Result<void> SerialAudience::give(UserId id, TimePoint now) {
  User* user = find(id);
  if (user == nullptr || user->over) return Error{Errc::BadValue, "it is no user of a serial console"};
  if (writer_ == id) return {};
  if (User* before = writer_ ? find(*writer_) : nullptr; before != nullptr) {
    before->note += line(user->who + " types now");
    before->told_reader = true;
    feed(*before, now);
  }
  types(id, *user, now);
  return {};
}

void SerialAudience::end(UserId id, const Error& error, bool said, TimePoint now) {
  User* user = find(id);
  if (user == nullptr || user->over) return;
  if (said) user->note += line(error.detail);
  feed(*user, now);
  finish(id, *user, error, now);
}

void SerialAudience::end_all(const Error& error, bool said, TimePoint now) {
  for (const auto& [id, user] : users_) end(id, error, said, now);
}

void SerialAudience::finish(UserId id, User& user, const Error& error, TimePoint now, bool by_user) {
  if (std::exchange(user.over, true)) return;
  user.machine->end(now);
  on_event_(UserEnded{id, error, by_user});
  if (writer_ == id) pass_on(now);
}

// --- bytes ------------------------------------------------------------------------------------------------

Buffer SerialAudience::receive(UserId id, Bytes in, TimePoint now) {
  User* user = find(id);
  if (user == nullptr || user->over) return {};
  Buffer typed;
  const Result<void> taken = user->machine->receive(in, now, typed);
  if (!typed.empty() && writer_ != id) {
    typed.clear();
    const std::string who = writer_ ? find(*writer_)->who : "nobody";
    if (!std::exchange(user->told_reader, true)) {
      user->note += line("you only look on: " + who + " types; what you type is dropped");
    }
  }
  if (user->machine->take_break() && !std::exchange(user->told_break, true)) {
    user->note += line("a break cannot be sent: serial over LAN has no message for it");
  }
  if (taken) {
    feed(*user, now);
  } else {
    finish(id, *user, taken.error(), now, true);
  }
  return typed;
}

Bytes SerialAudience::output(UserId id) const {
  const User* user = find(id);
  return user == nullptr ? Bytes{} : user->machine->output();
}

void SerialAudience::sent(UserId id, std::size_t n, TimePoint now) {
  User* user = find(id);
  if (user == nullptr) return;
  user->machine->sent(n);
  if (n > 0 && writer_ == id) {
    given_up_ = false;
    stalled_at_.reset();
  }
  feed(*user, now);
}

void SerialAudience::host(std::uint8_t control, std::uint8_t status, TimePoint now) {
  for (auto& [id, user] : users_) user.machine->host(control, status, now);
}

bool SerialAudience::feed(TimePoint now) {
  std::uint64_t slowest = ring_.end();
  for (auto& [id, user] : users_) {
    feed(user, now);
    slowest = std::min(slowest, user.at);
  }
  return slowest == ring_.end();
}

void SerialAudience::feed(UserId id, TimePoint now) {
  if (User* user = find(id)) feed(*user, now);
}

void SerialAudience::feed(User& user, TimePoint now) {
  while (!user.over) {
    if (user.at < ring_.begin()) {
      const std::uint64_t missing = ring_.begin() - user.at;
      lost_bytes_ += missing;
      user.note += line(std::to_string(missing) + " bytes of output are missing here: this connection was too slow");
      user.at = ring_.begin();
    }
    const Bytes next = user.note.empty() ? ring_.view(user.at) : as_bytes(user.note);
    if (next.empty()) return;
    const std::size_t n = user.machine->send(next, now);
    if (user.note.empty()) {
      user.at += n;
    } else {
      user.note.erase(0, n);
    }
    if (n < next.size()) return;
  }
}

// --- the one who types, and time --------------------------------------------------------------------------

bool SerialAudience::keeps_up() const {
  const User* user = writer_ && !given_up_ ? find(*writer_) : nullptr;
  return user == nullptr || user->over || ring_.end() - user->at <= lag_limit();
}

/// Alone, it has all the time it wants.
void SerialAudience::watch(bool live, bool logs, TimePoint now) {
  if (!live || keeps_up()) {
    if (!given_up_) stalled_at_.reset();
    return;
  }
  const bool others = users_.size() > 1 || logs;
  if (!others) {
    stalled_at_.reset();
  } else if (!stalled_at_) {
    stalled_at_ = now + kStall;
  }
}

std::optional<TimePoint> SerialAudience::deadline() const {
  std::optional<TimePoint> out = stalled_at_;
  for (const auto& [id, user] : users_) {
    if (!user.over) out = earliest({out, user.machine->deadline()});
  }
  return out;
}

void SerialAudience::tick(TimePoint now) {
  for (auto& [id, user] : users_) {
    if (user.over) continue;
    if (const Result<void> r = user.machine->tick(now); !r) finish(id, user, r.error(), now, true);
    feed(user, now);
  }
  if (stalled_at_ && now >= *stalled_at_) {
    stalled_at_.reset();
    given_up_ = true;
  }
}

}  // namespace amtgate::session
