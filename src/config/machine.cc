#include "amtgate/config/machine.h"

namespace amtgate::config {
namespace {

Network single(const IpAddress& address) {
  return {address, address.is_v4() ? 32U : 128U};
}

bool is_single(const Host& host) {
  const auto* network = std::get_if<Network>(&host);
  return network == nullptr || network->is_single();
}

}  // namespace

Result<Machine> find_machine(const Config& config, std::string_view text) {
  if (const Target* target = config.find(text); target != nullptr) {
    // With `amt =` all of its addresses lead to that one machine.
    const bool one = target->amt || (target->address.size() == 1 && is_single(target->address.front()));
    if (target->address.empty() || !one) {
      return Error{Errc::BadValue, "target " + target->name +
                                       " has more than one address: name the machine by the address that its "
                                       "viewers aim at, or write `amt` where all of them lead to one"};
    }
    Host aim = target->address.front();
    if (const auto* network = std::get_if<Network>(&aim)) aim = single(network->address);
    return Machine{target, std::move(aim)};
  }
  // As URLs and other programs write IPv6.
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  if (const Result<IpAddress> address = IpAddress::parse(bracketed ? text.substr(1, text.size() - 2) : text)) {
    const Target* best = nullptr;
    unsigned prefix = 0;
    for (const Target& target : config.targets) {
      for (const Host& host : target.address) {
        const auto* network = std::get_if<Network>(&host);
        if (network == nullptr || !network->contains(*address)) continue;
        if (best != nullptr && network->prefix <= prefix) continue;
        best = &target;
        prefix = network->prefix;
      }
    }
    if (best != nullptr) return Machine{best, single(*address)};
  }
  return Error{Errc::BadValue, "there is no target '" + std::string(text.substr(0, 80)) +
                                   "', nor one with that address; `amtgate status` lists them"};
}

}  // namespace amtgate::config
