// SerialDoor: a place where programs that know nothing of AMT find a machine's serial console (`sol_listen`): a TCP
// port, or a pseudo-terminal behind a symbolic link.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/config/config.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/fd.h"

namespace amtgate::gateway {

class SerialDoor {
 public:
  /// Somebody has come: a connected stream socket, and the address at its other end (port 0 for a terminal, which has
  /// a socket to us for as long as a program has it open).
  using OnCall = std::function<void(sys::UniqueFd connection, const Endpoint& client)>;

  virtual ~SerialDoor() = default;

  /// Why it is not open; empty: it is.
  virtual std::string problem() const = 0;

  /// Opens it, and tries again every few seconds where it cannot be opened (the log tells why). `loop` outlives it.
  ///
  /// A terminal is raw, belongs to the daemon's account and its group, and is theirs alone (0660). Its link is made
  /// anew in place of another link, never of a file, and taken away with the door.
  static std::unique_ptr<SerialDoor> open(net::Loop& loop, const config::SerialDoor& at, OnCall on_call);
};

}  // namespace amtgate::gateway
