// Feature: what stands behind an opened connection: the serial console, the drives, the screen. And FeatureHost, the
// connection as the feature sees it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/sim/json_line.h"
#include "amtgate/sim/machine_state.h"

namespace amtgate::sim {

class FeatureHost {
 public:
  virtual ~FeatureHost() = default;
  /// One message: one write, one TLS record.
  virtual void send(Bytes message) = 0;
  /// Bytes sent and not yet on the wire; the largest number once nothing more will go out.
  virtual std::size_t queued() const = 0;
  /// The opening messages are done: from here on it is stage Stream.
  virtual void opened() = 0;
  virtual void log(const JsonLine& line) = 0;
  /// Ends the connection once everything sent is on the wire. The first reason counts.
  virtual void close(std::string reason) = 0;
  virtual void reboot() = 0;
  virtual void set_mode(Size size) = 0;
  virtual MachineState& machine() = 0;
};

class Feature {
 public:
  virtual ~Feature() = default;
  /// Errors end the connection with their sentence.
  virtual Result<void> receive(Bytes in, TimePoint now) = 0;
  /// Called whenever little is queued: a chance to send the next messages. Stops at kHighMark.
  virtual void produce(TimePoint now) = 0;
  /// False while it cannot take more: the edge stops reading.
  virtual bool wants_input() const { return true; }
  virtual std::optional<TimePoint> deadline() const { return std::nullopt; }
  virtual Result<void> tick(TimePoint /*now*/) { return {}; }
  /// The client has ended its direction, or the connection is over: last words for the log.
  virtual void ended(TimePoint /*now*/) {}
};

/// Output queued above this makes nobody produce more; reading pauses above four times of it.
constexpr std::size_t kHighMark = 256 * 1024;

/// Raw bytes in place of RFB, `total` of them (0: without end): the first MiB of the console's raw stream, over and
/// over. What comes in is thrown away. For measuring relays.
std::unique_ptr<Feature> make_raw_stream(FeatureHost& host, std::uint64_t total);

}  // namespace amtgate::sim
