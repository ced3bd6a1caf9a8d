#include "amtgate/rules/plan.h"

#include <fmt/format.h>

#include "amtgate/config/served_ports.h"

namespace amtgate::rules {
namespace {

using config::Classify;
using config::FailMode;
using config::InterceptMode;

constexpr const char* kPrerouting = "AMTGATE_PREROUTING";
constexpr const char* kOutput = "AMTGATE_OUTPUT";
constexpr const char* kSocket = "AMTGATE_SOCKET";

// As iptables-save spells `--syn` and `! --syn`.
constexpr const char* kSyn = "-m tcp --tcp-flags FIN,SYN,RST,ACK SYN";
constexpr const char* kNotSyn = "-m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN";

class Planner {
 public:
  Planner(const config::Intercept& intercept, Ip ip, std::string ports)
      : in_(intercept),
        ports_("-m multiport --dports " + ports),
        from_ports_("-m multiport --sports " + std::move(ports)),
        // All packets of other lengths are no presence pings: IPMI consoles do not meet the queue.
        ping_(
            fmt::format("-p udp -m udp --dport 623 -m length --length {}", ip == Ip::V4 ? 20 + 8 + 12 : 40 + 8 + 12)),
        loopback_(ip == Ip::V4 ? "127.0.0.1" : "::1"),
        loopback_net_(ip == Ip::V4 ? "127.0.0.0/8" : "::1/128"),
        mark_(fmt::format("{:#x}", intercept.mark)),
        own_mark_(fmt::format("{:#x}", intercept.mark + 1)),
        tracked_mark_(fmt::format("{:#x}", intercept.mark + 2)) {
    for (const std::string& name : intercept.interfaces) from_.push_back("-i " + name);
    // What comes in on the loopback device has passed OUTPUT, where it was decided.
    if (from_.empty()) from_.push_back("! -i lo");
  }

  /// The first packets, to the daemon. The jump stands last: an accepting verdict, the bypass and the kernel's
  /// fail-open skip what follows in the table, and rules that were here before must still be met.
  Table queue() const {
    Table table{"raw", {{kPrerouting, {}}}, {}};
    // Without a reader, bypass lets packets go on as if the rule were not there.
    const std::string queue =
        fmt::format("-j NFQUEUE --queue-num {}{}", in_.queue, in_.fail == FailMode::Open ? " --queue-bypass" : "");
    for (const std::string& from : from_) {
      table.chains[0].rules.push_back(
          fmt::format("-A {} {} -p tcp {} {} {}", kPrerouting, from, kSyn, ports_, queue));
    }
    table.jumps.push_back(jump("PREROUTING", fmt::format("-p tcp {}", kSyn), kPrerouting, Jump::Place::Last));
    if (rmcp()) {
      for (const std::string& from : from_) {
        table.chains[0].rules.push_back(fmt::format("-A {} {} {} {}", kPrerouting, from, ping_, queue));
      }
      table.jumps.push_back(jump("PREROUTING", ping_, kPrerouting, Jump::Place::Last));
    }
    if (in_.local) {
      table.chains.push_back(
          {kOutput,
           {fmt::format("-A {} -m mark --mark {} -j RETURN", kOutput, own_mark_),
            fmt::format("-A {} ! -d {} -p tcp {} {} {}", kOutput, loopback_net_, kSyn, ports_, queue)}});
      table.jumps.push_back(jump("OUTPUT", fmt::format("-p tcp {}", kSyn), kOutput, Jump::Place::Last));
      if (rmcp()) {
        table.chains[1].rules.push_back(fmt::format("-A {} ! -d {} {} {}", kOutput, loopback_net_, ping_, queue));
        table.jumps.push_back(jump("OUTPUT", ping_, kOutput, Jump::Place::Last));
      }
    }
    return table;
  }

