#include "amtgate/session/vnc_joint.h"

#include <algorithm>

#include "amtgate/base/take_front.h"
#include "amtgate/session/viewer_handshake.h"

namespace amtgate::session {

VncJoint::VncJoint(const std::optional<std::string>& password, auth::RandomSource& random, TimePoint now)
    : viewer_(viewer_handshake({.password = password}, random), now) {}

void VncJoint::receive_client(Bytes in, TimePoint now) {
  if (state_ == State::Over) return;
  const Result<void> taken = viewer_.receive(in, now);
  drain_viewer();
  if (!taken) end(error_ ? *error_ : Error{taken.error().code, "viewer: " + taken.error().detail});
}

void VncJoint::receive_device(Bytes in, TimePoint now) {
  if (state_ == State::DeviceRfb) {
    const Result<void> taken = device_->receive(in, now);
    drain_device(now);
    if (!taken) refuse({taken.error().code, "the machine's screen: " + taken.error().detail}, now);
  } else if (state_ == State::Accepted) {
    if (in.size() > kMaxEarly - std::min(from_device_.size(), kMaxEarly)) {
      return end({Errc::TooLarge, "the device sent a screen before it was asked to"});
    }
    append(from_device_, in);
  }
}

void VncJoint::drain_viewer() {
  while (state_ != State::Over) {
    const auto event = viewer_.next_event();
    if (!event) return;
    if (const auto* ready = std::get_if<rfb::ServerHandshake::ViewerReady>(&*event)) {
      if (state_ != State::Viewer) continue;
      events_.emplace_back(ClientKnown{"", std::string(rfb::name(ready->security))});
      state_ = State::Device;
      events_.emplace_back(NeedDevice{Service::Vnc, Depth::Authenticated});
    } else if (std::holds_alternative<rfb::ServerHandshake::Refused>(*event)) {
      end(error_ ? *error_ : Error{Errc::Refused, "the viewer was refused"});
    } else if (std::holds_alternative<rfb::ServerHandshake::Done>(*event)) {
      append(to_client_.buffer(), server_init_);
      state_ = State::Over;
      events_.emplace_back(HandOff{.to_client = std::move(from_device_), .to_device = viewer_.take_rest()});
    }
  }
}

void VncJoint::device_opened(Bytes rest, TimePoint now) {
  if (state_ != State::Device) return;
  state_ = State::DeviceRfb;
  // To the end, ServerInit: AMT closes right before it when there is no screen to show, and the viewer can still be
  // told.
  device_.emplace(rfb::ClientHandshake::Options{}, now);
  if (!rest.empty()) receive_device(rest, now);
}

void VncJoint::drain_device(TimePoint now) {
  while (state_ == State::DeviceRfb) {
    auto event = device_->next_event();
    if (!event) return;
    auto* ready = std::get_if<rfb::ClientHandshake::Ready>(&*event);
    if (ready == nullptr) continue;
    server_init_ = std::move(ready->raw);
    from_device_ = device_->take_rest();
    state_ = State::Accepted;
    const Result<void> accepted = viewer_.accept(now);
    drain_viewer();
    if (!accepted) end({accepted.error().code, "viewer: " + accepted.error().detail});
  }
}

void VncJoint::device_failed(const DeviceFailure& failure, TimePoint now) {
  refuse(failure.error, now);
}

void VncJoint::fail(const Error& error, TimePoint now) {
  if (state_ == State::DeviceRfb && error.code == Errc::Closed) {
    return refuse(
        {error.code, error.detail + " while its screen was being opened: is a display attached, and can AMT read "
                                    "the graphics?"},
        now);
  }
  refuse(error, now);
}

void VncJoint::refuse(Error error, TimePoint now) {
  if (state_ == State::Over || state_ == State::Refusing) return;
  if (state_ == State::Accepted) return end(std::move(error));  // the viewer has its SecurityResult already
  error_ = std::move(error);
  state_ = State::Refusing;
  viewer_.refuse(error_->detail, now);
  drain_viewer();
}

Bytes VncJoint::client_output() const {
  return viewer_.output().empty() ? to_client_.view() : viewer_.output();
}

void VncJoint::client_sent(std::size_t n) {
  if (!viewer_.output().empty()) {
    viewer_.sent(n);
  } else {
    to_client_.sent(n);
  }
}

std::optional<Event> VncJoint::next_event() {
  return take_front(events_);
}

std::optional<TimePoint> VncJoint::deadline() const {
  if (state_ == State::Over || state_ == State::Device) return std::nullopt;
  return state_ == State::DeviceRfb ? device_->deadline() : viewer_.deadline();
}

void VncJoint::tick(TimePoint now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  if (state_ == State::DeviceRfb) {
    const Result<void> ticked = device_->tick(now);
    if (!ticked) refuse({ticked.error().code, "the machine's screen: " + ticked.error().detail}, now);
    return;
  }
  const Result<void> ticked = viewer_.tick(now);
  drain_viewer();
  if (!ticked) end(error_ ? *error_ : Error{ticked.error().code, "viewer: " + ticked.error().detail});
}

void VncJoint::end(Error error) {
  if (state_ == State::Over) return;
  state_ = State::Over;
  events_.emplace_back(End{std::move(error)});
}

}  // namespace amtgate::session
