// Flow: one accepted connection, from accept() to its end. It finds out whose it is (the directory says so), and
// takes it through its phases, each a class of its own:
//
//   Secure (TLS ports: the client's handshake) -> Joining -> Relay
//   Web (623, 664, 16992, 16993; behind Secure where it is TLS), to the end
//   Viewing (VNC, translated), to the end; a script at the control socket begins here
//   Serving (SOL that outlives resets or is shared; and programs at the doors of `sol_listen`), to the end
//   Joining, Viewing, Serving, Web -> Closing: the last words go out, then the connection is closed
//   Bypass: not a target's; connected to where the client aimed and relayed
#pragma once

#include <memory>
#include <optional>

#include "amtgate/control/commands.h"
#include "amtgate/gateway/closing.h"
#include "amtgate/gateway/directory.h"
#include "amtgate/gateway/joining.h"
#include "amtgate/gateway/serving.h"
#include "amtgate/gateway/session_record.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/gateway/viewing.h"
#include "amtgate/gateway/web.h"
#include "amtgate/net/connect.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/relay.h"
#include "amtgate/net/stream.h"
#include "amtgate/session/joint.h"

namespace amtgate::gateway {

class Flow final {
 public:
  Flow(Shard& shard, control::SessionId id, net::Accepted accepted);
  Flow(Shard& shard, control::SessionId id, ScriptViewer viewer);
  Flow(Shard& shard, control::SessionId id, SerialCaller caller);
  ~Flow();
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  /// Begins; may end at once (then Shard::finished() was called).
  void start();
  /// Ends it in its protocol's words.
  void end(const Error& why);

  control::SessionId id() const { return record_.id; }
  /// False for what is no session: connections to nobody's machine, and refused ones.
  bool is_session() const { return state_ != State::Bypass && record_.target != nullptr && !record_.denied; }
  control::SessionInfo info() const;
  /// This viewer types from now on. Errors: BadValue (it looks at no screen).
  Result<void> take_keyboard();

 private:
  enum class State { New, Secure, Join, View, Serve, Web, Relay, Bypass, Closing, Ended };

  void start_target(const Directory::Match& match);
  void start_script();
  void start_serial();
  void secure_client();
  void start_session();
  /// What is said to a client that is not let in; its protocol may want it to speak first.
  void join(const std::optional<Error>& refusal);
  void view(const std::string& screen, const session::ViewerOptions& options);
  void web();
  bool provide_serial(const session::NeedDevice& need);
  void serve(SerialHost& host, std::unique_ptr<session::SerialUser> user, Serving::Begin begin);
  void joined(session::HandOff hand_off, device::Opened device);
  void forget_serial();
  void relay(session::HandOff hand_off, device::Opened device);
  void relay_ended(const net::RelayEnd& end);
  void bypass();
  void client_ready(net::Ready ready);
  void failed(const Error& why);
  /// The phase is over: the last words, if the client can still be told any.
  void close(std::optional<LastWords> words);
  void ended();

  Shard& shard_;
  const bool script_;
  const bool door_ = false;                          // it came to the serial console straight
  const session::Hands hands_ = session::Hands::On;  // a script's
  const Endpoint client_at_;
  const Endpoint destination_;
  std::shared_ptr<const Policy> policy_;
  SessionRecord record_;
  State state_ = State::New;
  std::optional<Error> refusal_;  // of a client that `allow` does not name
  std::optional<Error> asked_;    // a relayed session is ended from outside for this

  std::unique_ptr<net::Stream> client_;
  std::unique_ptr<Joining> joining_;
  std::unique_ptr<Viewing> viewing_;
  std::unique_ptr<Serving> serving_;
  SerialHost* serial_ = nullptr;  // asked for, and not attached to yet
  std::unique_ptr<Web> web_;
  std::unique_ptr<net::Connector> connector_;
  std::unique_ptr<net::Relay> relay_;
  std::shared_ptr<const void> device_session_;  // of the relayed one
  std::unique_ptr<Closing> closing_;
};

}  // namespace amtgate::gateway
