// Network: how AMT itself is on the network: names, addresses, what it answers to.
//
// Source: Intel's class reference (AMT_GeneralSettings, AMT_EthernetPortSettings, IPS_IPv6PortSettings),
// MeshCommander (how IPv6 is switched, what is left out of a Put with DHCP).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

struct NetworkPort {
  std::string id;  // InstanceID
  bool wireless = false;
  std::string mac;
  std::optional<bool> link, dhcp, ipv6;  // empty: the firmware does not say
  std::string address, mask, gateway, dns, dns2;
  std::string link_preference;          // "me", "host", "": not said
  std::vector<std::string> addresses6;  // at present
};

struct NetworkSettings {
  std::string host_name, domain;
  std::optional<bool> ping, rmcp;
  std::optional<std::uint64_t> idle_minutes;  // for so long it stays reachable with the machine off
  std::vector<NetworkPort> ports;
};
Result<NetworkSettings> read_network(Caller& machine);

/// Those that are not given stay. Addresses are those of the wired port.
struct NetworkWish {
  std::optional<std::string> host_name, domain;
  std::optional<bool> ping, rmcp, ipv6, dhcp;
  std::optional<std::uint64_t> idle_minutes;
  std::optional<std::string> address, mask, gateway, dns, dns2;  // with `dhcp` false or not given
  std::optional<std::string> link_preference;                    // "me", "host": of the wireless port
  bool over_ipv6 = false;                                        // how the machine is reached now
  bool force = false;                                            // also what may lock one out

  /// Whether the values can be: addresses, lengths, a gateway in the network. Errors: BadValue.
  Result<void> check() const;
};

struct NetworkChanges {
  std::vector<std::string> changes;  // "ping: on -> off"; done, or with `only_look` to be done
  std::vector<std::string> risks;    // how that may lock one out
};
/// Errors: Refused (also a risk without `force`: nothing was changed then), Unsupported (a setting that it lacks).
Result<NetworkChanges> set_network(Caller& machine, const NetworkWish& wish, bool only_look);

}  // namespace amtgate::wsman
