#include "amtgate/redir/client_role.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "amtgate/auth/digest.h"
#include "amtgate/base/take_front.h"

namespace amtgate::redir {
namespace {

// RFC 2617: the first use of a nonce. Interceptors that count from 1 work with AMT, so do clients with a constant
// 00000002.
constexpr std::string_view kNonceCount = "00000001";

Errc code_of(StartStatus status) {
  switch (status) {
    case StartStatus::Busy: return Errc::Busy;
    case StartStatus::Unsupported: return Errc::Unsupported;
    default: return Errc::Refused;
  }
}

std::string_view session_name(Service service) {
  switch (service) {
    case Service::Sol: return "serial-over-LAN";
    case Service::Ider: return "storage redirection";
    default: return "KVM";
  }
}

}  // namespace

const char* name(ClientRole::Stage stage) {
  switch (stage) {
    case ClientRole::Stage::Start: return "session start";
    case ClientRole::Stage::Query: return "authentication query";
    case ClientRole::Stage::Challenge: return "authentication challenge";
    case ClientRole::Stage::Response: return "authentication";
    case ClientRole::Stage::KvmOpen: return "KVM open";
  }
  return "?";
}

ClientRole::ClientRole(Options options, auth::RandomSource& random, TimePoint now)
    : options_(std::move(options)), random_(random) {
  Buffer start;
  encode(start, StartSession::of(options_.service));
  out_.push(std::move(start));
  expect_answer(State::Start, now);
}

Result<void> ClientRole::receive(Bytes in, TimePoint now) {
  if (state_ == State::Failed) return {};
  if (in.size() > kMaxKept - std::min(in_.size(), kMaxKept)) {
    fail(Errc::TooLarge, 0, who() + " sent more than " + std::to_string(kMaxKept) + " bytes that nobody took");
    return {};
  }
  append(in_, in);
  step(now);
  return {};
}

void ClientRole::step(TimePoint now) {
  Bytes left = in_;
  bool more = true;
  while (more) {
    switch (state_) {
      case State::Start: more = on_start_reply(left, now); break;
      case State::Query:
      case State::Challenge:
      case State::Response: more = on_auth_reply(left, now); break;
      case State::KvmOpen: more = on_kvm_open_reply(left); break;
      case State::Open:
      case State::Failed: more = false; break;
    }
  }
  if (state_ == State::Failed) left = {};
  in_.erase(in_.begin(), in_.end() - static_cast<std::ptrdiff_t>(left.size()));
}

bool ClientRole::on_start_reply(Bytes& in, TimePoint now) {
  const auto reply = take_start_reply(in);
  if (!reply) {
    fail(reply.error().code, 0, who() + " does not speak the redirection protocol: " + reply.error().detail);
    return false;
  }
  if (!*reply) return false;
  const StartStatus status = (*reply)->status;
  if (status != StartStatus::Success) {
    fail(code_of(status), static_cast<std::uint8_t>(status),
         who() + " refused the " + std::string(session_name(options_.service)) + " session: " + describe(status));
    return false;
  }
  events_.push_back(Started{});
  if (options_.goal == Goal::Started) {
    state_ = State::Open;
    deadline_.reset();
    events_.push_back(Open{});
    return false;
  }
  send_authenticate(AuthMethod::Query, {});
  expect_answer(State::Query, now);
  return true;
}

bool ClientRole::on_auth_reply(Bytes& in, TimePoint now) {
  const auto taken = take_authenticate_reply(in);
  if (!taken) {
    fail(taken.error().code, 0, who() + " broke the protocol: " + taken.error().detail);
    return false;
  }
  if (!*taken) return false;
  const AuthenticateReply& reply = **taken;
  const auto status = static_cast<std::uint8_t>(reply.status);
  if (reply.method != method_) {
    fail(Errc::BadValue, status,
         who() + " answered " + method_name(method_) + " authentication with " + method_name(reply.method));
    return false;
  }
  if (reply.status == AuthStatus::Success) {
    if (state_ == State::Query) {
      on_methods(reply.data, now);
    } else {
      authenticated(now);
    }
  } else if (reply.status == AuthStatus::Failure && state_ == State::Challenge) {
    on_challenge(reply.data, now);
  } else if (reply.status == AuthStatus::Failure && state_ == State::Response) {
    // A second challenge says the same as an empty refusal. Trying again would lock the account.
    fail(Errc::AuthFailed, status, who() + " refused user '" + options_.credentials.user + "' or the password");
  } else {
    fail(Errc::Unsupported, status,
         who() + " does not support " + method_name(method_) + " authentication (status " + std::to_string(status) +
             ")");
  }
  return state_ != State::Failed;
}

void ClientRole::on_methods(Bytes list, TimePoint now) {
  if (list.size() > kMaxMethods) {
    fail(Errc::TooLarge, 0, who() + " lists " + std::to_string(list.size()) + " authentication methods");
    return;
  }
  const auto offers = [&](AuthMethod m) {
    return std::ranges::find(list, static_cast<std::uint8_t>(m)) != list.end();
  };
  const auth::Credentials& c = options_.credentials;
  Result<Buffer> data = Buffer{};
  State next = State::Challenge;
  if (offers(AuthMethod::Digest) || offers(AuthMethod::DigestOld)) {
    method_ = offers(AuthMethod::Digest) ? AuthMethod::Digest : AuthMethod::DigestOld;
    DigestData first;
    first.user = c.user;
    first.uri = auth::kRedirectionUri;
    data = encode_digest(method_, first);
  } else if (offers(AuthMethod::Password) && options_.allow_plaintext) {
    method_ = AuthMethod::Password;
    data = encode_password({c.user, c.password});
    next = State::Response;
  } else {
    fail(Errc::Unsupported, 0,
         who() + (offers(AuthMethod::Password)
                      ? " offers only user/password authentication in clear, which is not allowed for it"
                      : " offers no authentication method that is known here"));
    return;
  }
  if (!data) {
    fail(data.error().code, 0, "user name or password for " + who() + ": " + data.error().detail);
    return;
  }
  send_authenticate(method_, *data);
  expect_answer(next, now);
}

void ClientRole::on_challenge(Bytes data, TimePoint now) {
  if (data.empty()) {
    fail(Errc::AuthFailed, 1, who() + " refused user '" + options_.credentials.user + "' without a challenge");
    return;
  }
  const Result<Challenge> challenge = parse_challenge(method_, data);
  if (!challenge) {
    fail(challenge.error().code, 1, who() + " sent a bad challenge: " + challenge.error().detail);
    return;
  }
  std::string qop;
  if (method_ == AuthMethod::Digest) {
    Result<std::string> picked = auth::pick_qop(challenge->qop);
    if (!picked) {
      fail(picked.error().code, 1, who() + " cannot authenticate with us: " + picked.error().detail);
      return;
    }
    qop = std::move(*picked);
  }
  const auth::Credentials& c = options_.credentials;
  const std::string ha1 = auth::ha1(c.user, challenge->realm, c.password);
  const std::string cnonce = auth::make_cnonce(random_);
  const std::string response = method_ == AuthMethod::Digest
                                   ? auth::redirection_response(ha1, challenge->nonce, kNonceCount, cnonce, qop)
                                   : auth::redirection_response_old(ha1, challenge->nonce);
  const Result<Buffer> answer = encode_digest(method_, {.user = c.user,
                                                        .realm = challenge->realm,
                                                        .nonce = challenge->nonce,
                                                        .uri = auth::kRedirectionUri,
                                                        .cnonce = cnonce,
                                                        .nc = kNonceCount,
                                                        .response = response,
                                                        .qop = qop});
  assert(answer);  // the user fitted before, the echoed fields came out of length bytes
  send_authenticate(method_, *answer);
  expect_answer(State::Response, now);
}

void ClientRole::authenticated(TimePoint now) {
  events_.push_back(Authenticated{method_});
  if (options_.service == Service::Vnc && options_.goal == Goal::Open) {
    Buffer open(kKvmOpenLength);
    open[0] = 0x40;
    out_.push(std::move(open));
    expect_answer(State::KvmOpen, now);
    return;
  }
  state_ = State::Open;
  deadline_.reset();
  events_.push_back(Open{});
}

bool ClientRole::on_kvm_open_reply(Bytes& in) {
  if (in.empty()) return false;
  if (in[0] != 0x41) {
    fail(Errc::Unsupported, 0, who() + " answered the KVM open message with " + describe_byte(in[0]));
    return false;
  }
  if (in.size() < kKvmOpenLength) return false;
  if (in[1] != 0) {
    fail(Errc::Refused, in[1], who() + " refused to open the KVM session (status " + std::to_string(in[1]) + ")");
    return false;
  }
  in = in.subspan(kKvmOpenLength);
  state_ = State::Open;
  deadline_.reset();
  events_.push_back(Open{});
  return false;
}

std::optional<ClientRole::Event> ClientRole::next_event() {
  return take_front(events_);
}

Result<void> ClientRole::tick(TimePoint now) {
  if (deadline_ && now >= *deadline_) {
    fail(Errc::Timeout, 0,
         who() + " did not answer within " + std::to_string(options_.answer_timeout.count()) + " ms");
  }
  return {};
}

void ClientRole::closed() {
  if (state_ == State::Response) {
    fail(Errc::AuthFailed, 0,
         who() + " closed the connection instead of accepting user '" + options_.credentials.user + "'");
  } else if (state_ != State::Open && state_ != State::Failed) {
    fail(Errc::Closed, 0, who() + " closed the connection");
  }
}

Buffer ClientRole::take_rest() {
  if (state_ != State::Open) return {};
  return std::exchange(in_, {});
}

void ClientRole::expect_answer(State next, TimePoint now) {
  state_ = next;
  deadline_ = now + options_.answer_timeout;
}

void ClientRole::send_authenticate(AuthMethod method, Bytes data) {
  Buffer message;
  encode(message, Authenticate{method, data});
  out_.push(std::move(message));
}

void ClientRole::fail(Errc code, std::uint8_t status, std::string sentence) {
  Stage stage = Stage::Start;
  switch (state_) {
    case State::Start: stage = Stage::Start; break;
    case State::Query: stage = Stage::Query; break;
    case State::Challenge: stage = Stage::Challenge; break;
    case State::Response: stage = Stage::Response; break;
    case State::KvmOpen:
    case State::Open: stage = Stage::KvmOpen; break;
    case State::Failed: return;
  }
  state_ = State::Failed;
  deadline_.reset();
  in_.clear();
  events_.push_back(Failed{stage, code, status, std::move(sentence)});
}

std::string ClientRole::who() const {
  return options_.device.empty() ? "the device" : options_.device;
}

}  // namespace amtgate::redir
