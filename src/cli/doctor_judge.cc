#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "amtgate/cli/doctor.h"
#include "amtgate/config/served_ports.h"

namespace amtgate::cli {
namespace {

using State = Check::State;
using config::Classify;
using config::FailMode;
using config::InterceptMode;

constexpr unsigned kCapNetAdmin = 12;  // linux/capability.h
constexpr const char* kUp = "amtgate-rules up";

class Judge {
 public:
  Judge(const config::Config& config, const Facts& facts)
      : config_(config),
        in_(config.intercept),
        facts_(facts),
        tproxy_(in_.mode == InterceptMode::Tproxy),
        queue_(in_.classify == Classify::Queue) {}

  std::vector<Check> run() {
    rights();
    daemon();
    listener();
    queue();
    extensions();
    for (const Facts::Family& family : facts_.families) rules_of(family);
    marks();
    interfaces();
    forwarding();
    reverse_path();
    conntrack();
    names();
    return_path();
    upstream();
    return std::move(out_);
  }

 private:
  void pass(std::string name, std::string about, std::string text) {
    out_.push_back({std::move(name), std::move(about), State::Pass, std::move(text), {}});
  }
  void skip(std::string name, std::string about, std::string text) {
    out_.push_back({std::move(name), std::move(about), State::Skip, std::move(text), {}});
  }
  void fail(std::string name, std::string about, std::string text, std::string remedy) {
    out_.push_back({std::move(name), std::move(about), State::Fail, std::move(text), std::move(remedy)});
  }

  std::string sysctl(const std::string& key) const {
    const auto at = facts_.sysctl.find(key);
    return at == facts_.sysctl.end() ? "" : at->second;
  }
  int sysctl_number(const std::string& key) const {
    const std::string text = sysctl(key);
    int n = 0;
    std::from_chars(text.data(), text.data() + text.size(), n);
    return n;
  }

  void rights() {
    if (facts_.admin) return pass("rights", "", "may read the packet-filter rules");
    if (facts_.root) {
      return fail("rights", "", "CAP_NET_ADMIN is taken away here, even from root: no rules can be seen or made",
                  "give the container CAP_NET_ADMIN (docker: --cap-add NET_ADMIN), or run it outside");
    }
    fail("rights", "", "without CAP_NET_ADMIN the kernel shows no rules, so most checks are left out",
         "run it as root: sudo amtgate doctor");
  }

  void daemon() {
    const Facts::Daemon& d = facts_.daemon;
    if (!d.pid) {
      fail("daemon", "", "amtgated does not answer on its control socket: " + d.problem,
           "systemctl start amtgated; journalctl -u amtgated says why it ended");
      if (facts_.root && !facts_.admin) {
        return fail("capabilities", "", "amtgated needs CAP_NET_ADMIN to start, and nobody has it here",
                    "give the container CAP_NET_ADMIN (docker: --cap-add NET_ADMIN)");
      }
      if (!d.unit_bounds.empty() && d.unit_bounds.find("cap_net_admin") == std::string::npos) {
        return fail("capabilities", "", "amtgated needs CAP_NET_ADMIN to start, and its unit takes it away",
                    "name CAP_NET_ADMIN in CapabilityBoundingSet= of the unit (systemctl edit amtgated), then "
                    "systemctl restart amtgated");
      }
      return skip("capabilities", "", "amtgated does not run");
    }
    if (d.problem.empty()) {
      pass("daemon", "", fmt::format("amtgated answers, process {}", *d.pid));
    } else {
      fail("daemon", "",
           fmt::format("process {} holds the control socket and does not answer: {}", *d.pid, d.problem),
           "systemctl restart amtgated; journalctl -u amtgated says what it did last");
    }
    if (!d.capabilities) return skip("capabilities", "", "its capabilities cannot be read");
    if ((*d.capabilities >> kCapNetAdmin & 1) != 0) return pass("capabilities", "", "amtgated has CAP_NET_ADMIN");
    fail("capabilities", "",
         fmt::format("process {} lacks CAP_NET_ADMIN: it can neither take connections to other addresses nor mark "
                     "its own",
                     *d.pid),
         "start it as root (it drops to its own account and keeps this one), or give the unit "
         "AmbientCapabilities=CAP_NET_ADMIN; CapabilityBoundingSet= must have it, too");
  }

