#include "amtgate/gateway/target_status.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

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

/// Images that cannot be had, or that the machine does not take. What stands in the way of both drives is said once.
void tell_images(const std::vector<control::ImageInfo>& images, const config::Target& target,
                 control::TargetStatus& out) {
  std::vector<std::pair<std::string, std::string>> failed;  // why, drives
  for (const control::ImageInfo& i : images) {
    if (i.target != target.name || i.state != "failed") continue;
    const auto same = std::ranges::find(failed, i.detail, [](const auto& f) { return f.first; });
    if (same == failed.end()) {
      failed.emplace_back(i.detail, i.drive);
    } else {
      same->second += " and " + i.drive;
    }
  }
  for (const auto& [why, drives] : failed) out.problems.push_back("image (" + drives + "): " + why);
}

}  // namespace

control::TargetStatus target_status(const config::Target& target, const Directory& directory, const TargetNews& now) {
  control::TargetStatus out;
  out.name = target.name;
  out.addresses = directory.addresses(target);
  if (target.amt) {
    if (const Result<IpAddress> at = directory.device(target, IpAddress{})) out.device = at->to_string();
  }
  out.detail = directory.unresolved(target);
  out.state = out.detail.empty() ? "ready" : "unresolved";
  if (out.detail.empty()) tell_refusals(now.refused, target, out);
  out.sessions = static_cast<std::uint64_t>(
      std::ranges::count_if(now.sessions, [&](const auto& s) { return s.target == target.name; }));
  tell_images(now.images, target, out);
  for (const TargetProblem& problem : now.problems) {
    if (problem.target == target.name) out.problems.push_back(problem.what);
  }
  return out;
}

}  // namespace amtgate::gateway
