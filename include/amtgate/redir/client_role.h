// ClientRole: our side of a redirection session towards a device: start, authentication, and for KVM the open
// message.
//
//   ClientRole m({.service = Service::Sol, .credentials = {user, password}}, random, now);
//   pump it;  Started, Authenticated, Open: from here on the bytes are the service's own, beginning with take_rest().
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "amtgate/base/machine.h"
#include "amtgate/redir/message_outbox.h"
#include "amtgate/redir/messages.h"

namespace amtgate::redir {

/// Bytes that a role keeps for its owner at most: what came before accept() or behind the last message. More ends it,
/// so an owner stops reading after the hand-over and calls take_rest().
inline constexpr std::size_t kMaxKept = 256 * 1024;

class ClientRole {
 public:
  /// How far to go before the hand-over.
  enum class Goal {
    Started,        // only 0x10 and 0x11; the owner relays the client's own authentication
    Authenticated,  // KVM's 0x40 is left to the client
    Open,           // all: for KVM 0x40 and 0x41 too; for SOL and IDE-R the same as Authenticated
  };
  struct Options {
    Service service = Service::Sol;      // Vnc (which is KVM), Sol or Ider
    auth::Credentials credentials = {};  // unused with Goal::Started
    Goal goal = Goal::Open;
    bool allow_plaintext = false;        // use method 1 when the device offers neither digest
    milliseconds answer_timeout{10000};  // for each answer of the device
    std::string device = {};             // its name for the sentences, e.g. "pc1"; may be empty
  };

  /// The device's answer to the start was success.
  struct Started {};
  struct Authenticated {
    AuthMethod method;
  };
  /// The goal is reached.
  struct Open {};
  enum class Stage { Start, Query, Challenge, Response, KvmOpen };
  /// The last event. `code`: Busy, Unsupported, Refused (consent, unknown type, other status), AuthFailed, Timeout,
  /// Closed, BadValue or TooLarge (a device that speaks something else). `status` is the wire's status byte, 0 if
  /// none came.
  struct Failed {
    Stage stage;
    Errc code;
    std::uint8_t status;
    std::string sentence;  // for a person; no secrets
  };
  using Event = std::variant<Started, Authenticated, Open, Failed>;

  /// 0x10 is in output() at once. `random` makes the cnonce and must outlive this.
  ClientRole(Options options, auth::RandomSource& random, TimePoint now);

  /// Never an error: what goes wrong is the Failed event. Bytes after Open are kept for take_rest(), bytes after
  /// Failed dropped.
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  /// The first message that is not sent yet: one write each (see message_outbox.h).
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n) { out_.sent(n); }
  std::optional<TimePoint> deadline() const { return deadline_; }
  Result<void> tick(TimePoint now);
  /// The device closed the connection. Failed(Closed) unless it had opened or failed before; with a wrong password
  /// some devices just close, so a close after our response is AuthFailed.
  void closed();

  bool open() const { return state_ == State::Open; }
  /// What arrived behind the last message of the goal; empties it.
  Buffer take_rest();

 private:
  enum class State { Start, Query, Challenge, Response, KvmOpen, Open, Failed };

  void step(TimePoint now);
  bool on_start_reply(Bytes& in, TimePoint now);
  bool on_auth_reply(Bytes& in, TimePoint now);
  bool on_kvm_open_reply(Bytes& in);
  void on_methods(Bytes list, TimePoint now);
  void on_challenge(Bytes data, TimePoint now);
  void authenticated(TimePoint now);
  void expect_answer(State next, TimePoint now);
  void send_authenticate(AuthMethod method, Bytes data);
  void fail(Errc code, std::uint8_t status, std::string sentence);
  std::string who() const;

  Options options_;
  auth::RandomSource& random_;
  State state_ = State::Start;
  AuthMethod method_ = AuthMethod::Query;
  Buffer in_;
  MessageOutbox out_;
  std::deque<Event> events_;
  std::optional<TimePoint> deadline_;
};

static_assert(Machine<ClientRole>);

/// "session start", "authentication query", ...
const char* name(ClientRole::Stage stage);

}  // namespace amtgate::redir
