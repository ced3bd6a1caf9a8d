// DirectSerial: the daemon's part of a serial console where no daemon runs. It opens the machine, keeps a
// session::SharedSerial of it, and is the other end of a connection that has the answer to `viewer`
// (control/protocol.h) and then the console's bytes.
#pragma once

#include <memory>
#include <optional>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/config/config.h"
#include "amtgate/device/dialer.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/fd.h"

namespace amtgate::cli {

class DirectSerial {
 public:
  /// Begins at once. `dialer` outlives this.
  DirectSerial(net::Loop& loop, device::Dialer& dialer, std::shared_ptr<const config::Target> target,
               const IpAddress& address, sys::UniqueFd user);
  ~DirectSerial();
  DirectSerial(const DirectSerial&) = delete;
  DirectSerial& operator=(const DirectSerial&) = delete;

  /// Why it has ended.
  std::optional<Error> end() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace amtgate::cli
