// Which session::Joint speaks with a client: by what it aims at and what the target's configuration asks of it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "amtgate/auth/random.h"
#include "amtgate/base/service.h"
#include "amtgate/base/time.h"
#include "amtgate/config/config.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/session/joint.h"

namespace amtgate::gateway {

/// The joint for a connection to `target`. Where the configuration lets nobody in, it refuses with the sentence why.
/// `policy` and `target` outlive it.
std::unique_ptr<session::Joint> make_joint(std::optional<Service> service, const config::Target& target,
                                           const Policy& policy, auth::RandomSource& random, TimePoint now);

/// Why the configuration lets no VNC viewer in; empty when it does.
std::string why_no_viewer(const config::Target& target, const Policy& policy);

}  // namespace amtgate::gateway
