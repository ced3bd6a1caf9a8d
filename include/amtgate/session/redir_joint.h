// RedirJoint: a redirection client (amtterm, amtider, MeshCommander) that the gateway itself lets in, with anything
// or as one of its users. The device is reached with the gateway's credentials first; only then is the client
// answered, so that busy, unsupported, consent needed and unreachable come back as the status byte that it knows how
// to print.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "amtgate/redir/server_role.h"
#include "amtgate/session/joint.h"

namespace amtgate::session {

struct RedirOptions {
  std::vector<Service> services;                 // of the target; another kind is answered "unsupported"
  const auth::CredentialStore* users = nullptr;  // client_auth = users; null: everybody
  std::string realm;                             // of the users; empty: one is made
  /// Why one of the users may have no session of a kind: redir::Verify::why_not.
  std::function<std::string(std::string_view user, Service service)> why_not;
  bool password_method = true;  // announce method 1 (user and password in clear)
};

class RedirJoint final : public Joint {
 public:
  /// `random` and the user store must outlive this.
  RedirJoint(const RedirOptions& options, auth::RandomSource& random, TimePoint now);

  void receive_client(Bytes in, TimePoint now) override;
  void receive_device(Bytes in, TimePoint now) override;
  Bytes client_output() const override { return role_.output(); }
  void client_sent(std::size_t n) override { role_.sent(n); }
  Bytes device_output() const override { return {}; }
  void device_sent(std::size_t) override {}
  std::optional<Event> next_event() override;
  void device_opened(Bytes rest, TimePoint now) override;
  void device_failed(const DeviceFailure& failure, TimePoint now) override;
  void fail(const Error& error, TimePoint now) override;
  std::optional<TimePoint> deadline() const override { return over_ ? std::nullopt : role_.deadline(); }
  void tick(TimePoint now) override;

 private:
  void drain();
  void end(Error error);

  std::vector<Service> services_;
  redir::ServerRole role_;
  Service service_ = Service::Sol;
  bool waiting_for_device_ = false;
  bool started_ = false;  // the client's 0x10 was seen
  bool over_ = false;
  std::optional<Error> refusal_;  // fail() before the client's start: said as soon as it comes
  Buffer from_device_;
  std::deque<Event> events_;
};

/// What a redirection client is told of a failure: the device's own status where there is one.
redir::StartStatus start_status(const DeviceFailure& failure);

/// What is left to do for a service after hand-over: messages of SOL and IDE-R devices are passed on one by one.
HandOff hand_off(Service service, Buffer to_client, Buffer to_device);

}  // namespace amtgate::session
