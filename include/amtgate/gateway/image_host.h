// ImageHost: the drives of one machine that the gateway itself serves: the session (IDE-R), which comes back after
// resets and restarts of AMT, and a medium for each drive, which may be exchanged meanwhile. Lives on the loop of
// Images.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/control/commands.h"
#include "amtgate/device/dialer.h"
#include "amtgate/gateway/served_image.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/ider/client_role.h"
#include "amtgate/image/web_image.h"
#include "amtgate/net/stream.h"

namespace amtgate::gateway {

/// What a drive is to show.
struct ImageSpec {
  std::string source;                           // a path, or an address with its credentials
  std::shared_ptr<const sys::UniqueFd> file{};  // open already: `source` is only its name
  bool operator==(const ImageSpec&) const = default;

  bool web() const { return !file && (source.starts_with("http://") || source.starts_with("https://")); }
};

struct WantedImages {
  std::optional<ImageSpec> cd{};
  std::optional<ImageSpec> floppy{};
  ider::ClientRole::StartMode start =
      ider::ClientRole::StartMode::Now;  // of the first session; those that follow: now
  bool configured = true;                // not by the control socket
  bool none() const { return !cd && !floppy; }
};

/// How long a host rests before it tries again: twice as long each time, from `first` up to `last`.
struct ImagePauses {
  struct Range {
    Duration first;
    Duration last;
  };
  Range session{seconds(1), seconds(10)};
  Range file{seconds(1), seconds(30)};  // that cannot be opened
  /// At least, behind a refusal: nobody mends a password or gives consent in a second, and AMT locks accounts.
  Duration refused = seconds(30);
};

/// What hosts share.
struct ImageTools {
  net::Loop& loop;
  Shared& shared;
  image::Web& web;
  net::Worker& reader;
  ImagePauses pauses{};
};

class ImageHost {
 public:
  /// `gone`: detached, and its session has ended in order; the owner retires it. From the loop.
  /// `totals` outlives it: CD, floppy.
  ImageHost(ImageTools& tools, std::string target, std::array<DriveTotals, 2>& totals, std::function<void()> gone);
  ~ImageHost();
  ImageHost(const ImageHost&) = delete;
  ImageHost& operator=(const ImageHost&) = delete;

  /// Attaches these; what stays the same is not touched. None: detaches.
  void want(const WantedImages& images);
  const WantedImages& wanted() const { return wanted_; }
  /// Names resolve anew: a session with a machine that is not the target's any more ends.
  void moved();
  /// The configuration is another: as moved(), and what was given up for a while is tried again.
  void recheck();
  /// Somebody asks for it: what stood in the way before may be mended.
  void try_now();
  void park(const std::string& what, Duration lease);
  void unpark();
  void detach() { want({}); }
  bool in_session() const { return stream_ != nullptr; }

  void describe(std::vector<control::ImageInfo>& out) const;
  std::optional<control::SessionInfo> session() const;

 private:
  struct Slot {
    ider::Drive drive;
    std::optional<ImageSpec> spec{};
    std::unique_ptr<image::Medium> medium{};
    std::unique_ptr<ServedImage> source{};  // what the role reads, while the medium is ready
    std::string failed{};                   // it could not be opened
    Duration pause{};                       // before the next try
    std::unique_ptr<net::Timer> again{};
  };

  void open(Slot& slot);
  void close(Slot& slot);
  void medium_news(Slot& slot);
  void resume();
  void connect_soon();
  void connect();
  void opened(std::variant<device::Opened, device::Failure> outcome);
  void pump(bool readable);
  void read_some();
  void write_some();
  void take_events();
  void end_session();
  void lost(const Error& why);
  void closed();
  void drop();
  void on_timer();
  std::string state_of(const Slot& slot, std::string& detail) const;

  ImageTools& tools_;
  const std::string target_;
  std::array<DriveTotals, 2>& totals_;
  std::function<void()> gone_;
  WantedImages wanted_;
  std::array<Slot, 2> slots_;  // CD, floppy

  std::shared_ptr<const config::Target> machine_;  // of the session
  std::unique_ptr<device::Opening> opening_;
  std::unique_ptr<net::Stream> stream_;
  std::shared_ptr<const void> device_session_;
  std::optional<ider::ClientRole> role_;
  control::SessionId id_;
  control::WallTime started_;
  Endpoint device_at_;
  std::string device_tls_;
  ider::ClientRole::StartMode start_ = ider::ClientRole::StartMode::Now;  // of this session
  bool enabled_ = false;
  bool ending_ = false;        // asked to end in order
  bool finished_ = false;      // and has
  bool was_attached_ = false;  // since these images are wanted: their start mode has been used
  std::optional<Error> away_;
  std::optional<TimePoint> parked_until_;
  Duration pause_;
  std::optional<TimePoint> connect_at_;
  net::Timer timer_;
};

}  // namespace amtgate::gateway
