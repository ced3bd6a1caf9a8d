// ServerHandshake: RFB's opening, the server's side, towards a viewer. The viewer is kept waiting at the last point
// where a refusal can still be put into words, while the owner opens the device:
//
//   version, security choice, password  -> ViewerReady    the owner opens the device, then accept() or refuse()
//   SecurityResult, ClientInit          -> ClientInit, then Done: ServerInit is the owner's to send
//
// refuse() may come at any time, also before the first byte: the handshake goes on to the next point where this
// version has words for it, says them, and raises Refused. Where words are possible, by version:
//   3.8  in place of the list of types; after the choice or the password as SecurityResult 1 with a reason
//   3.7  in place of the list; therefore the list is kept back until accept() when None is all that is offered.
//        After a password as SecurityResult 1 without a reason
//   3.3  in place of the one type; therefore None is announced at accept() only. After a password: as 3.7
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/base/machine.h"
#include "amtgate/rfb/protocol.h"
#include "amtgate/rfb/vnc_auth.h"

namespace amtgate::rfb {

class ServerHandshake {
 public:
  struct Password {
    std::string text;          // the first 8 bytes count
    VncChallenge challenge{};  // fresh random bytes, for this one viewer
  };
  struct Options {
    Greeting greeting = Greeting::V3_8;
    bool none = true;  // security type None is offered; in 3.3, where the server dictates, it is what is used
    std::optional<Password> password;        // VNC authentication is offered
    std::vector<std::uint8_t> extra_types;   // announced behind those (AMT: 128); choosing one is refused
    milliseconds step_timeout{15'000};       // for each message that the viewer's program sends by itself
    milliseconds password_timeout{120'000};  // for the one that a person types
  };

  struct ViewerReady {
    Version version;
    SecurityType security;  // None or VncAuth (passed)
  };
  struct ClientInit {
    bool shared;
  };
  /// Nothing is left of the handshake: what follows is take_rest() and the owner's.
  struct Done {};
  /// refuse() has been carried out as far as the version has words: flush output() and close.
  struct Refused {};
  using Event = std::variant<ViewerReady, ClientInit, Done, Refused>;

  /// What a viewer may send ahead of our answers; no stock viewer sends more than a few bytes.
  static constexpr std::size_t kMaxEarly = 4096;

  ServerHandshake(Options options, TimePoint now);

  /// Errors: BadValue (no RFB version, a security type that was not offered; both are told to the viewer where
  /// possible), AuthFailed (wrong password, told), TooLarge (kMaxEarly), System (no DES).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n) { out_.sent(n); }
  std::optional<TimePoint> deadline() const { return deadline_; }
  /// Errors: Timeout.
  Result<void> tick(TimePoint now);

  /// Answers ViewerReady. Takes up what the viewer has sent meanwhile. Errors: as receive().
  Result<void> accept(TimePoint now);
  /// Ends the handshake with `reason`, made printable and cut to kMaxReason. No effect after Done, Refused or an
  /// error.
  void refuse(std::string_view reason, TimePoint now);

  /// Empty until the viewer has sent its version.
  std::optional<Version> version() const { return version_; }
  /// What arrived behind ClientInit; empties it.
  Buffer take_rest();

 private:
  enum class State { Version, Choice, Response, WaitOwner, LateChoice, ClientInit, Done, Over };

  Result<void> step(TimePoint now);
  Result<bool> on_version(TimePoint now);
  Result<bool> on_choice(TimePoint now);
  Result<bool> on_response(TimePoint now);
  Result<bool> on_client_init();
  void send_types();
  void send_challenge(TimePoint now);
  void send_no_types(std::string_view reason);
  void send_failure(std::string_view reason);
  void viewer_ready(SecurityType type);
  void wait(State state, milliseconds how_long, TimePoint now);
  void end_refused();
  Result<void> over(Error error);
  bool none_only() const { return options_.none && !options_.password && options_.extra_types.empty(); }

  Options options_;
  State state_ = State::Version;
  std::optional<Version> version_;
  SecurityType security_ = SecurityType::Invalid;
  std::optional<std::string> refusal_;  // to be said as soon as the version has words
  Buffer in_;
  Outbox out_;
  std::deque<Event> events_;
  std::optional<TimePoint> deadline_;
};

static_assert(Machine<ServerHandshake>);

}  // namespace amtgate::rfb
