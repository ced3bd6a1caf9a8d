#include "amtgate/redir/server_role.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "amtgate/auth/digest.h"
#include "amtgate/base/take_front.h"

namespace amtgate::redir {
namespace {

// Messages of a client between its start and its login. Three tries with a query and two messages each are nine.
constexpr unsigned kMaxRounds = 16;
// Hashed when the user is unknown, so that names cannot be tried by the clock. No password has it.
constexpr std::string_view kNoHa1 = "00000000000000000000000000000000";

bool is_nonce_count(std::string_view nc) {
  return nc.size() == 8 && std::ranges::all_of(nc, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

bool is_end(Bytes in) {
  return !in.empty() && in[0] == static_cast<std::uint8_t>(MessageType::End);
}

}  // namespace

ServerRole::ServerRole(Options options, auth::RandomSource& random, TimePoint now)
    : options_(std::move(options)), random_(random) {
  if (options_.realm.empty()) options_.realm = auth::make_realm(random_);
  assert(options_.realm.size() <= 64);
  assert(options_.methods.size() <= kMaxMethods);
  assert(!std::holds_alternative<Verify>(options_.policy) || std::get<Verify>(options_.policy).store);
  wait_for_client(State::Start, now);
}

Result<void> ServerRole::receive(Bytes in, TimePoint now) {
  if (state_ == State::Over) return {};
  if (in.size() > kMaxKept - std::min(in_.size(), kMaxKept)) {
    state_ = State::Over;
    deadline_.reset();
    return Error{Errc::TooLarge,
                 "the client sent more than " + std::to_string(kMaxKept) + " bytes ahead of its turn"};
  }
  append(in_, in);
  return step(now);
}

Result<void> ServerRole::step(TimePoint now) {
  Bytes left = in_;
  Result<bool> more = true;
  while (more && *more) {
    if (state_ != State::HandedOff && state_ != State::Over && is_end(left)) {
      // May come instead of anything, also while the owner decides.
      more = false;
      if (left.size() < kEndLength) break;
      left = left.subspan(kEndLength);
      state_ = State::Over;
      events_.push_back(Ended{});
      break;
    }
    switch (state_) {
      case State::Start: more = on_start(left); break;
      case State::Login: more = on_login(left, now); break;
      case State::KvmOpen: more = on_kvm_open(left); break;
      case State::WaitOwner:
      case State::WaitOpen:
      case State::HandedOff:
      case State::Over: more = false; break;
    }
  }
  if (!more) state_ = State::Over;
  if (state_ == State::Over) {
    left = {};
    deadline_.reset();
  }
  in_.erase(in_.begin(), in_.end() - static_cast<std::ptrdiff_t>(left.size()));
  if (!more) return more.error();
  return {};
}

Result<bool> ServerRole::on_start(Bytes& in) {
  const auto start = take_start(in);
  if (!start) return start.error();
  if (!*start) return false;
  service_ = (*start)->service();
  state_ = State::WaitOwner;
  deadline_.reset();
  events_.push_back(Start{service_, **start});
  return true;
}

Result<bool> ServerRole::on_login(Bytes& in, TimePoint now) {
  const auto taken = take_authenticate(in);
  if (!taken) return taken.error();
  if (!*taken) return false;
  const Authenticate& message = **taken;
  if (++rounds_ > kMaxRounds) {
    return Error{Errc::BadValue,
                 "more than " + std::to_string(kMaxRounds) + " authentication messages without a login"};
  }
  wait_for_client(State::Login, now);
  if (message.method == AuthMethod::Query) {
    queried_ = true;
    Buffer list;
    for (const AuthMethod m : options_.methods) list.push_back(static_cast<std::uint8_t>(m));
    reply(AuthStatus::Success, AuthMethod::Query, list);
  } else if (!accepts(message.method) || (options_.require_query && !queried_)) {
    reply(AuthStatus::Unsupported, message.method);
  } else if (message.method == AuthMethod::Password) {
    on_password(message.data, now);
  } else if (message.method == AuthMethod::Kerberos) {
    succeed({}, message.method, now);  // accepts() has seen that everybody may come in
  } else {
    on_digest(message.method, message.data, now);
  }
  return true;
}

bool ServerRole::accepts(AuthMethod method) const {
  if (std::holds_alternative<Anyone>(options_.policy)) {
    return method == AuthMethod::Password || method == AuthMethod::Kerberos || method == AuthMethod::DigestOld ||
           method == AuthMethod::Digest;
  }
  return method != AuthMethod::Kerberos && static_cast<std::uint8_t>(method) <= 4 &&
         std::ranges::find(options_.methods, method) != options_.methods.end();
}

void ServerRole::on_password(Bytes data, TimePoint now) {
  const Verify* verify = std::get_if<Verify>(&options_.policy);
  // AMT 11 accepts an empty message from clients that an HTTP login has authenticated already.
  if (!verify && data.empty()) return succeed({}, AuthMethod::Password, now);
  const Result<PasswordData> d = parse_password(data);
  if (!d) return fail({}, AuthMethod::Password, d.error().detail, now);
  if (verify && !verify->store->check_password(d->user, d->password)) {
    return fail(std::string(d->user), AuthMethod::Password, "wrong user or password", now);
  }
  succeed(std::string(d->user), AuthMethod::Password, now);
}

void ServerRole::on_digest(AuthMethod method, Bytes data, TimePoint now) {
  const Result<DigestData> parsed = parse_digest(method, data);
  if (!parsed) return fail({}, method, parsed.error().detail, now);
  const DigestData& d = *parsed;
  if (d.response.empty()) return challenge(method);
  const Verify* verify = std::get_if<Verify>(&options_.policy);
  // Without a store the answer is not looked at: ui-toolkit's can never verify.
  if (!verify) return succeed(std::string(d.user), method, now);

  const auto refuse = [&](std::string reason) { fail(std::string(d.user), method, std::move(reason), now); };
  // One answer for each challenge: a response that was overheard or failed is of no use again.
  const std::string nonce = std::exchange(nonce_, {});
  if (nonce.empty() || method != nonce_method_) return refuse("a digest response without a challenge");
  if (!auth::equal_secret(d.nonce, nonce)) return refuse("the nonce is not the one that was given");
  if (d.realm != options_.realm) return refuse("the realm is not the one that was given");
  if (options_.strict_uri && d.uri != auth::kRedirectionUri)
    return refuse("the digest-uri is not /RedirectionService");
  if (options_.strict_nc && !is_nonce_count(d.nc)) return refuse("the nonce count is not 8 hexadecimal digits");
  if (method == AuthMethod::Digest && d.qop != "auth") return refuse("the qop is not 'auth'");
  const std::optional<std::string> ha1 = verify->store->ha1(d.user, options_.realm);
  const std::string want =
      auth::digest_response(ha1 ? std::string_view(*ha1) : kNoHa1, {.nonce = nonce,
                                                                    .nc = d.nc,
                                                                    .cnonce = d.cnonce,
                                                                    .qop = d.qop,  // empty with method 3
                                                                    .verb = auth::kRedirectionVerb,
                                                                    .uri = d.uri});
  if (!auth::equal_secret(d.response, want) || !ha1) return refuse("wrong user or password");
  succeed(std::string(d.user), method, now);
}

void ServerRole::challenge(AuthMethod method) {
  nonce_ = auth::make_nonce(random_);
  nonce_method_ = method;
  const Result<Buffer> data = encode_challenge(method, {options_.realm, nonce_, options_.qop});
  assert(data);
  reply(AuthStatus::Failure, method, *data);
}

void ServerRole::reply(AuthStatus status, AuthMethod method, Bytes data) {
  Buffer message;
  encode(message, AuthenticateReply{status, method, data});
  out_.push(std::move(message));
}

void ServerRole::succeed(std::string user, AuthMethod method, TimePoint now) {
  const Verify* verify = std::get_if<Verify>(&options_.policy);
  if (verify && verify->why_not && service_) {
    if (std::string why = verify->why_not(user, *service_); !why.empty()) {
      return fail(std::move(user), method, std::move(why), now, true);
    }
  }
  reply(AuthStatus::Success, method);
  events_.push_back(Authenticated{std::move(user), method});
  if (service_ == Service::Vnc && options_.kvm_open) {
    wait_for_client(State::KvmOpen, now);
  } else {
    hand_off();
  }
}

void ServerRole::fail(std::string user, AuthMethod method, std::string reason, TimePoint now, bool forbidden) {
  const bool last = ++failures_ >= options_.max_failures;
  if (options_.failure_style == FailureStyle::FreshChallenge && method != AuthMethod::Password && !last) {
    challenge(method);
  } else if (options_.failure_style != FailureStyle::Silent) {
    reply(AuthStatus::Failure, method);
  }
  events_.push_back(AuthFailed{std::move(user), std::move(reason), last, forbidden});
  if (last) {
    state_ = State::Over;
  } else {
    wait_for_client(State::Login, now);
  }
}

Result<bool> ServerRole::on_kvm_open(Bytes& in) {
  if (in.empty()) return false;
  if (in[0] != 0x40)
    return Error{Errc::Unsupported, "expected the KVM open message 0x40, got " + describe_byte(in[0])};
  if (in.size() < kKvmOpenLength) return false;
  in = in.subspan(kKvmOpenLength);
  state_ = State::WaitOpen;
  deadline_.reset();
  events_.push_back(OpenRequested{});
  return true;
}

std::optional<ServerRole::Event> ServerRole::next_event() {
  return take_front(events_);
}

Result<void> ServerRole::tick(TimePoint now) {
  if (!deadline_ || now < *deadline_) return {};
  state_ = State::Over;
  deadline_.reset();
  return Error{Errc::Timeout,
               "the client sent no complete message within " + std::to_string(options_.step_timeout.count()) + " ms"};
}

Result<void> ServerRole::accept(TimePoint now, Bytes oem) {
  if (state_ != State::WaitOwner) return {};  // the client ended it meanwhile
  assert(oem.size() <= 255);
  Buffer message;
  encode(message, StartReply{StartStatus::Success, oem});
  out_.push(std::move(message));
  if (std::holds_alternative<StartOnly>(options_.policy)) {
    hand_off();
    return {};
  }
  wait_for_client(State::Login, now);
  return step(now);
}

void ServerRole::reject(StartStatus status) {
  if (state_ != State::WaitOwner) return;
  Buffer message;
  encode(message, StartReply{status, {}});
  out_.push(std::move(message));
  state_ = State::Over;
  in_.clear();
}

void ServerRole::confirm_open(std::uint8_t status) {
  if (state_ != State::WaitOpen) return;
  Buffer message(kKvmOpenLength);
  message[0] = 0x41;
  message[1] = status;
  out_.push(std::move(message));
  if (status == 0) {
    hand_off();
  } else {
    state_ = State::Over;
    in_.clear();
  }
}

Buffer ServerRole::take_rest() {
  if (state_ != State::HandedOff) return {};
  return std::exchange(in_, {});
}

void ServerRole::wait_for_client(State next, TimePoint now) {
  state_ = next;
  if (options_.step_timeout.count() > 0) deadline_ = now + options_.step_timeout;
}

void ServerRole::hand_off() {
  state_ = State::HandedOff;
  deadline_.reset();
  events_.push_back(HandOff{});
}

}  // namespace amtgate::redir