  /// Somebody other than the daemon holds it; who cannot be seen is given the benefit of the doubt.
  bool strangers(const Held& held) const {
    return !held.by.empty() &&
           (!facts_.daemon.pid || std::ranges::find(held.by, *facts_.daemon.pid, &Holder::pid) == held.by.end());
  }
  static std::string who(const Held& held) {
    return fmt::format("{} (process {})", held.by.front().program, held.by.front().pid);
  }

  void listener() {
    for (const Facts::Family& family : facts_.families) {
      const bool v4 = family.ip == rules::Ip::V4;
      const std::string where = fmt::format("port {}", in_.port.value);
      const Held* found = nullptr;
      for (const Held& held : facts_.listeners) {
        // A socket for all of IPv6 may take IPv4, too.
        if (held.at.address.is_v4() != v4 && !(v4 && held.at.address.is_unspecified())) continue;
        if (found == nullptr || strangers(*found)) found = &held;
      }
      if (found == nullptr) {
        fail("listener", rules::name(family.ip), "nothing listens on " + where + ", where caught connections go",
             "start amtgated; if it runs, [intercept] port is not the one it was started with: restart it");
      } else if (strangers(*found)) {
        fail("listener", rules::name(family.ip),
             fmt::format("{} listens on {}, where caught connections go", who(*found), where),
             "end that program, or set another [intercept] port; then amtgate-rules up and restart amtgated");
      } else {
        pass("listener", rules::name(family.ip),
             (found->by.empty() ? "something listens on " : "amtgated listens on ") + where);
      }
    }
  }

  void queue() {
    if (!queue_) return skip("queue", "", "classify = all uses no packet queue");
    if (!facts_.queues) {
      return fail("queue", "", "the kernel has no packet queues (/proc/net/netfilter/nfnetlink_queue is not there)",
                  "modprobe nfnetlink_queue; on a kernel without it set classify = all");
    }
    if (!parse_queue_reader(*facts_.queues, in_.queue)) {
      return fail("queue", "",
                  fmt::format("nobody reads packet queue {}: new connections {}", in_.queue,
                              in_.fail == FailMode::Open ? "go past the gateway" : "are dropped"),
                  "start amtgated; if it runs, [intercept] queue is not the one it was started with: restart it");
    }
    if (strangers(facts_.queue_reader)) {
      return fail("queue", "",
                  fmt::format("{} reads packet queue {}, so amtgated cannot", who(facts_.queue_reader), in_.queue),
                  "end that program, or set another [intercept] queue; then amtgate-rules up and restart amtgated");
    }
    pass(
        "queue", "",
        fmt::format("{} reads packet queue {}", facts_.queue_reader.by.empty() ? "somebody" : "amtgated", in_.queue));
  }

  void extensions() {
    if (!facts_.admin) return skip("extensions", "", "needs root");
    bool all = true;
    std::vector<std::string> told;  // mostly both families lack the same
    for (const Facts::Family& family : facts_.families) {
      for (const rules::Refusal& refusal : family.refusals) {
        all = false;
        if (std::ranges::find(told, refusal.part) != told.end()) continue;
        told.push_back(refusal.part);
        fail("extensions", refusal.part, fmt::format("{}: {}", rules::name(family.ip), refusal.sentence),
             refusal.remedy);
      }
    }
    if (all) pass("extensions", "", "the kernel and iptables have all that the rules are made of");
  }

