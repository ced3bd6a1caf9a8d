#include "amtgate/session/screen_viewer.h"

#include "amtgate/base/take_front.h"
#include "amtgate/session/viewer_handshake.h"

namespace amtgate::session {
namespace {

bool typed(const ScreenViewer::Event& event) {
  return std::holds_alternative<rfb::KeyEvent>(event) || std::holds_alternative<rfb::QemuKeyEvent>(event) ||
         std::holds_alternative<rfb::PointerEvent>(event);
}

}  // namespace

ScreenViewer::ScreenViewer(const ViewerOptions& options, auth::RandomSource& random, TimePoint now)
    : script_(options.script),
      login_(options.login),
      hands_(options.hands),
      handshake_(viewer_handshake({options.password, options.tls, options.login != nullptr}, random), now) {
  if (!script_) return;
  state_ = State::Waiting;
  events_.emplace_back(Ready{rfb::SecurityType::None, false, {}, hands_});
}

void ScreenViewer::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return;
  if (state_ == State::Live) {
    const Result<void> taken = role_->receive(in, now);
    drain_role();
    if (!taken) over({taken.error().code, "viewer: " + taken.error().detail});
    return;
  }
  if (state_ == State::Waiting) return over({Errc::BadValue, "viewer: it spoke before it was answered"});
  const Result<void> taken = handshake_.receive(in, now);
  drain_handshake(now);
  if (!taken) over(error_ ? *error_ : Error{taken.error().code, "viewer: " + taken.error().detail});
}

void ScreenViewer::drain_handshake(TimePoint now) {
  while (state_ == State::Opening || state_ == State::Refusing) {
    const auto event = handshake_.next_event();
    if (!event) return;
    if (const auto* ready = std::get_if<rfb::ServerHandshake::ViewerReady>(&*event)) {
      events_.emplace_back(Ready{ready->security, ready->tls, user_, hands_});
    } else if (const auto* login = std::get_if<rfb::ServerHandshake::Login>(&*event)) {
      judge(*login);
    } else if (std::holds_alternative<rfb::ServerHandshake::StartTls>(*event)) {
      events_.emplace_back(StartTls{});
    } else if (std::holds_alternative<rfb::ServerHandshake::Refused>(*event)) {
      over(error_ ? *error_ : Error{Errc::Refused, "the viewer was refused"});
    } else if (std::holds_alternative<rfb::ServerHandshake::Done>(*event)) {
      role_.emplace(size_, name_);
      state_ = State::Live;
      events_.emplace_back(Joined{});
      if (const Buffer rest = handshake_.take_rest(); !rest.empty()) receive(rest, now);
    }
  }
}

void ScreenViewer::judge(const rfb::ServerHandshake::Login& login) {
  const Result<Hands> hands = login_->judge(login.user, login.password);
  if (hands) {
    user_ = login.user;
    hands_ = *hands;
    return handshake_.let_in();
  }
  error_ = hands.error();
  state_ = State::Refusing;
  handshake_.turn_away(error_->code == Errc::AuthFailed ? "authentication failed" : error_->detail);
}

void ScreenViewer::drain_role() {
  while (auto event = role_->next_event()) {
    std::visit([this](auto& e) { events_.emplace_back(e); }, *event);
  }
}

void ScreenViewer::tls_started(TimePoint now) {
  if (state_ != State::Opening && state_ != State::Refusing) return;
  handshake_.tls_started(now);
  drain_handshake(now);
}

void ScreenViewer::accept(rfb::Size size, const std::string& name, TimePoint now) {
  if (state_ == State::Waiting) {
    role_.emplace(size, name);
    state_ = State::Live;
    events_.emplace_back(Joined{});
    return;
  }
  if (state_ != State::Opening) return;
  size_ = size;
  name_ = name;
  const Result<void> accepted = handshake_.accept(now);
  drain_handshake(now);
  if (!accepted) over({accepted.error().code, "viewer: " + accepted.error().detail});
}

void ScreenViewer::end(const Error& error, TimePoint now) {
  if (state_ == State::Over || state_ == State::Refusing) return;
  if (state_ == State::Live || state_ == State::Waiting) return over(error);
  error_ = error;
  state_ = State::Refusing;
  handshake_.refuse(error.detail, now);
  drain_handshake(now);
}

Bytes ScreenViewer::output() const {
  const Bytes opening = script_ ? Bytes{} : handshake_.output();
  if (!opening.empty() || !role_) return opening;
  return role_->output();
}

void ScreenViewer::sent(std::size_t n) {
  if (!script_ && !handshake_.output().empty()) {
    handshake_.sent(n);
  } else if (role_) {
    role_->sent(n);
  }
}

std::optional<ScreenViewer::Event> ScreenViewer::next_event() {
  return take_front(events_);
}

std::optional<TimePoint> ScreenViewer::deadline() const {
  if (state_ == State::Opening || state_ == State::Refusing) return handshake_.deadline();
  return state_ == State::Live ? role_->deadline() : std::nullopt;
}

void ScreenViewer::tick(TimePoint now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  if (state_ == State::Live) return void(role_->tick(now));
  const Result<void> ticked = handshake_.tick(now);
  drain_handshake(now);
  if (!ticked) over(error_ ? *error_ : Error{ticked.error().code, "viewer: " + ticked.error().detail});
}

void ScreenViewer::over(Error error) {
  if (state_ == State::Over) return;
  state_ = State::Over;
  std::erase_if(events_, typed);  // what nobody has taken yet
  events_.emplace_back(Ended{std::move(error)});
}

}  // namespace amtgate::session
