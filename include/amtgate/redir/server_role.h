// ServerRole: the device's side of a redirection session, towards a client: the gateway in front of a device, and the
// simulator. The owner decides in between:
//
//   Start          -> accept() or reject(); until then nothing is answered and what the client sends further is kept.
//   Authenticated, AuthFailed
//   OpenRequested  -> confirm_open() (KVM with kvm_open only)
//   HandOff        -> from here on the bytes are the service's own, beginning with take_rest().
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "amtgate/base/machine.h"
#include "amtgate/redir/client_role.h"
#include "amtgate/redir/message_outbox.h"
#include "amtgate/redir/messages.h"

namespace amtgate::redir {

/// Everybody gets in, with any method that a stock client knows and any user and password: the network has decided
/// already.
struct Anyone {};
/// The store decides. It must outlive the machine.
struct Verify {
  const auth::CredentialStore* store = nullptr;
  /// Asked for a user whose login is right: empty, or why this kind of session is none for that user. Not set: it is.
  std::function<std::string(std::string_view user, Service service)> why_not{};
};
/// No authentication here: HandOff follows accept(), and the owner relays 0x13 and 0x14 (see framing.h).
struct StartOnly {};
using AuthPolicy = std::variant<Anyone, Verify, StartOnly>;

class ServerRole {
 public:
  /// What a client gets after a login that failed. It is always told 0x14 status 1 or nothing at all.
  enum class FailureStyle {
    Empty,           // 9 bytes, status 1
    FreshChallenge,  // status 1 with a new challenge, where the method has one
    Silent,          // nothing; the owner just closes
  };
  struct Options {
    /// Announced to a query, and accepted. Anyone accepts 1, 2, 3 and 4 whatever is announced. No 0 (amtterm gives
    /// up).
    std::vector<AuthMethod> methods = {AuthMethod::Password, AuthMethod::Digest};
    AuthPolicy policy = Anyone{};
    std::string qop = "auth";  // list offered by a challenge of method 4, up to 64 characters; "auth" must answer it
    std::string realm = {};    // up to 64 characters; empty: one is made
    bool kvm_open = true;      // KVM: take the client's 0x40 here; false: hand over after authentication
    bool require_query = false;  // refuse (status 2) a login without a query before it
    bool strict_uri = false;     // the digest's uri must be /RedirectionService; otherwise it is hashed as sent
    bool strict_nc = false;      // nc must be exactly 8 hexadecimal digits
    unsigned max_failures = 1;   // failed logins until the end; Mesh clients would go on for ever
    FailureStyle failure_style = FailureStyle::Empty;
    milliseconds step_timeout{15000};  // for each message of the client; zero: no limit
  };

  /// The client's first message. An unknown tag has no service; reject(UnknownType) it.
  struct Start {
    std::optional<Service> service;
    StartSession message;
  };
  struct Authenticated {
    std::string
        user;  // as the client claims it; with Anyone possibly empty. Any bytes: escape it before it goes to a log.
    AuthMethod method;
  };
  struct AuthFailed {
    std::string user;        // as above
    std::string reason;      // "wrong user or password", ...; no secrets
    bool final;              // no further try: flush output() and close
    bool forbidden = false;  // the login was right, and Verify::why_not had a reason
  };
  /// KVM: the client sent 0x40 and waits for 0x41.
  struct OpenRequested {};
  struct HandOff {};
  /// The client sent 0x12. Flush and close.
  struct Ended {};
  using Event = std::variant<Start, Authenticated, AuthFailed, OpenRequested, HandOff, Ended>;

  /// `random` makes nonces (and the realm) and must outlive this.
  ServerRole(Options options, auth::RandomSource& random, TimePoint now);

  /// Errors: Unsupported (something else than this protocol), TooLarge (authentication data, or more than kMaxKept
  /// bytes while the owner decides), BadValue (a message out of order, or too many of them).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  /// The first message that is not sent yet: one write each (see message_outbox.h).
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n) { out_.sent(n); }
  std::optional<TimePoint> deadline() const { return deadline_; }
  /// Errors: Timeout.
  Result<void> tick(TimePoint now);

  /// Answers Start with success: 0x11, 13 bytes, and `oem` (up to 255 bytes; amtterm and hamtsolo cannot take any).
  /// Then takes up what the client has sent meanwhile. Errors: as receive().
  Result<void> accept(TimePoint now, Bytes oem = {});
  /// Answers Start with a refusal, 13 bytes. The owner flushes and closes; nothing more is taken.
  void reject(StartStatus status);
  /// Answers OpenRequested with 0x41, 8 bytes. A status other than 0 ends it: flush and close.
  void confirm_open(std::uint8_t status = 0);

  /// HandOff was reached.
  bool handed_off() const { return state_ == State::HandedOff; }
  const std::string& realm() const { return options_.realm; }
  /// What arrived behind the last message; empties it.
  Buffer take_rest();

 private:
  enum class State { Start, WaitOwner, Login, KvmOpen, WaitOpen, HandedOff, Over };

  Result<void> step(TimePoint now);
  Result<bool> on_start(Bytes& in);
  Result<bool> on_login(Bytes& in, TimePoint now);
  Result<bool> on_kvm_open(Bytes& in);
  void on_password(Bytes data, TimePoint now);
  void on_digest(AuthMethod method, Bytes data, TimePoint now);
  bool accepts(AuthMethod method) const;
  void challenge(AuthMethod method);
  void reply(AuthStatus status, AuthMethod method, Bytes data = {});
  void succeed(std::string user, AuthMethod method, TimePoint now);
  void fail(std::string user, AuthMethod method, std::string reason, TimePoint now, bool forbidden = false);
  void wait_for_client(State next, TimePoint now);
  void hand_off();

  Options options_;
  auth::RandomSource& random_;
  State state_ = State::Start;
  std::optional<Service> service_;
  bool queried_ = false;
  std::string nonce_;  // of the last challenge; empty: none, or used up
  AuthMethod nonce_method_ = AuthMethod::Query;
  unsigned rounds_ = 0;
  unsigned failures_ = 0;
  Buffer in_;
  MessageOutbox out_;
  std::deque<Event> events_;
  std::optional<TimePoint> deadline_;
};

static_assert(Machine<ServerRole>);

}  // namespace amtgate::redir
