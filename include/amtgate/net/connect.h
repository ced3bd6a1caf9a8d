// Connector: one outgoing TCP connection, made asynchronously.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/fd.h"

namespace amtgate::net {

struct ConnectOptions {
  Endpoint to{};
  std::string interface {};          // SO_BINDTODEVICE; empty = as routed
  std::optional<Endpoint> source{};  // port 0 = any; chosen at connect time (IP_BIND_ADDRESS_NO_PORT)
  bool foreign_source = false;       // `source` is not ours: IP_TRANSPARENT (needs CAP_NET_ADMIN)
  std::uint32_t mark = 0;            // SO_MARK (needs CAP_NET_ADMIN); 0 = none
  Duration deadline = seconds(10);
  bool we_speak_first = false;  // the handshake's last ACK may wait for our first bytes, a segment less
};

class Connector {
 public:
  /// Gives the connected, non-blocking, close-on-exec socket, or: Refused, Timeout, Unreachable (no route, network or
  /// host unreachable, interface missing, source not ours), System (no descriptors, a right that we lack). The detail
  /// is a sentence that names the endpoint and, where it matters, the interface.
  using Done = std::function<void(Result<sys::UniqueFd>)>;

  /// Starts at once; `done` comes once, from the loop, never from inside here. Destroying the connector before
  /// cancels.
  Connector(Loop& loop, const ConnectOptions& options, Done done);
  ~Connector();
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace amtgate::net
