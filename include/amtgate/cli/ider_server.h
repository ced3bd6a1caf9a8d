// IderServer: serves images to one machine: connects, opens IDE-R, answers; and does so again when the session drops,
// until it is told to end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/cli/exit.h"
#include "amtgate/cli/ider_report.h"
#include "amtgate/cli/screen_session.h"
#include "amtgate/config/config.h"
#include "amtgate/device/dialer.h"
#include "amtgate/ider/client_role.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"

namespace amtgate::cli {

class IderServer {
 public:
  struct Options {
    std::shared_ptr<const config::Target> target;
    config::Host at;             // where its AMT is
    std::string state;           // folder of the certificates that are known
    bool daemons_state = false;  // it is the daemon's own
    std::uint32_t mark = 0;
    ider::ClientRole::Options role{};
    bool once = false;  // no second session
    /// Asked once a second: an image has changed, and why.
    std::function<std::optional<std::string>(ider::Drive)> changed{};
  };

  /// `loop` and `report` outlive it.
  IderServer(net::Loop& loop, IderReport& report, Options options);

  void start() { redial_.arm(Duration::zero()); }
  /// Ctrl-C: once in order, a second time at once.
  void interrupt();
  /// Once the loop has stopped.
  int code() const { return code_; }

 private:
  void dial();
  void dialed(std::variant<device::Opened, device::Failure> outcome);
  void begin(device::Opened opened);
  void on_ready(net::Ready ready);
  void read_some();
  void take(Bytes bytes);
  void take_events();
  void write_some();
  void on_deadline();
  void on_second();
  void say_image(ider::Drive drive, const std::string& what, const char* then);
  void say_failed(ider::Drive drive, const std::string& what);
  void arm();
  void lost(Exit code, const std::string& why);
  void again(const std::string& why);
  void drop();
  void finish(Exit code, const std::string& why);

  net::Loop& loop_;
  IderReport& report_;
  Options options_;
  std::string name_;
  std::unique_ptr<KnownCopy> known_;
  std::unique_ptr<device::Dialer> dialer_;
  std::unique_ptr<device::Opening> opening_;  // these go before the dialer
  std::unique_ptr<device::Opening> opened_;   // the one that is done
  std::unique_ptr<net::Stream> stream_;
  std::shared_ptr<const void> seat_;
  std::optional<ider::ClientRole> role_;
  net::Timer deadline_;
  net::Timer second_;
  net::Timer redial_;
  std::optional<TimePoint> armed_at_;
  std::optional<TimePoint> failures_until_;  // nothing is said of another before
  unsigned failures_unsaid_ = 0;
  std::string said_cd_, said_floppy_;  // the last of say_image()
  unsigned tries_ = 0;                 // in a row that came to nothing
  bool attached_ = false;              // in this session
  bool ever_attached_ = false;
  bool used_ = false;  // the machine has read something: it sees the drives
  bool ending_ = false;
  bool interrupted_ = false;
  bool finished_ = false;
  int code_ = kSaidNo;
};

}  // namespace amtgate::cli
