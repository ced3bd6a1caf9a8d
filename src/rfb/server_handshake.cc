#include "amtgate/rfb/server_handshake.h"

#include <algorithm>
#include <cassert>

#include "amtgate/base/reader.h"
#include "amtgate/base/take_front.h"
#include "amtgate/base/writer.h"

namespace amtgate::rfb {
namespace {

constexpr std::uint32_t kFailed = 1;
constexpr std::uint8_t kVencryptMajor = 0, kVencryptMinor = 2;
// VeNCrypt's two acknowledgements mean the opposite of each other.
constexpr std::uint8_t kVersionYes = 0, kVersionNo = 1, kSubtypeYes = 1, kSubtypeNo = 0;
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
  if (state_ == State::Tls && !in.empty()) {
    return over({Errc::BadValue, "the viewer went on outside of TLS"});
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
      case State::VencryptVersion: more = on_vencrypt_version(now); break;
      case State::VencryptSubtype: more = on_vencrypt_subtype(now); break;
      case State::Response: more = on_response(now); break;
      case State::Login: more = on_login(); break;
      case State::ClientInit: more = on_client_init(); break;
      case State::Tls:
      case State::WaitLogin:
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
    if (options_.vencrypt) {
      send_no_types("this server asks for TLS (VeNCrypt), which a viewer of RFB 3.3 does not know");
      return Error{Errc::Unsupported, "a viewer of RFB 3.3, which has no TLS"};
    }
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
  if (options_.vencrypt && choice == static_cast<unsigned>(SecurityType::VeNCrypt)) {
    Writer(out_.buffer()).u8(kVencryptMajor).u8(kVencryptMinor);
    wait(State::VencryptVersion, options_.step_timeout, now);
    return true;
  }
  const bool plain = !options_.vencrypt;
  const bool none = plain && options_.none && choice == static_cast<unsigned>(SecurityType::None);
  const bool password = plain && options_.password && choice == static_cast<unsigned>(SecurityType::VncAuth);
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

Result<bool> ServerHandshake::on_vencrypt_version(TimePoint now) {
  if (in_.size() < 2) return false;
  const unsigned major = in_[0], minor = in_[1];
  in_.erase(in_.begin(), in_.begin() + 2);
  if (major != kVencryptMajor || minor != kVencryptMinor) {
    Writer(out_.buffer()).u8(kVersionNo);
    return Error{Errc::Unsupported,
                 "the viewer speaks VeNCrypt " + std::to_string(major) + "." + std::to_string(minor) + ", not 0.2"};
  }
  Writer w(out_.buffer());
  w.u8(kVersionYes).u8(static_cast<unsigned>(subtypes().size()));
  for (const VencryptSubtype subtype : subtypes()) w.be32(static_cast<std::uint32_t>(subtype));
  wait(State::VencryptSubtype, options_.step_timeout, now);
  return true;
}

Result<bool> ServerHandshake::on_vencrypt_subtype(TimePoint now) {
  if (in_.size() < 4) return false;
  const std::uint32_t choice = Reader(in_).be32();
  in_.erase(in_.begin(), in_.begin() + 4);
  const std::vector<VencryptSubtype> offered = subtypes();
  const auto chosen = std::ranges::find(offered, static_cast<VencryptSubtype>(choice));
  if (chosen == offered.end()) {
    Writer(out_.buffer()).u8(kSubtypeNo);
    return Error{Errc::BadValue, "the viewer chose VeNCrypt subtype " + std::to_string(choice)};
  }
  // A viewer begins TLS when it has our acknowledgement. What is here already is not protected by it, whoever sent
  // it.
  if (!in_.empty()) return Error{Errc::BadValue, "the viewer did not wait for TLS"};
  switch (*chosen) {
    case VencryptSubtype::X509None: security_ = SecurityType::None; break;
    case VencryptSubtype::X509Vnc: security_ = SecurityType::VncAuth; break;
    case VencryptSubtype::X509Plain: security_ = SecurityType::Plain; break;
  }
  Writer(out_.buffer()).u8(kSubtypeYes);
  wait(State::Tls, options_.password_timeout, now);
  events_.push_back(StartTls{});
  return false;
}

void ServerHandshake::tls_started(TimePoint now) {
  if (state_ != State::Tls) return;
  assert(out_.view().empty());
  tls_ = true;
  if (security_ == SecurityType::VncAuth) {
    send_challenge(now);
  } else if (security_ == SecurityType::Plain) {
    wait(State::Login, options_.password_timeout, now);
  } else if (refusal_) {
    send_failure(*refusal_);
    end_refused();
  } else {
    viewer_ready(SecurityType::None);
  }
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

Result<bool> ServerHandshake::on_login() {
  Reader reader(in_);
  const std::uint32_t user = reader.be32(), password = reader.be32();
  if (reader.failed()) return false;
  if (user > kMaxLogin || password > kMaxLogin) {
    send_failure("authentication failed");
    return Error{Errc::TooLarge,
                 "the viewer sends a user name or password of more than " + std::to_string(kMaxLogin) + " bytes"};
  }
  if (reader.remaining() < user + password) return false;
  Login login;
  login.user = as_text(reader.take(user));
  login.password = as_text(reader.take(password));
  in_.erase(in_.begin(), in_.begin() + 8 + user + password);
  state_ = State::WaitLogin;
  deadline_.reset();
  events_.push_back(std::move(login));
  return false;
}

void ServerHandshake::let_in() {
  if (state_ != State::WaitLogin) return;
  if (refusal_) return turn_away(*refusal_);
  viewer_ready(SecurityType::Plain);
}

void ServerHandshake::turn_away(std::string_view reason) {
  if (state_ != State::WaitLogin) return;
  send_failure(printable(as_bytes(reason)));
  end_refused();
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
  const bool plain_none = security_ == SecurityType::None && !tls_;
  if (plain_none && version_ == Version::V3_3) {
    Writer(out_.buffer()).be32(static_cast<std::uint32_t>(SecurityType::None));
  } else if (plain_none && version_ == Version::V3_7) {
    if (none_only()) {
      send_types();
      wait(State::LateChoice, options_.step_timeout, now);
      return step(now);
    }
  } else {
    Writer(out_.buffer()).be32(0);
  }
  // TigerVNC shows the certificate to its user now.
  wait(State::ClientInit, tls_ ? options_.password_timeout : options_.step_timeout, now);
  return step(now);
}

void ServerHandshake::refuse(std::string_view reason, TimePoint) {
  if (state_ == State::Done || state_ == State::Over) return;
  const std::string words = printable(as_bytes(reason));
  switch (state_) {
    case State::Version:
    case State::Choice:
    case State::VencryptVersion:
    case State::VencryptSubtype:
    case State::Tls:
    case State::Response:
    case State::Login:
    case State::WaitLogin: refusal_ = words; return;  // said when the viewer is ready to hear it
    case State::WaitOwner:
      if (security_ == SecurityType::VncAuth || tls_ || version_ == Version::V3_8) {
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

std::vector<VencryptSubtype> ServerHandshake::subtypes() const {
  std::vector<VencryptSubtype> out;
  if (options_.none) out.push_back(VencryptSubtype::X509None);
  if (options_.password) out.push_back(VencryptSubtype::X509Vnc);
  if (options_.login) out.push_back(VencryptSubtype::X509Plain);
  return out;
}

void ServerHandshake::send_types() {
  Buffer types;
  if (options_.vencrypt) {
    types.push_back(static_cast<std::uint8_t>(SecurityType::VeNCrypt));
  } else {
    if (options_.none) types.push_back(static_cast<std::uint8_t>(SecurityType::None));
    if (options_.password) types.push_back(static_cast<std::uint8_t>(SecurityType::VncAuth));
  }
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
  events_.push_back(ViewerReady{*version_, type, tls_});
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
  return take_front(events_);
}

Result<void> ServerHandshake::tick(TimePoint now) {
  if (!deadline_ || now < *deadline_) return {};
  const char* what = "its version";
  if (state_ == State::Choice || state_ == State::LateChoice) what = "its security type";
  if (state_ == State::VencryptVersion) what = "its VeNCrypt version";
  if (state_ == State::VencryptSubtype) what = "its VeNCrypt subtype";
  if (state_ == State::Tls) return over({Errc::Timeout, "TLS with the viewer was not begun in time"});
  if (state_ == State::Response) what = "its password";
  if (state_ == State::Login) what = "its user and password";
  if (state_ == State::ClientInit) what = "ClientInit";
  return over({Errc::Timeout, std::string("the viewer did not send ") + what});
}

Buffer ServerHandshake::take_rest() {
  return std::exchange(in_, {});
}

}  // namespace amtgate::rfb
