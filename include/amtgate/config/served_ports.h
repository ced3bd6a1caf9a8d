// The ports that this version of the gateway serves. The packet-filter rules catch, and the gateway classifies, only
// the configured ports among these; the others stay in the configuration and pass untouched.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "amtgate/config/config.h"

namespace amtgate::config {

inline constexpr std::array<Port, 7> kServedPorts = {Port{623},   Port{664},   Port{5900}, Port{16992},
                                                     Port{16993}, Port{16994}, Port{16995}};

/// `intercept.ports` without those that are not served, each once, ascending.
inline std::vector<Port> served_ports(const Intercept& intercept) {
  std::vector<Port> out;
  for (const Port p : kServedPorts) {
    if (std::ranges::find(intercept.ports, p) != intercept.ports.end()) out.push_back(p);
  }
  return out;
}

/// Presence pings (RMCP, UDP port 623) are passed on. They need the queue, that tells those for targets from all
/// others, and TPROXY: address translation hides from a UDP socket where a packet was going.
inline bool relays_rmcp(const Intercept& intercept) {
  return intercept.mode == InterceptMode::Tproxy && intercept.classify == Classify::Queue &&
         std::ranges::find(intercept.ports, Port{623}) != intercept.ports.end();
}

}  // namespace amtgate::config
