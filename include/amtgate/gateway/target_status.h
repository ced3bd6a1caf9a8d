// What `amtgate status` says of one target: whether its sessions would work now, and if not, why and what to do; and
// what else of it does not work.
#pragma once

#include <vector>

#include "amtgate/config/config.h"
#include "amtgate/control/commands.h"
#include "amtgate/device/dialer.h"
#include "amtgate/gateway/directory.h"
#include "amtgate/gateway/target_problem.h"

namespace amtgate::gateway {

/// What is known of all targets.
struct TargetNews {
  std::vector<control::SessionInfo> sessions{};
  std::vector<device::Dialer::RefusedLogin> refused{};
  std::vector<control::ImageInfo> images{};
  std::vector<TargetProblem> problems{};  // of their serial consoles
};

control::TargetStatus target_status(const config::Target& target, const Directory& directory, const TargetNews& now);

}  // namespace amtgate::gateway
