// Relay: joins a client's and a device's stream after hand-over, until both directions have ended.
//
// Each direction is direct or goes through a Transform. Direct bytes are spliced in the kernel (splice(2) through a
// pipe of the loop's pool) where both sockets allow it, else copied through a buffer of the loop's pool; an idle
// direction holds neither. A side that does not take bytes stops the reading of the other. The end of one side's
// bytes (FIN, close_notify) is passed on and the other direction goes on; a reset or failure ends both.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"

namespace amtgate::net {

/// What reshapes one direction's bytes. Lives on the loop with the relay; never throws.
class Transform {
 public:
  virtual ~Transform() = default;

  /// Bytes from the reading side, any number. Called only when next() has nothing. An error ends the relay, after the
  /// pieces that next() still has were written.
  virtual Result<void> feed(Bytes in, TimePoint now) = 0;

  struct Piece {
    Bytes bytes;          // never empty; lives until the next call of next() or feed()
    Duration hold_after;  // wait so long before the next piece, or until the writing side's own bytes arrive
  };
  /// The next piece: exactly one write() where the socket takes it whole, one TLS record if at most 16 KiB.
  virtual std::optional<Piece> next() = 0;

  /// The reading side has ended: what was kept as incomplete becomes pieces now.
  virtual void finish() {}

  /// What the writing side is told when the relay is ended from outside (Relay::end()), in its protocol's words;
  /// asked for between pieces only. Empty: nothing can be said.
  virtual Buffer farewell() { return {}; }
};

/// What the relays of one loop share: pipes and copy buffers that are not in use. Outlives them.
class RelayPool {
 public:
  explicit RelayPool(Loop& loop);
  ~RelayPool();
  RelayPool(const RelayPool&) = delete;
  RelayPool& operator=(const RelayPool&) = delete;

  struct Impl;
  Impl& impl() { return *impl_; }
  Loop& loop();

 private:
  std::unique_ptr<Impl> impl_;
};

enum class Side : std::uint8_t { Client, Device };
/// "client", "device".
const char* name(Side side);

enum class EndCause : std::uint8_t {
  Closed,  // both directions ended in order
  Reset,   // a side reset its connection
  Failed,  // a side failed otherwise (TLS, keepalive), or a transform refused bytes
  Idle,    // nothing moved for the idle timeout
  Asked,   // end()
};
/// "closed", "reset", "failed", "idle", "asked".
const char* name(EndCause cause);

struct RelayEnd {
  EndCause cause = EndCause::Closed;
  Side side = Side::Client;      // who ended first
  std::optional<Error> error{};  // with Reset and Failed
};

struct RelayDirection {
  /// Null = direct. May come with bytes fed already (leftovers of the handshake): its pieces are written at once.
  std::unique_ptr<Transform> transform{};
  Buffer first{};  // written before anything else, as it is, in one write
};

struct RelayOptions {
  RelayDirection to_device{};
  RelayDirection to_client{};
  Duration idle_timeout{0};  // 0 = none
  /// After one side has ended in order, the other has so long to end too; 0 = for ever.
  Duration linger = seconds(0);
};

struct RelayStats {
  std::uint64_t to_device_bytes = 0;  // written
  std::uint64_t to_client_bytes = 0;
  std::uint64_t spliced_bytes = 0;  // of both, those that never came through user space
};

class Relay {
 public:
  /// Comes once, from the loop, when nothing is left to do; the sockets are closed by then. The owner retires the
  /// relay.
  using OnEnd = std::function<void(const RelayEnd&)>;

  /// Takes the streams over, handshakes done. Starts at once; no callback from inside here.
  Relay(RelayPool& pool, std::unique_ptr<Stream> client, std::unique_ptr<Stream> device, RelayOptions options,
        OnEnd on_end);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Ends it from outside: sides are told by their transform's farewell(), where that fits between two pieces, and
  /// closed in order; what is under way is lost. on_end comes, with Asked.
  void end();

  RelayStats stats() const;
  /// When bytes last moved in either direction, to about a second.
  TimePoint last_activity() const;
  const Stream* client() const;
  const Stream* device() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace amtgate::net