  void rules_of(const Facts::Family& family) {
    const std::string about = rules::name(family.ip);
    if (!facts_.admin) return skip("chains", about, "needs root");
    if (!family.refusals.empty()) {
      return skip("chains", about, "rules can neither be made nor read while extensions are missing");
    }
    if (!family.state) return fail("chains", about, family.problem, kUp);
    const Result<rules::Plan> plan = rules::plan(in_, family.ip);
    if (!plan) return fail("chains", about, plan.error().detail, "correct [intercept]");
    if (family.state->backends.empty()) return fail("chains", about, "no packet filter", kUp);
    const rules::Backend& used = family.state->backends.front();
    std::vector<std::string> chains;
    std::vector<std::string> jumps;
    std::vector<std::string> order;
    for (const rules::Table& want : plan->tables) {
      const rules::TableState* now = used.find(want.name);
      compare(want, now == nullptr ? rules::TableState{} : *now, chains, jumps, order);
    }
    for (std::size_t i = 1; i < family.state->backends.size(); ++i) {
      chains.push_back(fmt::format("{} holds rules of ours, too", family.state->backends[i].prefix));
    }
    verdict("chains", about, chains, "all there, as the configuration wants them", kUp);
    verdict("jumps", about, jumps, "the kernel's chains lead to ours", kUp);
    verdict("order", about, order, "nobody's rule changes marks or ends the chain before ours",
            "amtgate-rules down, then amtgate-rules up, puts ours ahead; or move the other rule behind them");
    policy(family, *plan);
  }

  static void compare(const rules::Table& want, const rules::TableState& now, std::vector<std::string>& chains,
                      std::vector<std::string>& jumps, std::vector<std::string>& order) {
    for (const rules::Chain& chain : want.chains) {
      const auto at = std::ranges::find(now.chains, chain.name, &rules::Chain::name);
      if (at == now.chains.end()) {
        chains.push_back(fmt::format("{} is missing from table {}", chain.name, want.name));
      } else if (at->rules != chain.rules) {
        chains.push_back(fmt::format("{} in table {} is not as the configuration wants it", chain.name, want.name));
      }
    }
    for (const rules::Jump& jump : want.jumps) {
      if (std::ranges::count(now.jumps, jump.rule) != 1) {
        jumps.push_back(fmt::format("{} in table {} does not lead to our chain", jump.from, want.name));
      }
    }
    for (const std::string& rule : now.ahead) {
      const bool marks = rule.find("MARK") != std::string::npos;
      const bool ends = rule.find("-j ACCEPT") != std::string::npos || rule.find("-j TPROXY") != std::string::npos;
      if (marks || ends) order.push_back(fmt::format("'{}' in table {} comes before our chain", rule, want.name));
    }
  }

  void verdict(const char* name, const std::string& about, const std::vector<std::string>& wrong,
               const std::string& good, const std::string& remedy) {
    if (wrong.empty()) return pass(name, about, good);
    std::string text;
    for (const std::string& w : wrong) text += (text.empty() ? "" : "; ") + w;
    fail(name, about, text, remedy);
  }

  void policy(const Facts::Family& family, const rules::Plan& plan) {
    const std::string about = rules::name(family.ip);
    if (!plan.route) {
      skip("policy-rule", about, "mode = redirect needs none");
      return skip("policy-route", about, "mode = redirect needs none");
    }
    const rules::FamilyState& now = *family.state;
    const std::string selector = fmt::format("from all fwmark {:#x}", in_.mark);
    const bool rule = std::ranges::any_of(
        now.rules, [&](const rules::PolicyRule& r) { return r.selector == selector && r.table == in_.table; });
    const std::string mark = fmt::format("mark {:#x}", in_.mark);
    if (rule) {
      pass("policy-rule", about, fmt::format("{} leads to routing table {}", mark, in_.table));
    } else {
      fail("policy-rule", about, fmt::format("no rule leads {} to routing table {}", mark, in_.table), kUp);
    }
    const bool route = std::ranges::any_of(now.table_routes, &rules::RouteLine::local_default);
    if (route) {
      pass("policy-route", about, fmt::format("routing table {} delivers to this host", in_.table));
    } else {
      fail("policy-route", about,
           fmt::format("routing table {} has no route that delivers to this host (local default dev lo)", in_.table),
           kUp);
    }
  }

