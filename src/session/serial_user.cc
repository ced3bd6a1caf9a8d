#include "amtgate/session/serial_user.h"

#include <algorithm>

namespace amtgate::session {

std::size_t RawUser::send(Bytes serial, TimePoint) {
  const std::size_t room = kMaxOutput - std::min(kMaxOutput, out_.view().size());
  const std::size_t n = std::min(room, serial.size());
  append(out_.buffer(), serial.first(n));
  return n;
}

SolUser::SolUser(milliseconds pause, TimePoint now)
    : role_({.pause = pause, .announce_host = false, .max_backlog = RawUser::kMaxOutput}, now) {}

Result<void> SolUser::receive(Bytes in, TimePoint now, Buffer& typed) {
  const Result<void> taken = role_.receive(in, now);
  while (const auto event = role_.next_event()) {
    if (const auto* received = std::get_if<sol::ServerRole::Received>(&*event)) {
      append(typed, received->bytes);
    } else if (std::holds_alternative<sol::ServerRole::Started>(*event)) {
      role_.set_host(control_, status_, now);
    } else if (std::holds_alternative<sol::ServerRole::Ended>(*event)) {
      return Error{Errc::Closed, "the client ended the session"};
    }
  }
  return taken;
}

void SolUser::host(std::uint8_t control, std::uint8_t status, TimePoint now) {
  if (control == control_ && status == status_) return;
  control_ = control;
  status_ = status;
  role_.set_host(control, status, now);
}

}  // namespace amtgate::session
