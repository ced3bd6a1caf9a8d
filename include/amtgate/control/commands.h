// What the running daemon can be asked: plain structs, and the interface that the daemon implements over the gateway.
// The control socket (protocol.h) and the metrics page (metrics.h) both speak through it.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::control {

using WallTime = std::chrono::system_clock::time_point;

/// Counts from 1 in the daemon's life; never used twice.
struct SessionId {
  std::uint64_t value = 0;
  auto operator<=>(const SessionId&) const = default;
};

struct SessionInfo {
  SessionId id;
  std::string target;   // its name in the configuration
  std::string service;  // "vnc", "sol", "ider", "wsman", "rmcp"
  std::string client;   // "10.0.0.5:51332"
  std::string user;     // who the client authenticated as; empty with client_auth = none
  std::string device;   // "10.99.0.10:16994"
  std::string tls;      // towards the device: "TLSv1.2", or empty for none
  std::string state;    // "connecting", "authenticating", "open", "closing"
  std::string role;     // at a shared screen: "types", "watches", "script"; empty elsewhere
  WallTime started;
  std::uint64_t rx_bytes = 0;  // from the client to the device
  std::uint64_t tx_bytes = 0;  // from the device to the client
};

struct TargetStatus {
  std::string name;
  std::vector<std::string> addresses;  // what clients aim at, as resolved now
  std::string device;                  // where its AMT is, as resolved now; empty: at the address itself
  std::string state;                   // "ready", "unresolved", "backing off", "login refused"
  std::string detail;                  // a sentence when not ready
  std::uint64_t sessions = 0;          // now
  std::uint64_t login_refusals = 0;    // in a row, of the gateway's own login; the most of its machines
  std::uint64_t login_wait = 0;        // seconds until the next login is tried: "backing off" while it is not 0
  /// Sentences: what else the configuration says of it and does not work now, ready or not.
  std::vector<std::string> problems{};
};

/// A drive of a machine that the gateway itself serves an image to.
struct ImageInfo {
  std::string target;
  std::string drive;              // "cd", "floppy"
  std::string image;              // the file, or the address on the web without user and password
  std::string origin;             // "configuration", "control"
  std::string state;              // "waiting", "attached", "away", "failed"
  std::string detail;             // a sentence when not attached
  std::uint64_t size = 0;         // bytes; 0 = not known yet
  std::uint64_t served = 0;       // bytes read by the machine since the drive got this image
  std::uint64_t reads = 0;        // commands of the machine that got them
  std::uint64_t read_errors = 0;  // reads of the image that failed
  std::uint64_t rate = 0;         // of them in a second, lately
  bool web = false;               // from a web server: `cached` counts
  std::uint64_t cached = 0;       // bytes of the image that are here
};

/// Images for a machine's drives; a drive that is not named is empty. None named: those of the configuration.
struct AttachRequest {
  struct Medium {
    std::string name;  // an http or https address, or what the file of `fd` is called
    int fd = -1;       // open for reading, the caller's; -1: `name` is an address
  };
  enum class Start : std::uint8_t { Now, Graceful, Reboot };
  std::string target;
  std::optional<Medium> cd{};
  std::optional<Medium> floppy{};
  Start start = Start::Now;
};

struct Status {
  // Filled by the gateway.
  unsigned workers = 0;
  std::uint64_t sessions = 0;        // now
  std::uint64_t sessions_total = 0;  // since start
  std::uint64_t refused_total = 0;   // clients that policy or the device turned away
  std::vector<TargetStatus> targets;
  std::vector<std::string> problems;  // sentences; empty when all is well
  // Filled by the daemon.
  std::string version;
  std::uint64_t pid = 0;
  std::string config;  // the file
  WallTime started;
  WallTime loaded;             // when the configuration in force was read
  bool reload_failed = false;  // the last reload was refused, and the older configuration is in force
};

enum class MetricType { Counter, Gauge };

/// One sample. Those of one name stand together, with the same help and type.
struct Metric {
  std::string name;  // begins with "amtgate_"; ends in _total, _bytes or _seconds where it counts or has a unit
  std::string help;
  MetricType type = MetricType::Gauge;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

inline constexpr Duration kLongestPark = seconds(120);

class Commands {
 public:
  virtual ~Commands() = default;
  /// Whether who asks may use this command of the protocol at all. Errors: Refused.
  virtual Result<void> may(std::string_view /*command*/) const { return {}; }
  virtual Status status() const = 0;
  virtual std::vector<SessionInfo> sessions() const = 0;
  /// Ends one session in its protocol's words. Errors: BadValue (there is no such session).
  virtual Result<void> end(SessionId id) = 0;
  /// This viewer has the keyboard of its screen from now on. Errors: BadValue (no such session, or no viewer).
  virtual Result<void> give(SessionId id) = 0;
  /// The gateway lets go of the machine's screen before somebody switches it; its viewers stay, and see `what` ("is
  /// being switched off"). Ends by itself after `lease`, at most kLongestPark. Gives how many viewers wait. Errors:
  /// BadValue (no such target).
  virtual Result<std::size_t> park(const std::string& target, const std::string& what, Duration lease) = 0;
  virtual Result<void> unpark(const std::string& target) = 0;
  virtual std::vector<ImageInfo> images() const = 0;
  /// Takes the place of all that is attached to the machine; it goes on behind this call, and images() tells how.
  /// Errors: BadValue (no such target, no image in a file), Refused.
  virtual Result<void> attach(const AttachRequest& request) = 0;
  /// Takes the drives away, those of the configuration too: they come back with attach() or a restart, or when the
  /// configuration says something else. Errors: BadValue (no such target, nothing attached).
  virtual Result<void> detach(const std::string& target) = 0;
  /// Reads the configuration again. Gives every mistake as "FILE:LINE: what is wrong", and keeps the old one then;
  /// empty when the new one is in force.
  virtual std::vector<std::string> reload() = 0;
  virtual std::vector<Metric> metrics() const = 0;
};

}  // namespace amtgate::control
