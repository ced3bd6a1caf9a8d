#include "amtgate/gateway/directory.h"

#include <algorithm>

#include "amtgate/config/machine.h"
#include "amtgate/config/served_ports.h"

namespace amtgate::gateway {
namespace {

/// The ports caught for a target: those that the gateway serves and that one of its services uses, and the web ports.
std::vector<Port> ports_of(const config::Target& target, const std::vector<Port>& served) {
  const bool redirection = target.serves(Service::Sol) || target.serves(Service::Ider) || target.serves(Service::Vnc);
  std::vector<Port> out;
  for (const Port port : served) {
    if (port == Port{5900} && !target.serves(Service::Vnc)) continue;
    if (port == Port{16994} && !redirection) continue;
    if (port == Port{16995} && (!redirection || target.tls_ports == config::TlsPorts::Pass)) continue;
    // The web ports are caught also where wsman is not served: who takes it away wants nobody to manage the machine.
    if ((port == Port{16993} || port == Port{664}) && target.tls_ports == config::TlsPorts::Pass) continue;
    out.push_back(port);
  }
  return out;
}

const std::string* name_in(const config::Host& host) {
  return std::get_if<std::string>(&host);
}

}  // namespace

std::vector<std::string> Directory::names(const config::Config& config) {
  std::vector<std::string> out;
  for (const config::Target& target : config.targets) {
    for (const config::Host& host : target.address) {
      if (const std::string* name = name_in(host)) out.push_back(*name);
    }
    if (target.amt) {
      if (const std::string* name = name_in(*target.amt)) out.push_back(*name);
    }
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Directory::Directory(std::shared_ptr<const config::Config> config, const Names& names)
    : config_(std::move(config)), names_(names) {
  const std::vector<Port> served = config::served_ports(config_->intercept);
  std::vector<packet::Entry> entries;
  entries.reserve(config_->targets.size());
  for (std::size_t i = 0; i < config_->targets.size(); ++i) {
    const config::Target& target = config_->targets[i];
    packet::Entry entry;
    entry.destinations = destinations(target);
    entry.allow = target.allow;
    entry.denied = target.denied == config::Denied::Pass ? packet::Denied::Pass : packet::Denied::Refuse;
    entry.ports = ports_of(target, served);
    entry.rmcp = target.serves(Service::Rmcp) && config::relays_rmcp(config_->intercept);
    entry.target = static_cast<std::uint32_t>(i);
    entries.push_back(std::move(entry));
  }
  classifier_ = std::make_shared<packet::Classifier>(std::move(entries));
}

std::vector<Network> Directory::destinations(const config::Target& target) const {
  std::vector<Network> out;
  for (const config::Host& host : target.address) {
    if (const auto* network = std::get_if<Network>(&host)) {
      out.push_back(*network);
    } else if (const auto found = names_.find(std::get<std::string>(host)); found != names_.end()) {
      for (const IpAddress& a : found->second) out.push_back({a, a.is_v4() ? 32U : 128U});
    }
  }
  return out;
}

Directory::Match Directory::match(const IpAddress& client, const Endpoint& destination, packet::Origin origin) const {
  return match(classifier_->decide(client, destination.address, destination.port, origin));
}

Directory::Match Directory::match_ping(const IpAddress& client, const Endpoint& destination,
                                       packet::Origin origin) const {
  return match(classifier_->decide_ping(client, destination.address, origin));
}

Directory::Match Directory::match(packet::Decision decision) const {
  Match out;
  out.decision = decision;
  if (out.decision.reason != packet::Reason::NoTarget && out.decision.target < config_->targets.size()) {
    out.target = {config_, &config_->targets[out.decision.target]};
  }
  return out;
}

Result<Directory::Machine> Directory::find(std::string_view machine) const {
  const Result<config::Machine> found = config::find_machine(*config_, machine);
  if (!found) return found.error();
  const std::shared_ptr<const config::Target> target(config_, found->target);
  if (const auto* network = std::get_if<Network>(&found->aim)) return Machine{target, network->address};
  const std::string& name = std::get<std::string>(found->aim);
  if (const auto at = names_.find(name); at != names_.end() && !at->second.empty()) {
    return Machine{target, at->second.front()};
  }
  if (target->amt) return Machine{target, IpAddress{}};  // where the AMT is does not depend on it
  return Error{Errc::Unreachable, target->name + ": the name '" + name + "' does not resolve. Is DNS up?"};
}

Result<IpAddress> Directory::device(const config::Target& target, const IpAddress& destination) const {
  if (!target.amt) return destination;
  if (const auto* network = std::get_if<Network>(&*target.amt)) return network->address;
  const std::string& name = std::get<std::string>(*target.amt);
  const auto found = names_.find(name);
  if (found == names_.end() || found->second.empty()) {
    return Error{Errc::Unreachable,
                 target.name + ": the name `amt = " + name + "` does not resolve. Is DNS up, and the name right?"};
  }
  // The family that the client uses, where the name has both.
  for (const IpAddress& a : found->second) {
    if (a.family() == destination.family()) return a;
  }
  return found->second.front();
}

std::vector<std::string> Directory::addresses(const config::Target& target) const {
  std::vector<std::string> out;
  for (const Network& n : destinations(target)) out.push_back(n.to_string());
  return out;
}

std::string Directory::unresolved(const config::Target& target) const {
  const auto missing = [&](const config::Host& host) {
    const std::string* name = name_in(host);
    if (name == nullptr) return false;
    const auto found = names_.find(*name);
    return found == names_.end() || found->second.empty();
  };
  for (const config::Host& host : target.address) {
    if (missing(host)) return "the name '" + *name_in(host) + "' does not resolve";
  }
  if (target.amt && missing(*target.amt)) return "the name '" + *name_in(*target.amt) + "' does not resolve";
  return {};
}

}  // namespace amtgate::gateway
