// DirectScreen: the daemon's part of a screen where no daemon runs. It opens the machine, keeps a
// session::SharedScreen of it, and is the other end of a connection that a script has (control/protocol.h, `viewer`):
// what such a script sees and types goes the same way as through the gateway.
#pragma once

#include <memory>

#include "amtgate/base/inet.h"
#include "amtgate/config/config.h"
#include "amtgate/device/dialer.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/fd.h"

namespace amtgate::cli {

class DirectScreen {
 public:
  /// Begins at once. `viewer`: a stream socket whose other end gets the answer and RFB. `dialer` outlives this.
  DirectScreen(net::Loop& loop, device::Dialer& dialer, std::shared_ptr<const config::Target> target,
               const IpAddress& address, sys::UniqueFd viewer);
  ~DirectScreen();
  DirectScreen(const DirectScreen&) = delete;
  DirectScreen& operator=(const DirectScreen&) = delete;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace amtgate::cli
