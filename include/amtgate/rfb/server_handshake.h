// ServerHandshake: RFB's opening, the server's side, towards a viewer. The viewer is kept waiting at the last point
// where a refusal can still be put into words, while the owner opens the device:
//
//   version, security choice, password  -> ViewerReady    the owner opens the device, then accept() or refuse()
//   SecurityResult, ClientInit          -> ClientInit, then Done: ServerInit is the owner's to send
//
// With VeNCrypt the password is asked for inside of TLS:
//
//   version, security type, VeNCrypt version and subtype  -> StartTls     the owner runs TLS, then tls_started()
//   password                                              -> ViewerReady  and on as above
//
// or, with users of the owner's (X509Plain), for a user and a password:
//
//   user, password                                        -> Login        the owner looks them up, then let_in() or
//                                                                         turn_away()
//                                                         -> ViewerReady  and on as above
//
// VeNCrypt 0.2, behind the choice of security type 19 (source: rfbproto community description; TigerVNC, gtk-vnc and
// libvncclient do the same):
//   server  0 major 0 | 1 minor 2
//   viewer  0 major | 1 minor: the highest that it knows and the server has; 0.0 when there is none
//   server  0 acknowledgement, 0 = yes, else the end | 1 number of subtypes | 2 subtypes (BE32 each)
//   viewer  0 subtype (BE32)
//   server  0 acknowledgement, 1 = yes, else the end; then TLS, with the server as TLS server
// Inside follows the challenge (subtype X509Vnc) and, also for X509None and in 3.7, a SecurityResult. With X509Plain
// the viewer sends, before the result:
//   0 length of the user's name (BE32) | 4 length of the password (BE32) | 8 the name | the password
//
// refuse() may come at any time, also before the first byte: the handshake goes on to the next point where this
// version has words for it, says them, and raises Refused. Where words are possible, by version:
//   3.8  in place of the list of types; after the choice or the password as SecurityResult 1 with a reason
//   3.7  in place of the list; therefore the list is kept back until accept() when None is all that is offered.
//        After a password as SecurityResult 1 without a reason
//   3.3  in place of the one type; therefore None is announced at accept() only. After a password: as 3.7
// VeNCrypt has only numbers to say no with, so a refusal that comes between the list and TLS waits for the
// SecurityResult inside of TLS (in 3.7 without a reason). 3.3 has no list, so its viewers are always refused, in
// words.
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
    bool vencrypt = false;                   // these two inside of TLS only, as VeNCrypt's X509None and X509Vnc
    bool login = false;                      // user and password, X509Plain, is offered; with vencrypt only
    std::vector<std::uint8_t> extra_types;   // announced behind those (AMT: 128); choosing one is refused
    milliseconds step_timeout{15'000};       // for each message that the viewer's program sends by itself
    milliseconds password_timeout{120'000};  // for those that a person types, or looks at a certificate before
  };

  struct ViewerReady {
    Version version;
    SecurityType security;  // None, or VncAuth or Plain (passed)
    bool tls = false;       // inside of VeNCrypt's TLS
  };
  /// The viewer waits for TLS: write output() to the last byte, be TLS server on the connection, then call
  /// tls_started(). From there on receive() and output() are the bytes inside. TLS has until deadline(): viewers ask
  /// a person about our certificate before its end (libvncclient) or right behind it (TigerVNC). No session tickets:
  /// TigerVNC stalls behind one (tls::ServerPolicy).
  struct StartTls {};
  /// What the viewer says who it is. Any bytes: escape them before they go to a log.
  struct Login {
    std::string user;
    std::string password;
  };
  struct ClientInit {
    bool shared;
  };
  /// Nothing is left of the handshake: what follows is take_rest() and the owner's.
  struct Done {};
  /// refuse() has been carried out as far as the version has words: flush output() and close.
  struct Refused {};
  using Event = std::variant<StartTls, Login, ViewerReady, ClientInit, Done, Refused>;

  /// What a viewer may send ahead of our answers; no stock viewer sends more than a few bytes.
  static constexpr std::size_t kMaxEarly = 4096;
  /// Of a user's name, and of a password.
  static constexpr std::size_t kMaxLogin = 256;

  ServerHandshake(Options options, TimePoint now);

  /// Errors: BadValue (no RFB version, a security type or subtype that was not offered; told to the viewer where
  /// possible; bytes between VeNCrypt's choice and TLS, which somebody on the way may have put there), Unsupported
  /// (3.3 where it has no type; VeNCrypt other than 0.2), AuthFailed (wrong password, told), TooLarge (kMaxEarly,
  /// kMaxLogin), System (no DES).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n) { out_.sent(n); }
  std::optional<TimePoint> deadline() const { return deadline_; }
  /// Errors: Timeout.
  Result<void> tick(TimePoint now);

  /// Answers StartTls. output() is empty then.
  void tls_started(TimePoint now);
  /// Answers Login: ViewerReady follows, or Refused where refuse() came before.
  void let_in();
  /// Answers Login: the viewer is told `reason`, as refuse() would, and Refused follows.
  void turn_away(std::string_view reason);
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
  enum class State {
    Version,
    Choice,
    VencryptVersion,
    VencryptSubtype,
    Tls,  // the owner's: until tls_started()
    Response,
    Login,
    WaitLogin,  // the owner's: until let_in() or turn_away()
    WaitOwner,
    LateChoice,
    ClientInit,
    Done,
    Over
  };

  Result<void> step(TimePoint now);
  Result<bool> on_version(TimePoint now);
  Result<bool> on_choice(TimePoint now);
  Result<bool> on_vencrypt_version(TimePoint now);
  Result<bool> on_vencrypt_subtype(TimePoint now);
  Result<bool> on_response(TimePoint now);
  Result<bool> on_login();
  Result<bool> on_client_init();
  void send_types();
  void send_challenge(TimePoint now);
  void send_no_types(std::string_view reason);
  void send_failure(std::string_view reason);
  void viewer_ready(SecurityType type);
  void wait(State state, milliseconds how_long, TimePoint now);
  void end_refused();
  Result<void> over(Error error);
  bool none_only() const {
    return options_.none && !options_.password && !options_.vencrypt && options_.extra_types.empty();
  }
  std::vector<VencryptSubtype> subtypes() const;

  Options options_;
  State state_ = State::Version;
  std::optional<Version> version_;
  SecurityType security_ = SecurityType::Invalid;
  bool tls_ = false;
  std::optional<std::string> refusal_;  // to be said as soon as the version has words
  Buffer in_;
  Outbox out_;
  std::deque<Event> events_;
  std::optional<TimePoint> deadline_;
};

static_assert(Machine<ServerHandshake>);

}  // namespace amtgate::rfb
