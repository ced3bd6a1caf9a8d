#include "amtgate/rfb/client_handshake.h"

#include <algorithm>

#include "amtgate/base/reader.h"
#include "amtgate/base/take_front.h"
#include "amtgate/base/writer.h"

namespace amtgate::rfb {
ClientHandshake::ClientHandshake(Options options, TimePoint now) : options_(std::move(options)) {
  wait(State::Greeting, now);
}

Result<void> ClientHandshake::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return {};
  if (in.size() > kMaxKept - std::min(kMaxKept, in_.size())) {
    state_ = State::Over;
    deadline_.reset();
    return Error{Errc::TooLarge,
                 "the device sent more than " + std::to_string(kMaxKept) + " bytes in the RFB opening"};
  }
  append(in_, in);
  return step(now);
}

Result<void> ClientHandshake::step(TimePoint now) {
  for (;;) {
    Result<bool> more = false;
    switch (state_) {
      case State::Greeting: more = on_greeting(now); break;
      case State::Types: more = on_types(now); break;
      case State::Challenge: more = on_challenge(now); break;
      case State::ResultCode: more = on_result(now); break;
      case State::Reason: more = on_reason(); break;
      case State::Init: more = on_init(); break;
      case State::Stopped:
      case State::Ready:
      case State::Over: return {};
    }
    if (!more) {
      state_ = State::Over;
      deadline_.reset();
      in_.clear();
      return more.error();
    }
    if (!*more) return {};
  }
}

Result<bool> ClientHandshake::on_greeting(TimePoint now) {
  // Decide on the first foreign byte: a device that speaks something else may never send twelve.
  constexpr std::string_view kStart = "RFB ";
  const std::size_t seen = std::min(in_.size(), kStart.size());
  if (as_text(Bytes(in_).first(seen)) != kStart.substr(0, seen)) {
    return Error{Errc::BadValue, "no RFB greeting: '" + printable(in_, kVersionSize) + "'"};
  }
  if (in_.size() < kVersionSize) return false;
  const auto number = parse_version(Bytes(in_).first(kVersionSize));
  if (!number || number->major < 3) {
    return Error{Errc::BadValue, "not an RFB greeting: '" + printable(in_, kVersionSize) + "'"};
  }
  in_.erase(in_.begin(), in_.begin() + kVersionSize);
  Writer(out_.buffer()).text(text(rfb::Greeting::V3_8));
  wait(State::Types, now);
  return true;
}

Result<bool> ClientHandshake::on_types(TimePoint now) {
  if (in_.empty()) return false;
  const std::size_t count = in_[0];
  if (count == 0) {
    in_.erase(in_.begin());
    refusal_ = Errc::Refused;
    wait(State::Reason, now);
    return true;
  }
  if (in_.size() < 1 + count) return false;
  const Bytes types = Bytes(in_).subspan(1, count);
  const auto has = [&](SecurityType t) {
    return std::find(types.begin(), types.end(), static_cast<std::uint8_t>(t)) != types.end();
  };
  if (has(SecurityType::None)) {
    type_ = SecurityType::None;
  } else if (has(SecurityType::VncAuth)) {
    if (options_.password.empty()) {
      return Error{Errc::Unsupported, "the device wants a VNC password, and none is configured"};
    }
    type_ = SecurityType::VncAuth;
  } else {
    std::string list;
    for (const std::uint8_t t : types.first(std::min<std::size_t>(types.size(), 16))) {
      list += (list.empty() ? "" : " ") + std::to_string(t);
    }
    return Error{Errc::Unsupported, "the device has security types " + list + " only"};
  }
  Writer(out_.buffer()).u8(static_cast<unsigned>(type_));
  in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(1 + count));
  wait(type_ == SecurityType::None ? State::ResultCode : State::Challenge, now);
  return true;
}

