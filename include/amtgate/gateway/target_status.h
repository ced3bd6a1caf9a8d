// What `amtgate status` says of one target: whether its sessions would work now, and if not, why and what to do.
#pragma once

#include <vector>

#include "amtgate/config/config.h"
#include "amtgate/control/commands.h"
#include "amtgate/device/dialer.h"
#include "amtgate/gateway/directory.h"

namespace amtgate::gateway {

/// `sessions` and `refused` are of all targets.
control::TargetStatus target_status(const config::Target& target, const Directory& directory,
                                    const std::vector<control::SessionInfo>& sessions,
                                    const std::vector<device::Dialer::RefusedLogin>& refused);

}  // namespace amtgate::gateway
