// The sockets that the kernel hands connections and presence pings to.
#pragma once

#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/config/config.h"
#include "amtgate/sys/fd.h"

namespace amtgate::gateway {

struct Listeners {
  sys::UniqueFd v4;
  sys::UniqueFd v6;  // none where the machine has no IPv6, which is said
};

/// One socket a family, on the port of [intercept]. Call it once for each worker: the kernel spreads connections over
/// the sockets of one port. Errors: Busy (another program has the port), System.
Result<Listeners> open_listeners(const config::Intercept& intercept);

/// For presence pings: one socket a family, for all workers; none where no rule catches pings. Errors as above.
Result<std::vector<sys::UniqueFd>> open_catchers(const config::Intercept& intercept);

}  // namespace amtgate::gateway