Result<bool> ClientHandshake::on_challenge(TimePoint now) {
  if (in_.size() < kVncChallengeSize) return false;
  VncChallenge challenge{};
  std::copy_n(in_.begin(), kVncChallengeSize, challenge.begin());
  in_.erase(in_.begin(), in_.begin() + kVncChallengeSize);
  const Result<VncChallenge> response = vnc_response(options_.password, challenge);
  if (!response) return response.error();
  Writer(out_.buffer()).bytes(*response);
  wait(State::ResultCode, now);
  return true;
}

Result<bool> ClientHandshake::on_result(TimePoint now) {
  Reader r(in_);
  const std::uint32_t code = r.be32();
  if (r.failed()) return false;
  if (code > 2) return Error{Errc::BadValue, "RFB security result " + std::to_string(code)};
  in_.erase(in_.begin(), in_.begin() + 4);
  if (code != 0) {  // 2: too many attempts, as some servers of 3.7 and 3.8 say
    refusal_ = type_ == SecurityType::VncAuth ? Errc::AuthFailed : Errc::Refused;
    wait(State::Reason, now);
    return true;
  }
  events_.push_back(SecurityPassed{type_});
  if (options_.stop_after_security) {
    state_ = State::Stopped;
    deadline_.reset();
    return false;
  }
  Writer(out_.buffer()).u8(options_.shared ? 1 : 0);
  wait(State::Init, now);
  return true;
}

Result<bool> ClientHandshake::on_reason() {
  Reader r(in_);
  const std::uint32_t length = r.be32();
  if (r.failed()) return false;
  const std::size_t shown = std::min<std::size_t>(length, kMaxReason);
  if (r.remaining() < shown) return false;  // what is behind it is never read: the connection ends here
  const std::string reason = printable(r.take(shown));
  return Error{refusal_, reason.empty() ? "the device refused without a reason" : "the device refused: " + reason};
}

Result<bool> ClientHandshake::on_init() {
  Bytes rest(in_);
  Result<std::optional<ServerInit>> init = take_server_init(rest);
  if (!init) return init.error();
  if (!*init) return false;
  const auto used = static_cast<std::ptrdiff_t>(in_.size() - rest.size());
  events_.push_back(Ready{std::move(**init), Buffer(in_.begin(), in_.begin() + used)});
  in_.erase(in_.begin(), in_.begin() + used);
  state_ = State::Ready;
  deadline_.reset();
  return false;
}

Result<void> ClientHandshake::proceed(bool shared, TimePoint now) {
  if (state_ != State::Stopped) return {};
  Writer(out_.buffer()).u8(shared ? 1 : 0);
  wait(State::Init, now);
  return step(now);
}

void ClientHandshake::wait(State state, TimePoint now) {
  state_ = state;
  deadline_.reset();
  if (options_.step_timeout > milliseconds{0}) deadline_ = now + options_.step_timeout;
}

std::optional<ClientHandshake::Event> ClientHandshake::next_event() {
  return take_front(events_);
}

Result<void> ClientHandshake::tick(TimePoint now) {
  if (!deadline_ || now < *deadline_) return {};
  Error error = state_ == State::Reason ? closed() : Error{Errc::Timeout, "the device did not send " + waited_for()};
  state_ = State::Over;
  deadline_.reset();
  return error;
}

Error ClientHandshake::closed() const {
  if (state_ == State::Reason) return {refusal_, "the device refused, and did not finish its reason"};
  if (state_ == State::Init) {
    // MeshCommander's code 50000: AMT cannot capture the display, or has none.
    return {Errc::Closed, "the device closed before ServerInit: it cannot capture its display"};
  }
  if (state_ == State::Ready || state_ == State::Stopped) return {Errc::Closed, "the device closed"};
  return {Errc::Closed, "the device closed before it sent " + waited_for()};
}

std::string ClientHandshake::waited_for() const {
  switch (state_) {
    case State::Greeting: return "its RFB greeting";
    case State::Types: return "its security types";
    case State::Challenge: return "its challenge";
    case State::Init: return "ServerInit";
    default: return "its security result";
  }
}

Buffer ClientHandshake::take_rest() {
  return std::exchange(in_, {});
}

}  // namespace amtgate::rfb