  /// Whether a rule's "fwmark V" or "fwmark V/M" covers `mark`.
  static bool covers(const std::string& selector, std::uint32_t mark) {
    const std::size_t at = selector.find("fwmark ");
    if (at == std::string::npos || selector.find("not ") != std::string::npos) return false;
    const char* const end = selector.data() + selector.size();
    const auto hex = [end](const char* from, std::uint32_t& n) {
      if (end - from > 2 && from[0] == '0' && from[1] == 'x') from += 2;
      return std::from_chars(from, end, n, 16);
    };
    std::uint32_t value = 0;
    std::uint32_t mask = 0xffffffff;
    const auto [next, ec] = hex(selector.data() + at + 7, value);
    if (ec == std::errc{} && next < end && *next == '/') hex(next + 1, mask);
    return (mark & mask) == value;
  }

  void marks() {
    if (!facts_.admin) return skip("marks", "", "needs root");
    std::vector<std::string> wrong;
    for (const Facts::Family& family : facts_.families) {
      if (!family.state) continue;
      for (const rules::PolicyRule& rule : family.state->rules) {
        if (rule.protocol == rules::kRouteProtocol) continue;
        for (const std::uint32_t mark : {in_.mark, in_.mark + 1}) {
          // Behind ours a rule for the caught packets' mark is never met.
          if (mark == in_.mark && rule.preference > rules::kRulePreference) continue;
          if (!covers(rule.selector, mark)) continue;
          wrong.push_back(fmt::format("{}: somebody's rule {} '{} lookup {}' takes packets with mark {:#x}",
                                      rules::name(family.ip), rule.preference, rule.selector, rule.table, mark));
        }
      }
    }
    verdict("marks", "", wrong, fmt::format("{:#x} and {:#x} are ours alone", in_.mark, in_.mark + 1),
            "choose another [intercept] mark, then amtgate-rules up and restart amtgated");
  }

  void interfaces() {
    if (in_.interfaces.empty()) return pass("interfaces", "", "clients may come in anywhere");
    std::vector<std::string> missing;
    for (const std::string& name : in_.interfaces) {
      if (name.ends_with('+')) continue;
      if (std::ranges::find(facts_.interfaces, name) == facts_.interfaces.end())
        missing.push_back(name + " is not there");
    }
    verdict("interfaces", "", missing, "all there", "correct [intercept] interfaces; `ip link` lists what there is");
  }

  void forwarding() {
    const std::pair<const char*, const char*> rows[] = {{"IPv4", "net.ipv4.ip_forward"},
                                                        {"IPv6", "net.ipv6.conf.all.forwarding"}};
    for (const auto& [about, key] : rows) {
      const std::string value = sysctl(key);
      if (value.empty()) {
        skip("forwarding", about, "the kernel does not have it");
      } else if (value != "0") {
        pass("forwarding", about, "this host forwards");
      } else if (in_.interfaces.empty()) {
        skip("forwarding", about, "off: only this host's own connections can be caught");
      } else {
        fail("forwarding", about, fmt::format("{} is 0: strangers' connections end at this host", key),
             fmt::format(
                 "sysctl -w {}=1, and write it to /etc/sysctl.d; or leave [intercept] interfaces empty on a jump "
                 "host",
                 key));
      }
    }
  }

  /// Strict reverse-path checks drop clients whose way back is another interface; and where they (or our policy rule)
  /// make the kernel look at marks, it takes the client's own address for one of this host.
  void reverse_path() {
    if (!tproxy_) return skip("src_valid_mark", "", "mode = redirect routes no marks");
    std::vector<std::string> devices = in_.interfaces;
    if (devices.empty()) devices = facts_.interfaces;
    std::vector<std::string> with_mark;
    std::vector<std::string> strict;
    const bool all_mark = sysctl("net.ipv4.conf.all.src_valid_mark") == "1";
    for (const std::string& device : devices) {
      if (device == "lo") continue;
      if (all_mark || sysctl(fmt::format("net.ipv4.conf.{}.src_valid_mark", device)) == "1")
        with_mark.push_back(device);
      const int filter = std::max(sysctl_number("net.ipv4.conf.all.rp_filter"),
                                  sysctl_number(fmt::format("net.ipv4.conf.{}.rp_filter", device)));
      if (filter == 1) strict.push_back(device);
    }
    std::vector<std::string> wrong;
    for (const std::string& device : with_mark) wrong.push_back("it is 1 on " + device);
    verdict("src_valid_mark", "", wrong, "marks do not count when the kernel judges where a packet came from",
            fmt::format(
                "sysctl -w net.ipv4.conf.all.src_valid_mark=0, and 0 for the interface (WireGuard's wg-quick sets "
                "it): with 1 the kernel drops caught IPv4 packets as martians"));
    rp_filter(strict);
  }

