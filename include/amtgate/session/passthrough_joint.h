// PassthroughJoint: a redirection client whose own AMT credentials are used upstream. The device's challenge and the
// client's response are relayed message by message, so the password never comes here. A client that sends user and
// password in clear (amtterm up to 1.6 knows nothing else) is logged in with them by the best method that the device
// has.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/auth/random.h"
#include "amtgate/redir/client_role.h"
#include "amtgate/redir/message_outbox.h"
#include "amtgate/redir/server_role.h"
#include "amtgate/session/joint.h"

namespace amtgate::session {

struct PassthroughOptions {
  std::vector<Service> services;
  bool allow_plaintext = false;  // method 1 upstream where the device has no digest
  std::string device;            // its name, for sentences
};

class PassthroughJoint final : public Joint {
 public:
  /// A login takes at most query, challenge, response: more rounds than this are a client that tries for ever.
  static constexpr unsigned kMaxRounds = 6;
  static constexpr Duration kLoginTimeout = seconds(30);

  PassthroughJoint(const PassthroughOptions& options, auth::RandomSource& random, TimePoint now);

  void receive_client(Bytes in, TimePoint now) override;
  void receive_device(Bytes in, TimePoint now) override;
  Bytes client_output() const override;
  void client_sent(std::size_t n) override;
  Bytes device_output() const override { return to_device_.view(); }
  void device_sent(std::size_t n) override { to_device_.sent(n); }
  std::optional<Event> next_event() override;
  void device_opened(Bytes rest, TimePoint now) override;
  void device_failed(const DeviceFailure& failure, TimePoint now) override;
  void fail(const Error& error, TimePoint now) override;
  std::optional<TimePoint> deadline() const override;
  void tick(TimePoint now) override;

 private:
  enum class State {
    Start,      // waiting for the client's 0x10
    Device,     // waiting for device_opened()
    Starting,   // 0x10 is with the device
    Relaying,   // the client's login goes through message by message
    LoggingIn,  // the client gave a password: login_ does it
    Over,
  };

  void on_client_bytes(TimePoint now);
  void on_device_bytes(TimePoint now);
  void on_start_event(redir::ServerRole::Event& event);
  void client_message(Bytes message, TimePoint now);
  void device_message(Bytes message);
  void log_in(Bytes password_data, TimePoint now);
  void drain_login();
  void login_ended(bool success, const std::string& why);
  void joined(Buffer to_client);
  void end(Error error);

  PassthroughOptions options_;
  auth::RandomSource& random_;
  State state_ = State::Start;
  redir::ServerRole start_;                    // takes the client's 0x10, answers it with 0x11
  std::optional<redir::ClientRole> upstream_;  // Starting: 0x10/0x11; LoggingIn: the login
  Service service_ = Service::Sol;
  std::optional<Error> refusal_;
  std::string user_;
  redir::AuthMethod method_ = redir::AuthMethod::Query;
  bool responded_ = false;  // the client's last message was an answer that the device judges
  unsigned rounds_ = 0;
  Buffer from_client_;
  Buffer from_device_;
  redir::MessageOutbox to_client_;
  redir::MessageOutbox to_device_;
  std::optional<TimePoint> login_deadline_;
  std::deque<Event> events_;
};

}  // namespace amtgate::session