  Table tproxy() const {
    const std::string to_listener = fmt::format("-j TPROXY --on-port {} --on-ip {} --tproxy-mark {}/0xffffffff",
                                                in_.port.value, loopback_, mark_);
    const std::string set_mark = fmt::format("-j MARK --set-xmark {}/0xffffffff", mark_);
    const std::string marked = fmt::format("-m mark --mark {}", mark_);
    const std::string tracked = fmt::format("-m connmark --mark {} -m conntrack --ctdir ORIGINAL", tracked_mark_);

    Chain in{kPrerouting, {}};
    const auto pre = [&in](const std::string& rule) { in.rules.push_back(fmt::format("-A {} {}", in.name, rule)); };
    if (in_.classify == Classify::All) {
      // Connections to this host itself are no business of a gateway.
      for (const std::string& from : from_) {
        pre(fmt::format("{} -p tcp {} -m addrtype ! --dst-type LOCAL {}", from, kSyn, set_mark));
      }
    }
    // Only with local = yes, which needs connection tracking anyway. Not our mark itself: a router that restores
    // marks on its replies (several uplinks) would send them to our route.
    const std::string remember = fmt::format("-j CONNMARK --set-xmark {}/0xffffffff", tracked_mark_);
    if (in_.local) pre(fmt::format("-p tcp {} {} {}", kSyn, marked, remember));
    // Marked by the queue's verdict, or in OUTPUT and come around through the loopback device. Not by
    // `-m socket`: the SYN of a client that uses its port again must reach the listener, not the old connection's
    // rest.
    pre(fmt::format("-p tcp {} {} {}", kSyn, marked, to_listener));
    // What follows a SYN finds its socket without connection tracking: a router without it needs none for forwarded
    // connections, and flushing it (a firewall's reload does) ends none.
    pre(fmt::format("-p tcp {} -m socket --transparent -j {}", kNotSyn, kSocket));
    if (in_.local) {
      // No socket yet: the kernel answered the SYN with a cookie, since many came, and the listener must see what
      // comes back. No socket any more: the stray packet is answered here, and does not reach the machine.
      pre(fmt::format("-p tcp {} {} {}", kNotSyn, marked, to_listener));
      pre(fmt::format("-p tcp {} {} {}", kNotSyn, tracked, to_listener));
    }
    // A ping is one packet: what the queue has marked, and nothing that follows.
    if (rmcp()) pre(fmt::format("{} {} {}", ping_, marked, to_listener));
    Chain socket{kSocket, {}};
    socket.rules.push_back(fmt::format("-A {} {}", kSocket, set_mark));
    // Nothing that follows in the table may change the mark of what is ours.
    socket.rules.push_back(fmt::format("-A {} -j ACCEPT", kSocket));

    // First: a rule that marks all of a LAN's packets for another route must not reach ours before us.
    Table table{"mangle", {in, socket}, {}};
    table.jumps.push_back(jump("PREROUTING", "-p tcp " + ports_, kPrerouting, Jump::Place::First));
    if (rmcp()) table.jumps.push_back(jump("PREROUTING", ping_, kPrerouting, Jump::Place::First));
    if (in_.classify == Classify::All) {
      // Strangers are connected to from the client's own address: their answers must come to that socket.
      table.jumps.push_back(
          jump("PREROUTING", fmt::format("-p tcp {} {}", kNotSyn, from_ports_), kPrerouting, Jump::Place::First));
    }
    if (!in_.local) return table;

    Chain out{kOutput, {}};
    const auto output = [&out](const std::string& rule) {
      out.rules.push_back(fmt::format("-A {} {}", out.name, rule));
    };
    output(fmt::format("-m mark --mark {} -j RETURN", own_mark_));
    if (in_.classify == Classify::All) {
      output(fmt::format("-p tcp {} -m addrtype ! --dst-type LOCAL {}", kSyn, set_mark));
    }
    // Never on a SYN: with the daemon gone, one that uses an old connection's port again must go out to the world.
    output(fmt::format("-p tcp {} {} {}", kNotSyn, tracked, set_mark));
    output(fmt::format("{} -j ACCEPT", marked));
    table.chains.push_back(out);
    table.jumps.push_back(jump("OUTPUT", "-p tcp " + ports_, kOutput, Jump::Place::First));
    if (rmcp()) table.jumps.push_back(jump("OUTPUT", ping_, kOutput, Jump::Place::First));
    return table;
  }

  /// Address translation sees only the first packet of a connection, with the mark that the queue's verdict gave it.
  Table redirect() const {
    const std::string target = fmt::format("-j REDIRECT --to-ports {}", in_.port.value);
    const bool all = in_.classify == Classify::All;
    const std::string which = all ? "-m addrtype ! --dst-type LOCAL" : fmt::format("-m mark --mark {}", mark_);
    Table table{"nat", {{kPrerouting, {}}}, {}};
    if (all) {
      for (const std::string& from : from_) {
        table.chains[0].rules.push_back(fmt::format("-A {} {} -p tcp {} {}", kPrerouting, from, which, target));
      }
    } else {
      table.chains[0].rules.push_back(fmt::format("-A {} -p tcp {} {}", kPrerouting, which, target));
    }
    table.jumps.push_back(jump("PREROUTING", "-p tcp " + ports_, kPrerouting, Jump::Place::First));
    if (in_.local) {
      table.chains.push_back({kOutput,
                              {fmt::format("-A {} -m mark --mark {} -j RETURN", kOutput, own_mark_),
                               fmt::format("-A {} -p tcp {} {}", kOutput, which, target)}});
      table.jumps.push_back(jump("OUTPUT", "-p tcp " + ports_, kOutput, Jump::Place::First));
    }
    return table;
  }

 private:
  static Jump jump(const char* from, const std::string& match, const char* to, Jump::Place place) {
    return {from, fmt::format("-A {} {} -j {}", from, match, to), place};
  }

  bool rmcp() const { return config::relays_rmcp(in_); }

  const config::Intercept& in_;
  std::string ports_;
  std::string from_ports_;
  std::string ping_;
  std::string loopback_;
  std::string loopback_net_;
  std::string mark_;
  std::string own_mark_;
  std::string tracked_mark_;
  std::vector<std::string> from_;
};

}  // namespace

const char* name(Ip ip) {
  return ip == Ip::V4 ? "IPv4" : "IPv6";
}

Result<Plan> plan(const config::Intercept& intercept, Ip ip) {
  std::string ports;
  for (const Port p : config::served_ports(intercept)) {
    ports += (ports.empty() ? "" : ",") + std::to_string(p.value);
  }
  if (ports.empty()) {
    return Error{Errc::BadValue,
                 "[intercept] ports: none of them is served by this version (623, 664, 5900 and 16992 to 16995 are)"};
  }
  if (intercept.mark == 0 || intercept.mark > 0xfffffffd) {
    return Error{Errc::BadValue,
                 "[intercept] mark: it must be 1 to 0xfffffffd (mark + 1 and mark + 2 are used, too)"};
  }
  const Planner planner(intercept, ip, ports);
  Plan out;
  out.ip = ip;
  if (intercept.mode == InterceptMode::Tproxy) {
    out.tables.push_back(planner.tproxy());
    out.route = PolicyRoute{intercept.mark, intercept.table};
  } else {
    out.tables.push_back(planner.redirect());
  }
  if (intercept.classify == Classify::Queue) out.tables.push_back(planner.queue());
  return out;
}

}  // namespace amtgate::rules
