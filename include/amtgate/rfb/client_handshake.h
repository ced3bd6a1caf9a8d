// ClientHandshake: RFB's opening, the client's side, towards AMT.
//
// AMT greets with 003.008 or 004.000 and speaks 3.8 with everyone who answers 003.008, which is what all its known
// clients answer, whatever the greeting says. Behind a redirection session the type is None; on port 5900 VNC
// authentication with an 8-character password.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/rfb/protocol.h"
#include "amtgate/rfb/server_init.h"
#include "amtgate/rfb/vnc_auth.h"

namespace amtgate::rfb {

class ClientHandshake {
 public:
  struct Options {
    std::string password;              // for VNC authentication; empty: None only. None is preferred where offered
    bool stop_after_security = false;  // do not send ClientInit before proceed()
    bool shared = true;                // of the ClientInit sent without stopping; AMT's own clients say 1
    milliseconds step_timeout{15'000};
  };

  /// SecurityResult 0 came. With stop_after_security the machine waits for proceed(); or the owner takes over
  /// with take_rest() and relays the viewer's ClientInit and the device's ServerInit itself.
  struct SecurityPassed {
    SecurityType type;
  };
  struct Ready {
    ServerInit init;
    Buffer raw;  // the same as it came
  };
  using Event = std::variant<SecurityPassed, Ready>;

  /// A device says at most 255 types, a reason or a name; what is glued behind a ServerInit is the owner's next
  /// bytes and counts as well.
  static constexpr std::size_t kMaxKept = 256U << 10U;

  ClientHandshake(Options options, TimePoint now);

  /// Errors: BadValue (no RFB greeting, a SecurityResult that is neither 0, 1 nor 2), Refused (the device's reason,
  /// made printable and cut), AuthFailed (VNC authentication refused), Unsupported (no type that we have), TooLarge.
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n) { out_.sent(n); }
  std::optional<TimePoint> deadline() const { return deadline_; }
  /// Errors: Timeout, with the message that was waited for.
  Result<void> tick(TimePoint now);

  /// After SecurityPassed with stop_after_security: sends ClientInit. Errors: as receive().
  Result<void> proceed(bool shared, TimePoint now);

  /// What it means that the device closes its connection now. Closed, with what was waited for; or the refusal of
  /// which the reason did not come as a whole.
  Error closed() const;

  /// What arrived behind the last message; empties it.
  Buffer take_rest();

 private:
  enum class State { Greeting, Types, Challenge, ResultCode, Reason, Stopped, Init, Ready, Over };

  Result<void> step(TimePoint now);
  Result<bool> on_greeting(TimePoint now);
  Result<bool> on_types(TimePoint now);
  Result<bool> on_challenge(TimePoint now);
  Result<bool> on_result(TimePoint now);
  Result<bool> on_reason();
  Result<bool> on_init();
  void wait(State state, TimePoint now);
  std::string waited_for() const;

  Options options_;
  State state_ = State::Greeting;
  SecurityType type_ = SecurityType::Invalid;
  Errc refusal_ = Errc::Refused;
  Buffer in_;
  Outbox out_;
  std::deque<Event> events_;
  std::optional<TimePoint> deadline_;
};

static_assert(Machine<ClientHandshake>);

}  // namespace amtgate::rfb
