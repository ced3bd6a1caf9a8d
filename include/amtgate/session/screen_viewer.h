// ScreenViewer: one VNC viewer from its first byte to its last: RFB's opening, then a server that shows it a screen.
// Who it is and whether there is a screen for it is its owner's business (SharedScreen).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "amtgate/auth/random.h"
#include "amtgate/base/machine.h"
#include "amtgate/rfb/server_handshake.h"
#include "amtgate/rfb/server_role.h"

namespace amtgate::session {

/// Keyboard and mouse of the screen.
enum class Hands : std::uint8_t { Off, On };

/// Knows the users that viewers log in as. Const in use; the same one may serve many viewers.
class ViewerLogin {
 public:
  virtual ~ViewerLogin() = default;
  /// Whether this user may touch the screen or only look at it. Errors: AuthFailed (the viewer is told no more than
  /// that), Refused (it is told the sentence).
  virtual Result<Hands> judge(std::string_view user, std::string_view password) const = 0;
};

struct ViewerOptions {
  std::optional<std::string> password;         // asked of the viewer; the first 8 bytes count
  bool tls = false;                            // inside of VeNCrypt's TLS only
  std::shared_ptr<const ViewerLogin> login{};  // user and password, in place of `password`; with `tls` only
  Hands hands = Hands::On;                     // without a login
  /// A script of the administrator's. It was let in already, so there is no opening: the connection begins with
  /// ServerInit, once there is a picture. What it wants of a screen that is shared: see SharedScreen.
  bool script = false;
};

class ScreenViewer {
 public:
  /// Write output() to the last byte, be TLS server on the connection, then tls_started().
  struct StartTls {};
  /// It may see the screen now: accept() or end().
  struct Ready {
    rfb::SecurityType security;
    bool tls;
    std::string user{};  // as it has logged in
    Hands hands = Hands::On;
  };
  /// It is shown the screen from here on.
  struct Joined {};
  /// Nothing more is taken; output() holds the last words.
  struct Ended {
    Error error;
  };
  using Event = std::variant<StartTls, Ready, Joined, Ended, rfb::KeyEvent, rfb::QemuKeyEvent, rfb::PointerEvent>;

  ScreenViewer(const ViewerOptions& options, auth::RandomSource& random, TimePoint now);

  void receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  bool has_events() const { return !events_.empty(); }
  Bytes output() const;
  void sent(std::size_t n);
  std::optional<TimePoint> deadline() const;
  void tick(TimePoint now);

  void tls_started(TimePoint now);
  /// Answers Ready. The size is that of the moment; the viewer is told of another one when it has joined.
  void accept(rfb::Size size, const std::string& name, TimePoint now);
  /// Ends it in RFB's words, where the opening still has some; a viewer that has joined is just closed. Ended
  /// follows, at the latest at the deadline.
  void end(const Error& error, TimePoint now);

  /// Null before Joined and after Ended.
  rfb::ServerRole* screen() { return state_ == State::Live ? &*role_ : nullptr; }
  bool joined() const { return state_ == State::Live; }
  bool over() const { return state_ == State::Over; }

 private:
  enum class State { Opening, Waiting, Refusing, Live, Over };

  void drain_handshake(TimePoint now);
  void drain_role();
  void judge(const rfb::ServerHandshake::Login& login);
  void over(Error error);

  State state_ = State::Opening;
  bool script_;
  std::shared_ptr<const ViewerLogin> login_;
  Hands hands_;
  std::string user_;
  rfb::ServerHandshake handshake_;  // of nobody, where it is a script
  std::optional<rfb::ServerRole> role_;
  rfb::Size size_;
  std::string name_;
  std::optional<Error> error_;  // Refusing: why
  std::deque<Event> events_;
};

}  // namespace amtgate::session
