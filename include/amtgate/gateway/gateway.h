// Gateway: accepts what the kernel hands over, finds the target, and owns every session. The one object that the
// daemon starts, asks and stops; all its calls come from one thread, its workers live inside.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/auth/role.h"
#include "amtgate/base/result.h"
#include "amtgate/config/config.h"
#include "amtgate/control/commands.h"
#include "amtgate/sys/fd.h"

namespace amtgate::gateway {

struct Options {
  std::string cert_pem;  // what TLS clients see: certificate (chain) and key, as text
  std::string key_pem;
};

/// What an account of this host may ask, that is no operator's: what the users file gives the user of its name.
struct AccountRights {
  std::string user;
  std::optional<auth::Role> everywhere;
  std::function<std::optional<auth::Role>(std::string_view target)> at;
};

/// A script that looks at a machine's screen (control/protocol.h).
struct Script {
  std::string who;                      // what the list of sessions calls it: "control (uid 0)"
  std::optional<AccountRights> rights;  // none: an operator's, that may do everything
  bool types = false;                   // it wants to type, and not only to look
  bool serial = false;                  // it means the serial console
};

class Gateway {
 public:
  /// Opens what needs privileges (transparent listeners, the packet queue), all of it before start() begins to serve.
  /// Errors: System, with what was tried and what is missing.
  static Result<std::unique_ptr<Gateway>> open(std::shared_ptr<const config::Config> config, Options options);
  virtual ~Gateway() = default;

  /// Starts the threads. After privileges were dropped.
  /// Errors: System.
  virtual Result<void> start() = 0;

  /// New sessions follow `config`; those that run live on. What only a restart can change (mode, port, queue number,
  /// workers, mark, table) keeps its old value: the sentences returned name each such key.
  virtual std::vector<std::string> reload(std::shared_ptr<const config::Config> config) = 0;

  virtual std::vector<control::SessionInfo> sessions() const = 0;
  /// Ends one session in its protocol's words. Errors: BadValue (no such session).
  virtual Result<void> end(control::SessionId id, const std::string& why) = 0;
  /// The keyboard of its screen goes to this viewer. Errors: BadValue (no such session, or no viewer of a screen).
  virtual Result<void> give(control::SessionId id) = 0;
  /// As control::Commands has them.
  virtual Result<std::size_t> park(const std::string& target, const std::string& what, Duration lease) = 0;
  virtual Result<void> unpark(const std::string& target) = 0;

  /// As control::Commands has them.
  virtual std::vector<control::ImageInfo> images() const = 0;
  virtual Result<void> attach(const control::AttachRequest& request) = 0;
  virtual Result<void> detach(const std::string& target) = 0;

  /// What the users file gives to the user of this name; nothing where it does not know one.
  virtual std::optional<AccountRights> rights(const std::string& user) const = 0;

  /// Makes a connection a viewer of a machine's shared screen, or one of its serial console, that of a script.
  /// `allow` does not count here.
  using TakeViewer = std::function<void(sys::UniqueFd connection)>;
  /// `machine`: a target's name or an address. Errors: BadValue (no such machine), Refused (its screen is not
  /// served, or the script's account has not the role for it), Unreachable (its name does not resolve).
  virtual Result<TakeViewer> viewer(const std::string& machine, const Script& script) = 0;

  virtual control::Status status() const = 0;
  virtual std::vector<control::Metric> metrics() const = 0;

  /// Stops accepting, ends every session in its protocol's words, and returns when all are gone or `patience` is
  /// over; then the threads have ended.
  virtual void drain(std::chrono::milliseconds patience) = 0;
};

}  // namespace amtgate::gateway
