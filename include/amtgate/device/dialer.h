// Dialer: from a target and an address to a redirection service that is connected, trusted and logged in.
//
//   connect (16995 or 16994) -> TLS -> certificate judged -> 0x10/0x11 -> digest -> for KVM 0x40/0x41
//
// Or to the machine's web server (Service::Wsman: 16993 or 664, 16992 or 623), connected and trusted: logins are in
// its requests.
//
// One dialer serves all workers: what it remembers of machines (which port answered, TLS sessions to resume, logins
// that were refused) is shared and locked inside.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/auth/random.h"
#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/base/service.h"
#include "amtgate/config/config.h"
#include "amtgate/device/login_guard.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"

namespace amtgate::device {

struct Request {
  std::shared_ptr<const config::Target> target;
  IpAddress address;  // where its AMT is
  Service service = Service::Sol;
  /// False: connected and trusted only; the caller starts the session and logs in. Always so with Service::Wsman.
  bool log_in = true;
  Port first{0};  // of its ports, the one that answered last time; 0 = not known
};

struct Opened {
  std::unique_ptr<net::Stream> stream;
  Buffer rest;  // what came behind the last message of the opening
  Endpoint device;
  std::string tls;     // "TLSv1.2", "" when plain
  std::string trust;   // "ca", "pin", "known", "first_use"; "" when plain
  std::string method;  // of the login: "digest", ...; "" without
  /// To be kept as long as the session: AMT needs a moment to close one, and an open() within the next seconds that
  /// is told "busy" is tried again for that.
  std::shared_ptr<const void> session{};
};

struct Failure {
  Error error;                    // a sentence that names the target, the endpoint, what was tried, and what to do
  std::string stage;              // "guard", "connect", "tls", "trust", "session start", "challenge", ...
  std::uint8_t start_status = 0;  // byte 1 of 0x11 where it was not success
  Endpoint device;
};

/// An attempt under way. Destroying it cancels; then nothing more is called.
class Opening {
 public:
  virtual ~Opening() = default;
};

struct DialerOptions {
  std::string state;       // folder of the file known_certificates
  std::uint32_t mark = 0;  // SO_MARK of our own connections, so that the rules do not catch them; 0 = none
};

class Dialer {
 public:
  using Done = std::function<void(std::variant<Opened, Failure>)>;

  explicit Dialer(DialerOptions options);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  /// `done` comes once, on `loop`, never from inside here. The opening must be destroyed on the loop's thread, before
  /// the dialer.
  std::unique_ptr<Opening> open(net::Loop& loop, Request request, Done done);

  /// For logins that the caller does itself (log_in = false): false when the account has to wait; `why` says how
  /// long.
  bool may_log_in(const std::string& account, std::string& why);
  /// The same for who can wait: after Queue it asks again.
  LoginGuard::Answer ask(const std::string& account);
  /// The account of the gateway's own credentials.
  static std::string own_account(const config::Target& target, const IpAddress& address);
  /// What is said of a login that has to wait.
  static std::string held_back(const config::Target& target, const LoginGuard::Answer& answer);
  void login_judged(const std::string& account, bool accepted);
  void login_undecided(const std::string& account);

  /// New configuration: contexts are made anew, refused logins may be tried again.
  void forget();

  /// What machines refused the gateway's own credentials of targets, with how long the next login waits (zero: it may
  /// be tried). From any thread.
  struct RefusedLogin {
    std::string target;
    std::string address;
    unsigned refusals = 0;  // in a row
    Duration wait{};
  };
  std::vector<RefusedLogin> refused_logins() const;

  /// Logins that were not tried because earlier ones were refused.
  std::uint64_t held_back_total() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace amtgate::device
