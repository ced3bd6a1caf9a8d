#include "amtgate/gateway/target_status.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace amtgate::gateway {
namespace {

/// What a target's status says of logins that its machines refused. A target may be a whole network of machines; one
/// is named.
void tell_refusals(const std::vector<device::Dialer::RefusedLogin>& refused, const config::Target& target,
                   control::TargetStatus& out) {
  std::size_t machines = 0;
  std::string address;
  Duration wait{};
  for (const device::Dialer::RefusedLogin& r : refused) {
    if (r.target != target.name) continue;
    if (machines++ == 0 || r.wait > wait) {
      address = r.address;
      wait = r.wait;
    }
    out.login_refusals = std::max<std::uint64_t>(out.login_refusals, r.refusals);
  }
  if (machines == 0) return;
  out.login_wait = static_cast<std::uint64_t>(std::chrono::ceil<seconds>(wait).count());
  out.state = out.login_wait > 0 ? "backing off" : "login refused";
  out.detail = address + " refused user '" + target.username + "' or its password, " +
               std::to_string(out.login_refusals) + (out.login_refusals == 1 ? " time" : " times") + " in a row";
  if (machines > 1) out.detail += " (and " + std::to_string(machines - 1) + " more of its machines)";
  out.detail += out.login_wait > 0 ? "; the next login waits " + std::to_string(out.login_wait) +
                                         " s, so that AMT does not lock the account"
                                   : "; the next session tries again";
  out.detail += ": check username and password of this target, then `amtgate reload`";
}

}  // namespace

control::TargetStatus target_status(const config::Target& target, const Directory& directory,
                                    const std::vector<control::SessionInfo>& sessions,
                                    const std::vector<device::Dialer::RefusedLogin>& refused) {
  control::TargetStatus out;
  out.name = target.name;
  out.addresses = directory.addresses(target);
  if (target.amt) {
    if (const Result<IpAddress> at = directory.device(target, IpAddress{})) out.device = at->to_string();
  }
  out.detail = directory.unresolved(target);
  out.state = out.detail.empty() ? "ready" : "unresolved";
  if (out.detail.empty()) tell_refusals(refused, target, out);
  out.sessions = static_cast<std::uint64_t>(
      std::ranges::count_if(sessions, [&](const auto& s) { return s.target == target.name; }));
  return out;
}

}  // namespace amtgate::gateway
