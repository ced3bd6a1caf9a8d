// RmcpDoor: UDP port 623 of the simulated machine: it answers presence pings, as firmware of its generation does.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/net/loop.h"
#include "amtgate/packet/rmcp.h"
#include "amtgate/sim/profile.h"
#include "amtgate/sys/fd.h"

namespace amtgate::simhost {

/// What a machine of that generation says of itself when it is set up.
packet::Pong pong_of(const sim::Profile& profile);

class RmcpDoor {
 public:
  /// Asked for each ping; nothing: the machine is silent. The tag is the door's own business.
  using Answer = std::function<std::optional<packet::Pong>(const Endpoint& client)>;

  /// Errors: Busy, Unreachable, System, with the endpoint.
  static Result<std::unique_ptr<RmcpDoor>> open(net::Loop& loop, const Endpoint& at, Answer answer);

 private:
  RmcpDoor(net::Loop& loop, sys::UniqueFd fd, Answer answer);
  void read();

  sys::UniqueFd fd_;
  Answer answer_;
  net::Watch watch_;
};

}  // namespace amtgate::simhost
