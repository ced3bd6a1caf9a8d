// Listening sockets: TCP (transparent or not), Unix; and the acceptor that turns them into connections.
//
// Opening is apart from accepting, since opening may need rights that are dropped before the first accept.
#pragma once

#include <sys/types.h>

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

struct ListenOptions {
  Endpoint at{};             // 0.0.0.0 or [::] for any; an IPv6 socket takes IPv6 only: open two
  bool transparent = false;  // IP_TRANSPARENT: takes connections to any address (TPROXY); needs CAP_NET_ADMIN
  bool reuse_port = false;   // one socket per worker on the same port
  int backlog = 4096;
  std::string interface {};  // SO_BINDTODEVICE
};

/// Errors: Busy (address in use), Unreachable (address not ours, interface missing), System (a right we lack).
Result<sys::UniqueFd> open_listener(const ListenOptions& options);

/// A socket file left behind by a killed process is replaced; one that answers is Busy. Errors: Busy, System.
Result<sys::UniqueFd> open_unix_listener(const std::string& path, mode_t mode);

/// A connection to a Unix listener. Errors: Unreachable (nobody there), System (no permission).
Result<sys::UniqueFd> connect_unix(const std::string& path);

struct Credentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};
/// Who is at the other end of a Unix socket.
Result<Credentials> peer_credentials(int fd);

/// How to learn what the client aimed at.
enum class Destination : std::uint8_t {
  Socket,    // the socket's own name: TPROXY keeps it, and so does an ordinary connection
  NatTable,  // SO_ORIGINAL_DST: a NAT rule rewrote it (mode = redirect); falls back to Socket where there is no entry
};

struct Accepted {
  sys::UniqueFd fd;      // non-blocking, close-on-exec
  Endpoint client;       // 0.0.0.0:0 on a Unix socket
  Endpoint destination;  // likewise
};

/// Accepts in batches. When descriptors run out it rests for a moment, says so (rate-limited) and goes on.
class Listener {
 public:
  using OnAccept = std::function<void(Accepted)>;
  /// Adopts a listening socket: from open_listener(), open_unix_listener(), or handed over.
  Listener(Loop& loop, sys::UniqueFd fd, Destination destination, OnAccept on_accept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Where it listens; the port that the kernel chose for port 0.
  Endpoint local() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace amtgate::net