  void rp_filter(const std::vector<std::string>& strict) {
    std::vector<std::string> wrong;
    for (const config::Target& target : config_.targets) {
      for (const Network& network : target.allow) {
        if (!network.address.is_v4() || network.prefix == 0) continue;
        const auto route = facts_.routes.find(route_key(sample(network), ""));
        if (route == facts_.routes.end() || !route->second.found) continue;
        for (const std::string& device : strict) {
          const bool client_side = std::ranges::find(in_.interfaces, device) != in_.interfaces.end();
          if (!client_side || in_.interfaces.size() != 1 || route->second.device == device) continue;
          if (route->second.device == "lo") continue;
          wrong.push_back(fmt::format("{} is strict, and the way back to {} is {}", device, network.to_string(),
                                      route->second.device));
        }
      }
    }
    std::ranges::sort(wrong);
    wrong.erase(std::unique(wrong.begin(), wrong.end()), wrong.end());
    verdict("rp_filter", "", wrong, "the reverse-path check lets clients in",
            "route clients back through the interface they come in, or sysctl -w net.ipv4.conf.INTERFACE.rp_filter=2 "
            "(and conf.all.rp_filter not 1)");
  }

  void conntrack() {
    const bool needed = !tproxy_ || in_.local;
    if (!needed) {
      // Without tracking only a socket tells what is ours, and with a cookie there is none until the connection is
      // open.
      if (sysctl("net.ipv4.tcp_syncookies") == "2") {
        fail("syncookies", "", "net.ipv4.tcp_syncookies is 2, and with local = no caught connections then never open",
             "sysctl -w net.ipv4.tcp_syncookies=1, or set local = yes");
      }
      return skip("conntrack", "", "not needed: mode = tproxy, local = no");
    }
    const std::string most = sysctl("net.netfilter.nf_conntrack_max");
    if (most.empty()) {
      return fail("conntrack", "",
                  "the kernel does not track connections, which local = yes and mode = redirect need",
                  "modprobe nf_conntrack, or set local = no");
    }
    const std::int64_t limit = sysctl_number("net.netfilter.nf_conntrack_max");
    const std::int64_t count = sysctl_number("net.netfilter.nf_conntrack_count");
    // The kernel drops what it cannot track. A limit of 0 is none.
    if (limit > 0 && count * 100 >= limit * 95) {
      return fail("conntrack", "",
                  fmt::format("{} of {} connections are tracked: new ones will be dropped", count, limit),
                  "raise net.netfilter.nf_conntrack_max");
    }
    std::vector<std::string> untracked;
    for (const Facts::Family& family : facts_.families) {
      const rules::TableState* raw =
          family.state && !family.state->backends.empty() ? family.state->backends.front().find("raw") : nullptr;
      if (raw == nullptr) continue;
      for (const std::string& rule : raw->ahead) {
        const bool off = rule.find("--notrack") != std::string::npos || rule.find("-j NOTRACK") != std::string::npos;
        if (off && rule.find("-p udp") == std::string::npos && rule.find("-p icmp") == std::string::npos) {
          untracked.push_back(fmt::format("{}: '{}' leaves connections untracked", rules::name(family.ip), rule));
        }
      }
    }
    verdict("conntrack", "", untracked, fmt::format("{} of {} connections are tracked", count, limit),
            "except the ports of [intercept] from that rule, or set local = no (with mode = tproxy)");
  }

