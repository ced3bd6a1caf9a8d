#include "amtgate/session/passthrough_joint.h"

#include <algorithm>

#include "amtgate/base/take_front.h"
#include "amtgate/redir/framing.h"
#include "amtgate/redir/messages.h"
#include "amtgate/session/redir_joint.h"

namespace amtgate::session {
namespace {

redir::ServerRole::Options start_only() {
  redir::ServerRole::Options out;
  out.policy = redir::StartOnly{};
  out.kvm_open = false;
  return out;
}

Buffer copy(Bytes in) {
  return {in.begin(), in.end()};
}

}  // namespace

PassthroughJoint::PassthroughJoint(const PassthroughOptions& options, auth::RandomSource& random, TimePoint now)
    : options_(options), random_(random), start_(start_only(), random, now) {}

void PassthroughJoint::receive_client(Bytes in, TimePoint now) {
  if (state_ == State::Over) return;
  if (state_ == State::Start || state_ == State::Device || state_ == State::Starting) {
    const Result<void> taken = start_.receive(in, now);
    while (state_ != State::Over) {
      auto event = start_.next_event();
      if (!event) break;
      on_start_event(*event);
    }
    if (!taken) end(taken.error());
    return;
  }
  if (in.size() >
      redir::kMaxRelayedAuth + redir::kAuthHeader - std::min(from_client_.size(), redir::kMaxRelayedAuth)) {
    return end({Errc::TooLarge, "the client sent too much before its login was answered"});
  }
  append(from_client_, in);
  on_client_bytes(now);
}

void PassthroughJoint::on_start_event(redir::ServerRole::Event& event) {
  const auto* start = std::get_if<redir::ServerRole::Start>(&event);
  if (start == nullptr) {
    if (std::holds_alternative<redir::ServerRole::Ended>(event)) end({Errc::Closed, "the client ended the session"});
    return;
  }
  if (refusal_) {
    start_.reject(redir::StartStatus::Error);
    return end(*refusal_);
  }
  if (!start->service) {
    start_.reject(redir::StartStatus::UnknownType);
    return end({Errc::Unsupported, "the client asked for a kind of session that is none of SOL, IDE-R and KVM"});
  }
  service_ = *start->service;
  if (std::ranges::find(options_.services, service_) == options_.services.end()) {
    start_.reject(redir::StartStatus::Unsupported);
    return end({Errc::Refused, "`services` of this target leaves out " + std::string(amtgate::name(service_))});
  }
  state_ = State::Device;
  events_.emplace_back(NeedDevice{service_, Depth::Transport});
}

void PassthroughJoint::device_opened(Bytes rest, TimePoint now) {
  if (state_ != State::Device) return;
  state_ = State::Starting;
  redir::ClientRole::Options options;
  options.service = service_;
  options.goal = redir::ClientRole::Goal::Started;
  options.device = options_.device;
  upstream_.emplace(options, random_, now);
  to_device_.push(copy(upstream_->output()));
  upstream_->sent(upstream_->output().size());
  if (!rest.empty()) receive_device(rest, now);
}

void PassthroughJoint::receive_device(Bytes in, TimePoint now) {
  switch (state_) {
    case State::Starting: {
      const Result<void> taken = upstream_->receive(in, now);
      while (auto event = upstream_->next_event()) {
        if (const auto* failed = std::get_if<redir::ClientRole::Failed>(&*event)) {
          return device_failed({{failed->code, failed->sentence}, failed->status}, now);
        }
        if (!std::holds_alternative<redir::ClientRole::Open>(*event)) continue;
        from_device_ = upstream_->take_rest();
        upstream_.reset();
        state_ = State::Relaying;
        login_deadline_ = now + kLoginTimeout;
        const Result<void> accepted = start_.accept(now);
        if (!accepted) return end(accepted.error());
        from_client_ = start_.take_rest();
        on_device_bytes(now);
        on_client_bytes(now);
        return;
      }
      if (!taken) end(taken.error());
      return;
    }
    case State::Relaying:
      if (in.size() > kMaxEarly - std::min(from_device_.size(), kMaxEarly)) {
        return end({Errc::TooLarge, "the device sent too much before the login was over"});
      }
      append(from_device_, in);
      return on_device_bytes(now);
    case State::LoggingIn: {
      const Result<void> taken = upstream_->receive(in, now);
      drain_login();
      if (!taken) end(taken.error());
      return;
    }
    case State::Start:
    case State::Device:
    case State::Over: return;
  }
}

void PassthroughJoint::on_client_bytes(TimePoint now) {
  std::size_t at = 0;
  while (state_ == State::Relaying) {
    const Bytes left = Bytes(from_client_).subspan(at);
    const auto length = redir::next_message(left, redir::Direction::FromClient);
    if (!length) return end(length.error());
    if (!*length || **length > left.size()) break;
    // A message of the client's own is judged before the next one is looked at: log_in() and an end change the state.
    const Buffer message = copy(left.first(**length));
    at += **length;
    client_message(message, now);
  }
  from_client_.erase(from_client_.begin(), from_client_.begin() + static_cast<std::ptrdiff_t>(at));
}

void PassthroughJoint::client_message(Bytes message, TimePoint now) {
  Bytes in = message;
  if (in[0] == static_cast<std::uint8_t>(redir::MessageType::Authenticate)) {
    if (++rounds_ > kMaxRounds) return end({Errc::AuthFailed, "the client tried to log in too often"});
    const auto taken = redir::take_authenticate(in, redir::kMaxRelayedAuth);
    if (!taken) return end(taken.error());
    method_ = (*taken)->method;
    responded_ = method_ == redir::AuthMethod::Kerberos;
    if (method_ == redir::AuthMethod::Password) return log_in((*taken)->data, now);
    if (method_ == redir::AuthMethod::DigestOld || method_ == redir::AuthMethod::Digest) {
      const auto digest = redir::parse_digest(method_, (*taken)->data);
      if (!digest) return end(digest.error());
      user_ = std::string(digest->user);
      responded_ = !digest->response.empty();
    }
  } else if (in[0] == static_cast<std::uint8_t>(redir::MessageType::End)) {
    to_device_.push(copy(message));
    return end({Errc::Closed, "the client ended the session"});
  }
  to_device_.push(copy(message));
}

void PassthroughJoint::on_device_bytes(TimePoint) {
  std::size_t at = 0;
  while (state_ == State::Relaying) {
    const Bytes left = Bytes(from_device_).subspan(at);
    const auto length = redir::next_message(left, redir::Direction::FromDevice);
    if (!length) return end(length.error());
    if (!*length || **length > left.size()) break;
    at += **length;
    const Bytes message = left.first(**length);
    if (redir::is_login_success(message)) {
      to_client_.push(copy(message));
      Buffer rest = copy(left.subspan(**length));
      from_device_.clear();
      return joined(std::move(rest));
    }
    device_message(message);
  }
  if (state_ == State::Relaying) {
    from_device_.erase(from_device_.begin(), from_device_.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

void PassthroughJoint::device_message(Bytes message) {
  to_client_.push(copy(message));
  Bytes in = message;
  if (in[0] != static_cast<std::uint8_t>(redir::MessageType::AuthenticateReply)) return;
  const auto reply = redir::take_authenticate_reply(in, redir::kMaxRelayedAuth);
  if (!reply) return end(reply.error());
  // Status 1 carries the challenge as well as the failure; after a response it can only be the failure.
  if ((*reply)->status != redir::AuthStatus::Success && responded_) {
    end({Errc::AuthFailed, "the device refused the client's own credentials"});
  }
}

void PassthroughJoint::log_in(Bytes password_data, TimePoint now) {
  const auto given = redir::parse_password(password_data);
  if (!given) return end(given.error());
  user_ = std::string(given->user);
  redir::ClientRole::Options options;
  options.service = service_;
  options.credentials = {user_, std::string(given->password)};
  options.goal = redir::ClientRole::Goal::Authenticated;
  options.allow_plaintext = options_.allow_plaintext;
  options.device = options_.device;
  upstream_.emplace(options, random_, now);
  // The session is started already: the role's own 0x10 goes nowhere and gets the answer that the first one got.
  upstream_->sent(upstream_->output().size());
  Buffer started;
  redir::encode(started, redir::StartReply{});
  state_ = State::LoggingIn;
  const Result<void> taken = upstream_->receive(started, now);
  drain_login();
  if (!taken) end(taken.error());
}

void PassthroughJoint::drain_login() {
  while (state_ == State::LoggingIn) {
    while (!upstream_->output().empty()) {
      const Bytes message = upstream_->output();
      to_device_.push(copy(message));
      upstream_->sent(message.size());
    }
    auto event = upstream_->next_event();
    if (!event) return;
    if (const auto* failed = std::get_if<redir::ClientRole::Failed>(&*event)) {
      Buffer reply;
      redir::encode(reply, redir::AuthenticateReply{redir::AuthStatus::Failure, redir::AuthMethod::Password, {}});
      to_client_.push(std::move(reply));
      return end({failed->code, failed->sentence});
    }
    if (std::holds_alternative<redir::ClientRole::Open>(*event)) {
      Buffer reply;
      redir::encode(reply, redir::AuthenticateReply{redir::AuthStatus::Success, redir::AuthMethod::Password, {}});
      to_client_.push(std::move(reply));
      return joined(upstream_->take_rest());
    }
  }
}

void PassthroughJoint::joined(Buffer to_client) {
  state_ = State::Over;
  events_.emplace_back(ClientKnown{user_, "passthrough " + redir::method_name(method_)});
  events_.emplace_back(hand_off(service_, std::move(to_client), std::move(from_client_)));
}

void PassthroughJoint::device_failed(const DeviceFailure& failure, TimePoint) {
  if (state_ == State::Over) return;
  if (state_ == State::Device || state_ == State::Starting) start_.reject(start_status(failure));
  end(failure.error);
}

void PassthroughJoint::fail(const Error& error, TimePoint now) {
  if (state_ == State::Start) {
    refusal_ = error;
    return;
  }
  // Some firmware answers a wrong password by closing the connection.
  if (state_ == State::Relaying && responded_ && error.code == Errc::Closed) {
    return end({Errc::AuthFailed, error.detail + " instead of answering the client's login"});
  }
  device_failed({error, 0}, now);
}

Bytes PassthroughJoint::client_output() const {
  return start_.output().empty() ? to_client_.view() : start_.output();
}

void PassthroughJoint::client_sent(std::size_t n) {
  if (!start_.output().empty()) {
    start_.sent(n);
  } else {
    to_client_.sent(n);
  }
}

std::optional<Event> PassthroughJoint::next_event() {
  return take_front(events_);
}

std::optional<TimePoint> PassthroughJoint::deadline() const {
  switch (state_) {
    case State::Start: return start_.deadline();
    case State::Starting: return upstream_->deadline();
    case State::Relaying:
    case State::LoggingIn: return login_deadline_;
    case State::Device:
    case State::Over: return std::nullopt;
  }
  return std::nullopt;
}

void PassthroughJoint::tick(TimePoint now) {
  const auto due = deadline();
  if (!due || now < *due) return;
  if (state_ == State::Start) {
    const Result<void> ticked = start_.tick(now);
    if (!ticked) end(refusal_ ? *refusal_ : ticked.error());
  } else if (state_ == State::Starting) {
    (void)upstream_->tick(now);
    receive_device({}, now);
  } else {
    end({Errc::Timeout, "the login did not end within 30 s"});
  }
}

void PassthroughJoint::end(Error error) {
  if (state_ == State::Over) return;
  state_ = State::Over;
  events_.emplace_back(End{std::move(error)});
}

}  // namespace amtgate::session
