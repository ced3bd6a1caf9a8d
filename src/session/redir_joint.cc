#include "amtgate/session/redir_joint.h"

#include <algorithm>

#include "amtgate/base/take_front.h"

namespace amtgate::session {
namespace {

redir::ServerRole::Options server_options(const RedirOptions& options) {
  redir::ServerRole::Options out;
  // A query is answered with what stock clients take: 4 before 3 before 1 by their own choice.
  out.methods = {redir::AuthMethod::DigestOld, redir::AuthMethod::Digest};
  if (options.password_method) out.methods.insert(out.methods.begin(), redir::AuthMethod::Password);
  if (options.users != nullptr) out.policy = redir::Verify{options.users, options.why_not};
  out.realm = options.realm;
  return out;
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

redir::StartStatus start_status(const DeviceFailure& failure) {
  if (failure.start_status != 0) return static_cast<redir::StartStatus>(failure.start_status);
  switch (failure.error.code) {
    case Errc::Busy: return redir::StartStatus::Busy;
    case Errc::Unsupported: return redir::StartStatus::Unsupported;
    default: return redir::StartStatus::Error;
  }
}

HandOff hand_off(Service service, Buffer to_client, Buffer to_device) {
  HandOff out{.to_client = std::move(to_client), .to_device = std::move(to_device)};
  if (service == Service::Sol) out.from_device = Carry::SolMessages;
  if (service == Service::Ider) out.from_device = Carry::IderMessages;
  return out;
}

RedirJoint::RedirJoint(const RedirOptions& options, auth::RandomSource& random, TimePoint now)
    : services_(options.services), role_(server_options(options), random, now) {}

void RedirJoint::receive_client(Bytes in, TimePoint now) {
  if (over_) return;
  const Result<void> taken = role_.receive(in, now);
  drain();
  if (!taken) end(taken.error());
}

void RedirJoint::receive_device(Bytes in, TimePoint) {
  if (over_) return;
  if (in.size() > kMaxEarly - from_device_.size()) {
    return end({Errc::TooLarge,
                "the device sent more than " + std::to_string(kMaxEarly) + " bytes before the client had logged in"});
  }
  append(from_device_, in);
}

std::optional<Event> RedirJoint::next_event() {
  return take_front(events_);
}

void RedirJoint::device_opened(Bytes rest, TimePoint now) {
  if (over_ || !waiting_for_device_) return;
  waiting_for_device_ = false;
  append(from_device_, rest);
  const Result<void> taken = role_.accept(now);
  drain();
  if (!taken) end(taken.error());
}

void RedirJoint::device_failed(const DeviceFailure& failure, TimePoint) {
  if (over_) return;
  if (waiting_for_device_) role_.reject(start_status(failure));
  waiting_for_device_ = false;
  end(failure.error);
}

void RedirJoint::fail(const Error& error, TimePoint) {
  if (over_) return;
  if (waiting_for_device_) {
    role_.reject(redir::StartStatus::Error);
    waiting_for_device_ = false;
    return end(error);
  }
  // Before its start a client cannot be told anything; after it, nothing but a login's failure, which would be a lie.
  if (started_) return end(error);
  refusal_ = error;
}

void RedirJoint::tick(TimePoint now) {
  if (over_) return;
  const Result<void> ticked = role_.tick(now);
  drain();
  if (!ticked) end(refusal_ ? *refusal_ : ticked.error());
}

void RedirJoint::drain() {
  while (!over_) {
    auto event = role_.next_event();
    if (!event) return;
    std::visit(Overloaded{
                   [&](redir::ServerRole::Start& start) {
                     started_ = true;
                     if (refusal_) {
                       role_.reject(redir::StartStatus::Error);
                       return end(*refusal_);
                     }
                     if (!start.service) {
                       role_.reject(redir::StartStatus::UnknownType);
                       return end({Errc::Unsupported,
                                   "the client asked for a kind of session that is none of SOL, "
                                   "IDE-R and KVM"});
                     }
                     service_ = *start.service;
                     if (std::ranges::find(services_, service_) == services_.end()) {
                       role_.reject(redir::StartStatus::Unsupported);
                       return end({Errc::Refused,
                                   "`services` of this target leaves out " + std::string(amtgate::name(service_))});
                     }
                     waiting_for_device_ = true;
                     events_.emplace_back(NeedDevice{service_, Depth::Authenticated});
                   },
                   [&](redir::ServerRole::Authenticated& who) {
                     events_.emplace_back(ClientKnown{std::move(who.user), redir::method_name(who.method)});
                   },
                   [&](redir::ServerRole::AuthFailed& failed) {
                     // A client is told the same in both cases: the protocol has no other words.
                     if (failed.final && failed.forbidden) return end({Errc::Refused, std::move(failed.reason)});
                     if (failed.final) end({Errc::AuthFailed, "the client's login failed: " + failed.reason});
                   },
                   [&](redir::ServerRole::OpenRequested&) { role_.confirm_open(); },
                   [&](redir::ServerRole::HandOff&) {
                     over_ = true;
                     events_.emplace_back(hand_off(service_, std::move(from_device_), role_.take_rest()));
                   },
                   [&](redir::ServerRole::Ended&) {
                     end({Errc::Closed, "the client ended the session"});
                   },
               },
               *event);
  }
}

void RedirJoint::end(Error error) {
  if (over_) return;
  over_ = true;
  events_.emplace_back(End{std::move(error)});
}

}  // namespace amtgate::session
