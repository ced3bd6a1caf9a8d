// Joint: one client joined to one device, from the client's first byte to the point where nothing is left to
// translate. It is a machine with two wires: bytes come in from both sides, bytes go out to both sides, and what
// it cannot do itself (reach the device, relay for good) it asks of its owner by an event.
//
//   client ── receive_client ──> ┌───────┐ ──> device_output ── device
//   client <── client_output ─── │ Joint │ <── receive_device ── device
//                                └───────┘ ──> next_event: NeedDevice, HandOff, End
//
// Order of things: the client speaks, NeedDevice is raised, the owner answers with device_opened() or
// device_failed(), the client is told in its own protocol's words, and HandOff ends the machine's life: the owner
// relays from there. After End nothing more is taken; the owner flushes client_output() and closes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/base/machine.h"
#include "amtgate/base/result.h"
#include "amtgate/base/service.h"
#include "amtgate/base/time.h"

namespace amtgate::session {

/// What a device may send before its client is ready for it. More ends the session: AMT is silent until it is asked.
inline constexpr std::size_t kMaxEarly = 64 * 1024;

/// How far the owner takes the device before device_opened().
enum class Depth {
  Authenticated,  // session started and logged in with the gateway's credentials; for KVM opened (0x40/0x41)
  Transport,      // connected and TLS only: the joint itself relays start and authentication (passthrough)
};

struct NeedDevice {
  Service service;
  Depth depth;
};

/// Why the device cannot be had. `start_status` is byte 1 of its 0x11 where it came so far, 0 otherwise: a
/// redirection client is told the very same.
struct DeviceFailure {
  Error error;
  std::uint8_t start_status = 0;
};

/// What still has to be done to the device's bytes after hand-off.
enum class Carry {
  Splice,        // nothing: as they are
  SolMessages,   // one redirection message of the device at a time (SOL)
  IderMessages,  // the same for IDE-R
};

struct HandOff {
  Buffer to_client;  // bytes to be sent first, already read from the other side
  Buffer to_device;
  Carry from_device = Carry::Splice;  // the client's bytes go as they are
};

/// The session is over before it was joined. `error` is for the log; the client's words are in client_output().
struct End {
  Error error;
};

/// Who the client turned out to be, for the audit line.
struct ClientKnown {
  std::string user;    // empty where the client gave none
  std::string method;  // "none", "digest", "password", "vnc-password", "passthrough"
};

using Event = std::variant<NeedDevice, ClientKnown, HandOff, End>;

class Joint {
 public:
  virtual ~Joint() = default;

  virtual void receive_client(Bytes in, TimePoint now) = 0;
  virtual void receive_device(Bytes in, TimePoint now) = 0;

  /// The next unit for each side, empty when there is none. A unit is one message: the edge gives it to one write()
  /// (one TLS record), since stock clients lose messages that arrive glued together.
  virtual Bytes client_output() const = 0;
  virtual void client_sent(std::size_t n) = 0;
  virtual Bytes device_output() const = 0;
  virtual void device_sent(std::size_t n) = 0;

  virtual std::optional<Event> next_event() = 0;

  /// Answers to NeedDevice. `rest` is what the device sent behind the last message of its opening.
  virtual void device_opened(Bytes rest, TimePoint now) = 0;
  virtual void device_failed(const DeviceFailure& failure, TimePoint now) = 0;
  /// It is over for another reason (policy, the device closed, the gateway stops): say so to the client in the words
  /// that it knows. May come at any time, also before the client's first byte; End follows, at the latest at the
  /// deadline, since some protocols let a server say why only after the client has spoken.
  virtual void fail(const Error& error, TimePoint now) = 0;

  virtual std::optional<TimePoint> deadline() const = 0;
  virtual void tick(TimePoint now) = 0;
};

}  // namespace amtgate::session
