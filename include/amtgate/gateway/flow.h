// Flow: one accepted connection, from accept() to its end. It drives what others decide: the directory says whose it
// is, a session::Joint speaks the client's protocol, the dialer reaches the device, the relay carries the rest.
//
//   Secure (TLS ports: the client's handshake) -> Join (the joint works) -> Flush (its last bytes go out) -> Relay
//   Screen (VNC, translated): the viewer of a ScreenHost, to the end; a script at the control socket begins here
//   Join -> Closing: the refusal goes out, then the connection is closed
//   Bypass: not a target's; connected to where the client aimed and relayed
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/control/commands.h"
#include "amtgate/device/dialer.h"
#include "amtgate/gateway/directory.h"
#include "amtgate/gateway/screen_host.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/net/connect.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/relay.h"
#include "amtgate/net/stream.h"
#include "amtgate/session/joint.h"

namespace amtgate::gateway {

inline constexpr Port kVncPort{5900};

/// Names the screen that a viewer of this destination looks at; empty where there is none to share (no target, no
/// address, vnc_mode = splice).
std::string screen_key(const Directory& directory, const IpAddress& client, const Endpoint& destination);
/// The same for a machine that is known. Errors: Unreachable (its name does not resolve).
Result<std::string> screen_key(const Directory& directory, const config::Target& target,
                               const IpAddress& destination);

class Flow final : private ScreenHost::Client {
 public:
  Flow(Shard& shard, control::SessionId id, net::Accepted accepted);
  Flow(Shard& shard, control::SessionId id, ScriptViewer viewer);
  ~Flow() override;
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  /// Begins; may end at once (then Shard::finished() was called).
  void start();
  /// Ends it in its protocol's words.
  void end(const Error& why);

  control::SessionId id() const { return id_; }
  /// False for what is no session: connections to nobody's machine, and refused ones.
  bool is_session() const { return state_ != State::Bypass && target_ != nullptr && !denied_; }
  control::SessionInfo info() const;
  /// This viewer types from now on. Errors: BadValue (it looks at no screen).
  Result<void> take_keyboard();

 private:
  enum class State { New, Secure, Join, Screen, Flush, Relay, Bypass, Closing, Ended };

  void start_target(const Directory::Match& match);
  void secure_client();
  void start_joint();
  std::unique_ptr<session::Joint> make_joint(std::string& impossible);
  void start_bypass();
  bool start_screen();
  void start_script();
  void open_screen(const std::string& key, const session::ViewerOptions& options);
  bool is_script() const { return !script_.empty(); }
  std::string client_name() const { return is_script() ? script_ : client_at_.to_string(); }
  void pump_screen();
  void secure_viewer();
  void screen_start_tls() override;
  void screen_known(rfb::SecurityType security, bool tls) override;
  void screen_joined() override;
  void screen_ended(const Error& error) override;
  void screen_output() override;
  void leave_screen();
  void log_open();
  void log_end(std::string_view cause, std::string_view side, std::string_view why, std::uint64_t rx,
               std::uint64_t tx);

  void pump(bool client_readable, bool device_readable);
  bool pump_client(bool readable);
  bool pump_device(bool readable);
  bool write_client();
  bool write_device();
  void handle_events();
  void handle(session::NeedDevice& need);
  void handle(session::ClientKnown& who);
  void handle(session::HandOff& hand_off);
  void handle(session::End& end);
  void device_done(std::variant<device::Opened, device::Failure> outcome);
  void start_relay();
  void relay_ended(const net::RelayEnd& end);
  void failed(const Error& error);
  void closing();
  void drain_closing();
  void on_timer();
  void arm();
  void ended();
  void judge_passthrough(bool accepted);

  Shard& shard_;
  const control::SessionId id_;
  const std::string script_;  // what a script is called; empty: no script
  const Endpoint client_at_;
  const Endpoint destination_;
  const control::WallTime started_;
  TimePoint began_;
  State state_ = State::New;

  std::shared_ptr<const config::Target> target_;
  std::shared_ptr<const Policy> policy_;  // holds what the joint points into
  std::optional<Error> denied_;
  std::optional<Service> service_;
  std::string user_;
  std::string method_;
  std::string passthrough_account_;  // owed a judgement; empty: none
  Endpoint device_at_;
  std::string device_tls_;
  std::string device_trust_;
  std::string stage_ = "client";
  std::optional<Error> why_;  // what it is ending for

  std::unique_ptr<net::Stream> client_;
  std::unique_ptr<net::Stream> device_;
  std::unique_ptr<session::Joint> joint_;
  std::unique_ptr<device::Opening> opening_;
  std::unique_ptr<net::Connector> connector_;
  ScreenHost* screen_ = nullptr;  // lives as long as we are attached
  bool joined_screen_ = false;
  enum class ViewerTls { None, Due, Handshake } viewer_tls_ = ViewerTls::None;  // in the middle of RFB's opening
  Outbox first_words_;  // to a script: the control protocol's answer
  Outbox last_words_;   // of a viewer that was refused
  std::optional<session::HandOff> hand_off_;
  std::unique_ptr<net::Relay> relay_;
  net::Timer timer_;
};

}  // namespace amtgate::gateway