  void names() {
    for (const auto& [host, addresses] : facts_.names) {
      if (addresses.empty()) {
        fail("name", host, "does not resolve: the daemon serves its target when it does",
             "check the spelling and /etc/resolv.conf, or write the address");
      } else {
        pass("name", host, "is " + addresses.front().to_string());
      }
    }
  }

  void return_path() {
    for (const config::Target& target : config_.targets) {
      if (target.allow.empty()) {
        skip("return-path", target.name, "only this host itself may use it (nothing written for allow)");
        continue;
      }
      std::vector<std::string> wrong;
      for (const Network& network : target.allow) {
        if (network.prefix == 0) continue;
        const auto at = facts_.routes.find(route_key(sample(network), ""));
        if (at == facts_.routes.end()) continue;
        const RouteFact& route = at->second;
        if (!route.found) {
          wrong.push_back(fmt::format("no route back to {} ({})", network.to_string(), route.problem));
        } else if (!in_.interfaces.empty() && route.device != "lo" && !is_client_side(route.device)) {
          wrong.push_back(fmt::format("answers to {} leave through {}, which is not in [intercept] interfaces",
                                      network.to_string(), route.device));
        }
      }
      verdict("return-path", target.name, wrong, "answers reach its clients the way they came",
              "route the clients' network through the interface they come in, or correct [intercept] interfaces");
    }
  }

  bool is_client_side(const std::string& device) const {
    return std::ranges::any_of(in_.interfaces, [&](const std::string& name) {
      if (name.ends_with('+')) return device.starts_with(name.substr(0, name.size() - 1));
      return name == device;
    });
  }

  void upstream() {
    for (const config::Target& target : config_.targets) {
      if (!target.interface.empty() &&
          std::ranges::find(facts_.interfaces, target.interface) == facts_.interfaces.end()) {
        fail("route", target.name, fmt::format("its interface {} is not there", target.interface),
             "correct `interface` of this target; `ip link` lists what there is");
        continue;
      }
      std::optional<IpAddress> to;
      const config::Host* host = target.amt               ? &*target.amt
                                 : target.address.empty() ? nullptr
                                                          : &target.address.front();
      if (host == nullptr) continue;
      if (const auto* network = std::get_if<Network>(host)) {
        to = sample(*network);
      } else {
        const auto known = facts_.names.find(std::get<std::string>(*host));
        if (known != facts_.names.end() && !known->second.empty()) to = known->second.front();
      }
      if (!to) {
        skip("route", target.name, "its name does not resolve");
        continue;
      }
      const auto at = facts_.routes.find(route_key(*to, target.interface));
      if (at == facts_.routes.end()) {
        skip("route", target.name, "not asked");
      } else if (!at->second.found) {
        fail("route", target.name, fmt::format("no route to {} ({})", to->to_string(), at->second.problem),
             "add a route to it, or name the `interface` that it is behind");
      } else {
        pass("route", target.name, fmt::format("{} is reached through {}", to->to_string(), at->second.device));
      }
    }
  }

  const config::Config& config_;
  const config::Intercept& in_;
  const Facts& facts_;
  const bool tproxy_;
  const bool queue_;
  std::vector<Check> out_;
};

}  // namespace

const char* name(Check::State state) {
  switch (state) {
    case State::Pass: return "pass";
    case State::Fail: return "fail";
    case State::Skip: return "skip";
  }
  return "?";
}

IpAddress sample(const Network& network) {
  const auto bytes = network.address.bytes();
  if (network.is_single()) return network.address;
  if (network.address.is_v4()) {
    return IpAddress::v4({bytes[0], bytes[1], bytes[2], static_cast<std::uint8_t>(bytes[3] | 1)});
  }
  std::array<std::uint8_t, 16> out{};
  std::ranges::copy(bytes, out.begin());
  out[15] |= 1;
  return IpAddress::v6(out);
}

std::string route_key(const IpAddress& to, const std::string& interface) {
  return interface.empty() ? to.to_string() : to.to_string() + " via " + interface;
}

std::vector<Check> judge(const config::Config& config, const Facts& facts) {
  return Judge(config, facts).run();
}

}  // namespace amtgate::cli
