// What is still done to a direction's bytes after hand-over: session::Carry as a net::Transform.
#pragma once

#include <memory>

#include "amtgate/net/relay.h"
#include "amtgate/session/joint.h"

namespace amtgate::gateway {

/// Null for Splice. `client_has_records`: the client is on TLS, where a message's record keeps it apart from the
/// next; on plain TCP stock clients need a pause instead.
std::unique_ptr<net::Transform> make_transform(session::Carry carry, bool client_has_records);

}  // namespace amtgate::gateway
