#include "amtgate/rfb/server_handshake.h"

#include <algorithm>

#include "amtgate/base/writer.h"

namespace amtgate::rfb {
namespace {

constexpr std::uint32_t kFailed = 1;
// The text AMT itself uses (reported for a viewer that sent something else behind 0x40).
constexpr std::string_view kBadVersion = "Client requested an invalid RFB protocol version";

/// Minor numbers below 7 other than 3 were never published; RFC 6143 section 7.1.1 has them taken as 3.3. Numbers
/// above 8 come from programs that know 3.8 (macOS: 889), and are taken so by TigerVNC and libvncserver as well.
Version version_of(unsigned minor) {
  if (minor >= 8) return Version::V3_8;
  return minor == 7 ? Version::V3_7 : Version::V3_3;
}

}  // namespace

ServerHandshake::ServerHandshake(Options options, TimePoint now) : options_(std::move(options)) {
  Writer(out_.buffer()).text(text(options_.greeting));
  wait(State::Version, options_.step_timeout, now);
}

Result<void> ServerHandshake::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return {};
  if (in.size() > kMaxEarly - std::min(kMaxEarly, in_.size())) {
    return over(
        {Errc::TooLarge, "the viewer sent more than " + std::to_string(kMaxEarly) + " bytes before it was answered"});
  }
  append(in_, in);
  return step(now);
}

Result<void> ServerHandshake::step(TimePoint now) {
  for (;;) {
    Result<bool> more = false;
    switch (state_) {
      case State::Version: more = on_version(now); break;
      case State::Choice:
      case State::LateChoice: more = on_choice(now); break;
      case State::Response: more = on_response(now); break;
      case State::ClientInit: more = on_client_init(); break;
      case State::WaitOwner:
      case State::Done:
      case State::Over: return {};
    }
    if (!more) return over(more.error());
    if (!*more) return {};
  }
}

Result<bool> ServerHandshake::on_version(TimePoint now) {
  if (in_.size() < kVersionSize) return false;
  const auto number = parse_version(Bytes(in_).first(kVersionSize));
  if (!number || number->major != 3) {
    // 3.8's form: something that says 4.x, or a stranger that prints what it gets.
    version_ = Version::V3_8;
    send_no_types(kBadVersion);
    return Error{Errc::BadValue,
                 "not an RFB version: '" + printable(Bytes(in_).first(kVersionSize), kVersionSize) + "'"};
  }
  in_.erase(in_.begin(), in_.begin() + kVersionSize);
  version_ = version_of(number->minor);
  if (refusal_) {
    send_no_types(*refusal_);
    end_refused();
    return false;
  }
  if (version_ == Version::V3_3) {
    if (options_.none) {
      viewer_ready(SecurityType::None);
    } else if (options_.password) {
      Writer(out_.buffer()).be32(static_cast<std::uint32_t>(SecurityType::VncAuth));
      send_challenge(now);
    } else {
      send_no_types("this server has no security type for RFB 3.3");
      return Error{Errc::Unsupported, "no security type for a viewer of RFB 3.3"};
    }
  } else if (version_ == Version::V3_7 && none_only()) {
    viewer_ready(SecurityType::None);
  } else {
    send_types();
    wait(State::Choice, options_.step_timeout, now);
  }
  return true;
}

Result<bool> ServerHandshake::on_choice(TimePoint now) {
  if (in_.empty()) return false;
  const unsigned choice = in_[0];
  in_.erase(in_.begin());
  const bool none = options_.none && choice == static_cast<unsigned>(SecurityType::None);
  const bool password = options_.password && choice == static_cast<unsigned>(SecurityType::VncAuth);
  if (!none && !password) {
    if (version_ == Version::V3_8) send_failure("security type " + std::to_string(choice) + " is not served here");
    return Error{Errc::BadValue, "the viewer chose security type " + std::to_string(choice)};
  }
  if (state_ == State::LateChoice) {  // 3.7, accepted before: no result follows
    wait(State::ClientInit, options_.step_timeout, now);
    return true;
  }
  if (password) {
    send_challenge(now);
    return true;
  }
  if (refusal_) {
    if (version_ == Version::V3_8) send_failure(*refusal_);
    end_refused();
    return false;
  }
  viewer_ready(SecurityType::None);
  return true;
}

Result<bool> ServerHandshake::on_response(TimePoint) {
  if (in_.size() < kVncChallengeSize) return false;
  const Result<bool> ok =
      vnc_response_ok(options_.password->text, options_.password->challenge, Bytes(in_).first(kVncChallengeSize));
  in_.erase(in_.begin(), in_.begin() + kVncChallengeSize);
  if (!ok) {
    send_failure("the server cannot check passwords");
    return ok.error();
  }
  if (!*ok) {
    send_failure("authentication failed");
    return Error{Errc::AuthFailed, "wrong VNC password"};
  }
  if (refusal_) {
    send_failure(*refusal_);
    end_refused();
    return false;
  }
  viewer_ready(SecurityType::VncAuth);
  return true;
}

