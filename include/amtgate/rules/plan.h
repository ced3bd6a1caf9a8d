// Plan: the packet-filter chains and the policy route that the configuration asks for, as values. Pure: the same
// configuration gives the same plan. Rules are written exactly as iptables-save prints them, so that what is in the
// kernel can be compared with what should be (state.h).
//
// How a connection is caught (mode = tproxy, classify = queue), and why each piece is there:
//
//   1. raw: the SYN of a new connection to one of the ports goes to the daemon's queue. raw comes before connection
//      tracking and address translation, so the daemon sees the packet as the client sent it. The verdict is
//      "accept", and a caught packet leaves with our mark. Strangers leave as they came.
//   2. mangle PREROUTING: a SYN with our mark is given to the daemon's listener by TPROXY. The packets that follow
//   need
//      no mark of their own: `-m socket --transparent` finds the daemon's socket and marks them.
//   3. The policy route: what carries our mark is delivered to this host, whatever its destination address says.
//   4. mangle OUTPUT, for the host's own connections (local = yes): the queue marked the SYN in raw OUTPUT, and a
//      packet that comes back from a queue with another mark is routed anew: to the loopback device, where it comes
//      in through PREROUTING like a forwarded one. The client's socket keeps its own idea of the route, so each later
//      packet must be marked again, and only connection tracking can tell which: PREROUTING gives the connection mark
//      + 2, and OUTPUT marks the packets of its original direction. (Replies of the daemon's socket are the other
//      direction, and are routed as any packet.)
//   5. Where connections are tracked, PREROUTING also knows by mark + 2 what belongs to a caught connection and has
//   no
//      socket: after a SYN cookie, or when it is over.
//
// Presence pings (RMCP) go the same way, by UDP: each is a first packet (1, 4), nothing follows it (3 alone), and
// packets of another length than a ping's are not looked at. Only with TPROXY and the queue.
//
// The daemon's own connections to AMT carry mark + 1, which OUTPUT lets go first of all: they are never caught.
// Packets to other ports meet one multiport test in mangle and one flag test in raw, and nothing else of ours.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "amtgate/config/config.h"

namespace amtgate::rules {

enum class Ip : std::uint8_t { V4, V6 };

/// "IPv4", "IPv6".
const char* name(Ip ip);

/// Where our chain is entered from one of the kernel's.
struct Jump {
  enum class Place : std::uint8_t { First, Last };
  std::string from;  // "PREROUTING"
  std::string rule;  // "-A PREROUTING -p tcp ... -j AMTGATE_PREROUTING"
  Place place = Place::First;
};

struct Chain {
  std::string name;                // "AMTGATE_..."
  std::vector<std::string> rules;  // "-A AMTGATE_... ..."
};

struct Table {
  std::string name;  // "raw", "mangle", "nat"
  std::vector<Chain> chains;
  std::vector<Jump> jumps;
};

/// What brings marked packets to this host: `ip rule` and `ip route` with this mark and table.
struct PolicyRoute {
  std::uint32_t mark = 0;
  std::uint32_t table = 0;
  bool operator==(const PolicyRoute&) const = default;
};

struct Plan {
  Ip ip = Ip::V4;
  std::vector<Table> tables;  // in the order of putting them in place: the one that starts the catching comes last
  std::optional<PolicyRoute> route;
};

/// All our chains begin with this, and nothing else does: `down` knows them by it.
inline constexpr std::string_view kChainPrefix = "AMTGATE_";
/// An empty chain of this name stands in a table that was not there before `up`, so that `down` removes the table,
/// too.
inline constexpr std::string_view kTableMade = "AMTGATE_MADE_TABLE";
/// The routing protocol number that says a rule or route is ours, whatever mark and table the configuration named
/// when it was put in. Unassigned in iproute2's rt_protos and in the kernel's rtnetlink.h.
inline constexpr unsigned kRouteProtocol = 159;
/// Place of our `ip rule`: ahead of those for which administrators and VPN software usually pick numbers (wg-quick
/// counts down from 32765, Tailscale begins at 5210), since a marked packet must reach no other.
inline constexpr unsigned kRulePreference = 59;

/// Errors: BadValue (none of the configured ports is served by this version; the mark cannot be used).
Result<Plan> plan(const config::Intercept& intercept, Ip ip);

}  // namespace amtgate::rules
