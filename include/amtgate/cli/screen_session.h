// ScreenSource and ScreenSession: a script's way to a machine's screen, or to its serial console. Through the daemon
// where one runs, so that a script shares the machine's one KVM session with whoever looks at it; else straight to
// the machine, in this process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/cli/common.h"
#include "amtgate/cli/direct_screen.h"
#include "amtgate/cli/direct_serial.h"
#include "amtgate/cli/machine_options.h"
#include "amtgate/cli/picture.h"
#include "amtgate/config/config.h"
#include "amtgate/control/protocol.h"
#include "amtgate/device/dialer.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"
#include "amtgate/rfb/picture_client.h"
#include "amtgate/sys/fd.h"

namespace amtgate::cli {

/// Certificates that the daemon knows, for a while in which this process talks to its machines: a copy that goes back
/// as the daemon's own file when something was added.
class KnownCopy {
 public:
  explicit KnownCopy(std::string state);
  ~KnownCopy();
  KnownCopy(const KnownCopy&) = delete;
  KnownCopy& operator=(const KnownCopy&) = delete;
  const std::string& folder() const { return folder_; }

 private:
  std::string state_;
  std::string folder_;
  std::string before_;
};

class ScreenSource {
 public:
  struct Options {
    std::string machine;  // a target's name or an address; with `host` a name or address of any machine
    bool types = false;   // keys and pointer, too
    bool serial = false;  // its serial console instead
    bool direct = false;  // not through the daemon
    bool host = false;    // no target: `login` says how to log in. Always direct
    MachineOptions login = default_machine();
  };

  /// `common` outlives this. Errors: System.
  static Result<std::unique_ptr<ScreenSource>> open(const Common& common, Options options);

  /// A connection on which the answer to `viewer` comes, and RFB or the console's bytes (control/protocol.h). One at
  /// a time. Errors, each a whole line: BadValue (no such target), Unreachable (a name that does not resolve),
  /// System.
  Result<sys::UniqueFd> connect();
  net::Loop& loop() { return *loop_; }
  const std::string& machine() const { return options_.machine; }
  /// Why the console of a machine that this process talks to has ended; empty elsewhere.
  std::optional<Error> serial_end() const { return serial_ ? serial_->end() : std::nullopt; }

 private:
  ScreenSource(const Common& common, Options options, std::unique_ptr<net::Loop> loop)
      : common_(common), options_(std::move(options)), loop_(std::move(loop)) {}
  Result<sys::UniqueFd> connect_daemon(sys::UniqueFd fd) const;
  Result<sys::UniqueFd> connect_target(const std::string& no_daemon);
  Result<sys::UniqueFd> connect_host();
  Result<sys::UniqueFd> begin(std::shared_ptr<const config::Target> target, const IpAddress& address);

  const Common& common_;
  Options options_;
  std::unique_ptr<net::Loop> loop_;
  std::shared_ptr<const config::Config> config_;  // for targets without the daemon
  std::optional<KnownCopy> known_;
  std::optional<device::Dialer> dialer_;
  std::optional<DirectScreen> screen_;
  std::optional<DirectSerial> serial_;
};

class ScreenSession {
 public:
  /// Waits until the machine's picture is there. Errors: those of connect(); what the daemon or the machine said,
  /// with its own code; Timeout; Closed. `source` outlives this.
  static Result<std::unique_ptr<ScreenSession>> open(ScreenSource& source, TimePoint until);

  /// Until the whole screen has come. Errors: Timeout, Closed (the machine went away).
  Result<void> wait_complete(TimePoint until);
  /// Until something on it has changed; false: nothing has. Errors: Closed.
  Result<bool> wait_update(TimePoint until);
  Picture picture() const { return {client_.size(), client_.rgb()}; }

  void key(const rfb::KeyEvent& event);
  /// Until all keys have gone on to the machine. Errors: Timeout, Closed.
  Result<void> wait_sent(TimePoint until);
  /// Goes on with the connection meanwhile. Errors: Closed.
  Result<void> pause(Duration time);

  const control::ViewerInfo& info() const { return info_; }

 private:
  explicit ScreenSession(ScreenSource& source) : source_(source) {}
  bool run_until(const std::function<bool()>& done, TimePoint until);
  void pump();
  void read_some();
  void take(Bytes in);
  void take_answer();

  ScreenSource& source_;
  std::unique_ptr<net::Stream> stream_;
  std::string answer_;
  bool answered_ = false;
  bool begun_ = false;
  std::uint64_t updates_ = 0;
  control::ViewerInfo info_;
  rfb::PictureClient client_;
  std::optional<Error> error_;
};

}  // namespace amtgate::cli