Result<bool> ServerHandshake::on_client_init() {
  if (in_.empty()) return false;
  events_.push_back(ClientInit{in_[0] != 0});
  events_.push_back(Done{});
  in_.erase(in_.begin());
  state_ = State::Done;
  deadline_.reset();
  return false;
}

Result<void> ServerHandshake::accept(TimePoint now) {
  if (state_ != State::WaitOwner) return {};
  if (security_ == SecurityType::None && version_ == Version::V3_3) {
    Writer(out_.buffer()).be32(static_cast<std::uint32_t>(SecurityType::None));
  } else if (security_ == SecurityType::None && version_ == Version::V3_7) {
    if (none_only()) {
      send_types();
      wait(State::LateChoice, options_.step_timeout, now);
      return step(now);
    }
  } else {
    Writer(out_.buffer()).be32(0);
  }
  wait(State::ClientInit, options_.step_timeout, now);
  return step(now);
}

void ServerHandshake::refuse(std::string_view reason, TimePoint) {
  if (state_ == State::Done || state_ == State::Over) return;
  const std::string words = printable(as_bytes(reason));
  switch (state_) {
    case State::Version:
    case State::Choice:
    case State::Response: refusal_ = words; return;  // said when the viewer is ready to hear it
    case State::WaitOwner:
      if (security_ == SecurityType::VncAuth || version_ == Version::V3_8) {
        send_failure(words);
      } else if (version_ == Version::V3_3 || none_only()) {
        send_no_types(words);
      }
      break;
    case State::LateChoice:
    case State::ClientInit:
    case State::Done:
    case State::Over: break;  // RFB has no words any more
  }
  end_refused();
}

void ServerHandshake::send_types() {
  Buffer types;
  if (options_.none) types.push_back(static_cast<std::uint8_t>(SecurityType::None));
  if (options_.password) types.push_back(static_cast<std::uint8_t>(SecurityType::VncAuth));
  append(types, Bytes(options_.extra_types).first(std::min<std::size_t>(options_.extra_types.size(), 16)));
  Writer(out_.buffer()).u8(static_cast<unsigned>(types.size())).bytes(types);
}

void ServerHandshake::send_challenge(TimePoint now) {
  Writer(out_.buffer()).bytes(options_.password->challenge);
  wait(State::Response, options_.password_timeout, now);
}

void ServerHandshake::send_no_types(std::string_view reason) {
  Writer w(out_.buffer());
  if (version_ == Version::V3_3) {
    w.be32(static_cast<std::uint32_t>(SecurityType::Invalid));
  } else {
    w.u8(0);
  }
  w.be32(static_cast<std::uint32_t>(reason.size())).text(reason);
}

void ServerHandshake::send_failure(std::string_view reason) {
  Writer w(out_.buffer());
  w.be32(kFailed);
  if (version_ == Version::V3_8) w.be32(static_cast<std::uint32_t>(reason.size())).text(reason);
}

void ServerHandshake::viewer_ready(SecurityType type) {
  security_ = type;
  state_ = State::WaitOwner;
  deadline_.reset();
  events_.push_back(ViewerReady{*version_, type});
}

void ServerHandshake::wait(State state, milliseconds how_long, TimePoint now) {
  state_ = state;
  deadline_.reset();
  if (how_long > milliseconds{0}) deadline_ = now + how_long;
}

void ServerHandshake::end_refused() {
  state_ = State::Over;
  deadline_.reset();
  in_.clear();
  events_.push_back(Refused{});
}

Result<void> ServerHandshake::over(Error error) {
  state_ = State::Over;
  deadline_.reset();
  in_.clear();
  return error;
}

std::optional<ServerHandshake::Event> ServerHandshake::next_event() {
  if (events_.empty()) return std::nullopt;
  Event e = events_.front();
  events_.pop_front();
  return e;
}

Result<void> ServerHandshake::tick(TimePoint now) {
  if (!deadline_ || now < *deadline_) return {};
  const char* what = "its version";
  if (state_ == State::Choice || state_ == State::LateChoice) what = "its security type";
  if (state_ == State::Response) what = "its password";
  if (state_ == State::ClientInit) what = "ClientInit";
  return over({Errc::Timeout, std::string("the viewer did not send ") + what});
}

Buffer ServerHandshake::take_rest() {
  return std::exchange(in_, {});
}

}  // namespace amtgate::rfb
