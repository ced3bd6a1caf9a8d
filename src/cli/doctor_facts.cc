#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "amtgate/base/hex.h"
#include "amtgate/cli/common.h"
#include "amtgate/cli/doctor.h"
#include "amtgate/control/protocol.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/name_lookup.h"
#include "amtgate/rules/host.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/privileges.h"

namespace amtgate::cli {
namespace {

// It answers in milliseconds, unless something is very wrong.
constexpr Duration kDaemonPatience = seconds(3);
constexpr std::size_t kMaxProc = 16 * 1024 * 1024;

std::vector<std::string_view> words(std::string_view text, std::string_view separators = " \t\n") {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string read(const std::string& path) {
  Result<std::string> text = sys::read_file(path, kMaxProc);
  return text ? std::move(*text) : std::string();
}

std::vector<std::string> interface_names() {
  std::vector<std::string> out;
  if (struct if_nameindex* const all = ::if_nameindex()) {
    for (const struct if_nameindex* at = all; at->if_index != 0; ++at) out.emplace_back(at->if_name);
    ::if_freenameindex(all);
  }
  return out;
}

std::map<std::string, std::string> sysctls(const std::vector<std::string>& interfaces) {
  std::vector<std::string> keys = {"net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding",
                                   "net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_count",
                                   "net.ipv4.tcp_syncookies"};
  std::vector<std::string> of = interfaces;
  of.emplace_back("all");
  std::map<std::string, std::string> out;
  const auto add = [&out](const std::string& key, const std::string& path) {
    const std::string text = read(path);
    if (!text.empty()) out[key] = text.substr(0, text.find('\n'));
  };
  for (const std::string& key : keys) {
    std::string path = "/proc/sys/" + key;
    std::ranges::replace(path, '.', '/');
    add(key, path);
  }
  // An interface's name may hold dots (lan0.10).
  for (const std::string& device : of) {
    for (const char* key : {"rp_filter", "src_valid_mark"}) {
      add(fmt::format("net.ipv4.conf.{}.{}", device, key), fmt::format("/proc/sys/net/ipv4/conf/{}/{}", device, key));
    }
  }
  return out;
}

/// Who holds the sockets with these inodes: every process's descriptors are looked at, as `ss -p` does.
void find_holders(const std::vector<Held*>& wanted) {
  if (std::ranges::none_of(wanted, [](const Held* held) { return held->inode != 0; })) return;
  std::error_code ignored;
  for (const auto& process : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string number = process.path().filename();
    pid_t pid = 0;
    const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), pid);
    if (ec != std::errc{} || end != number.data() + number.size()) continue;
    std::error_code gone;  // it may end meanwhile, and others' cannot be read without rights
    for (const auto& fd : std::filesystem::directory_iterator(process.path() / "fd", gone)) {
      const std::string link = std::filesystem::read_symlink(fd.path(), gone);
      if (!link.starts_with("socket:[")) continue;
      for (Held* held : wanted) {
        if (held->inode == 0 || link != fmt::format("socket:[{}]", held->inode)) continue;
        if (std::ranges::find(held->by, pid, &Holder::pid) != held->by.end()) continue;
        std::string name = read(process.path() / "comm");
        held->by.push_back({pid, name.substr(0, name.find('\n'))});
      }
    }
  }
}

template <class N>
std::optional<N> number(std::string_view text) {
  N n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

Facts::Daemon daemon(const std::string& path) {
  Facts::Daemon out;
  const Result<sys::UniqueFd> fd = net::connect_unix(path);
  if (!fd) {
    out.problem = fd.error().detail;
    return out;
  }
  const Result<net::Credentials> who = net::peer_credentials(fd->get());
  if (!who) {
    out.problem = who.error().detail;
    return out;
  }
  out.pid = who->pid;
  const Result<control::Reply> reply = ask_daemon_at(path, control::request("status"), kDaemonPatience);
  const Result<control::Status> state =
      reply && reply->ok ? control::status_from_json(reply->data)
                         : Result<control::Status>(reply ? Error{Errc::Closed, reply->error} : reply.error());
  if (state) {
    for (const control::TargetStatus& target : state->targets) out.targets[target.name] = target;
  } else {
    out.problem = state.error().detail;
  }
  const std::string status = read(fmt::format("/proc/{}/status", who->pid));
  const std::size_t at = status.find("CapEff:");
  if (at == std::string::npos) return out;
  const auto found = words(std::string_view(status).substr(at + 7));
  std::uint64_t bits = 0;
  if (!found.empty() &&
      std::from_chars(found[0].data(), found[0].data() + found[0].size(), bits, 16).ec == std::errc{}) {
    out.capabilities = bits;
  }
  return out;
}

RouteFact ask_route(const rules::Runner& run, const IpAddress& to, const std::string& interface) {
  std::vector<std::string> command = {"ip", to.is_v4() ? "-4" : "-6", "-o", "route", "get", to.to_string()};
  if (!interface.empty()) {
    command.emplace_back("oif");
    command.push_back(interface);
  }
  RouteFact out;
  const Result<sys::RunResult> result = run(command, {});
  if (!result || !result->ok()) {
    out.problem = result ? result->errors.substr(0, result->errors.find('\n')) : result.error().detail;
    return out;
  }
  const auto w = words(result->output);
  if (!w.empty() && (w[0] == "unreachable" || w[0] == "prohibit" || w[0] == "blackhole")) {
    out.problem = std::string(w[0]);
    return out;
  }
  for (std::size_t i = 0; i + 1 < w.size(); ++i) {
    if (w[i] == "dev") out.device = w[i + 1];
  }
  out.found = !out.device.empty();
  return out;
}

/// The second host of a network that has two.
IpAddress second(const Network& network) {
  const IpAddress first = sample(network);
  const auto bytes = first.bytes();
  std::array<std::uint8_t, 16> out{};
  std::ranges::copy(bytes, out.begin());
  out[bytes.size() - 1] = static_cast<std::uint8_t>((out[bytes.size() - 1] & ~1U) | 2U);
  if (first.is_v4()) return IpAddress::v4({out[0], out[1], out[2], out[3]});
  return IpAddress::v6(out);
}

}  // namespace

std::vector<Held> parse_listeners(const std::string& text) {
  std::vector<Held> out;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto w = words(line);
    // sl, local_address (hexadecimal, each four bytes in the host's order), rem_address, st (0A is LISTEN), queues,
    // timer, retransmissions, uid, timeout, inode, ...
    if (w.size() < 4 || w[3] != "0A") continue;
    const std::size_t colon = w[1].find(':');
    if (colon == std::string_view::npos) continue;
    const Result<Buffer> address = from_hex(w[1].substr(0, colon));
    const Result<Buffer> port = from_hex(w[1].substr(colon + 1));
    if (!address || !port || port->size() != 2) continue;
    Buffer bytes = *address;
    for (auto at = bytes.begin(); bytes.end() - at >= 4; at += 4) std::reverse(at, at + 4);
    Endpoint e;
    e.port.value = static_cast<std::uint16_t>((*port)[0] << 8 | (*port)[1]);
    if (bytes.size() == 4) {
      e.address = IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
    } else if (bytes.size() == 16) {
      std::array<std::uint8_t, 16> a{};
      std::ranges::copy(bytes, a.begin());
      e.address = IpAddress::v6(a);
    } else {
      continue;
    }
    out.push_back({e, w.size() > 9 ? number<std::uint64_t>(w[9]).value_or(0) : 0});
  }
  return out;
}

std::optional<std::uint32_t> parse_queue_reader(const std::string& text, std::uint16_t wanted) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto w = words(line);  // queue number, netlink port of its reader, packets that wait, ...
    if (w.size() >= 3 && number<std::uint32_t>(w[0]) == wanted) return number<std::uint32_t>(w[1]);
  }
  return std::nullopt;
}

std::uint64_t parse_netlink_inode(const std::string& text, std::uint32_t port) {
  constexpr std::string_view kNetfilter = "12";  // linux/netlink.h
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto w =
        words(line);  // sk, Eth (the protocol), Pid (the port), Groups, Rmem, Wmem, Dump, Locks, Drops, Inode
    if (w.size() < 10 || w[1] != kNetfilter || number<std::uint32_t>(w[2]) != port) continue;
    return number<std::uint64_t>(w[9]).value_or(0);
  }
  return 0;
}

Facts gather(const config::Config& config) {
  Facts facts;
  const rules::Runner run = rules::system_runner();
  facts.admin = sys::has_effective(sys::Capability::NetAdmin);
  facts.root = ::geteuid() == 0;
  for (const rules::Ip ip : rules::families()) {
    Facts::Family family;
    family.ip = ip;
    if (facts.admin) {
      Result<rules::FamilyState> state = rules::read_state(run, ip, config.intercept.table);
      if (state) {
        family.state = std::move(*state);
      } else {
        family.problem = state.error().detail;
      }
      family.refusals = rules::refusals(run, config.intercept, ip);
    }
    facts.families.push_back(std::move(family));
  }
  facts.interfaces = interface_names();
  facts.sysctl = sysctls(facts.interfaces);
  if (Result<std::string> queues = sys::read_file("/proc/net/netfilter/nfnetlink_queue", kMaxProc)) {
    facts.queues = std::move(*queues);
  }
  if (facts.queues) {
    if (const auto port = parse_queue_reader(*facts.queues, config.intercept.queue))
      facts.queue_reader.inode = parse_netlink_inode(read("/proc/net/netlink"), *port);
  }
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    for (Held& held : parse_listeners(read(path))) {
      if (held.at.port == config.intercept.port) facts.listeners.push_back(std::move(held));
    }
  }
  std::vector<Held*> sockets = {&facts.queue_reader};
  for (Held& held : facts.listeners) sockets.push_back(&held);
  find_holders(sockets);
  facts.daemon = daemon(config.gateway.control);
  if (!facts.daemon.pid && sys::exists("/run/systemd/system")) {
    const Result<sys::RunResult> shown = run({"systemctl", "show", "-P", "CapabilityBoundingSet", "amtgated"}, {});
    if (shown && shown->ok()) facts.daemon.unit_bounds = shown->output;
  }

  std::vector<std::string> names;
  const auto name_in = [&names](const config::Host& host) {
    if (const auto* name = std::get_if<std::string>(&host)) names.push_back(*name);
  };
  for (const config::Target& target : config.targets) {
    std::ranges::for_each(target.address, name_in);
    if (target.amt) name_in(*target.amt);
  }
  if (auto found = net::look_up_now(names)) facts.names = std::move(*found);
  const auto route = [&](const IpAddress& to, const std::string& interface) {
    const std::string key = route_key(to, interface);
    if (!facts.routes.contains(key)) facts.routes[key] = ask_route(run, to, interface);
  };
  for (const config::Target& target : config.targets) {
    for (const Network& network : target.allow) {
      if (network.prefix == 0) continue;
      route(sample(network), "");
      // The first host of a network is often this one.
      RouteFact& way = facts.routes[route_key(sample(network), "")];
      if (way.device == "lo" && network.prefix + 2 <= sample(network).bytes().size() * 8) {
        way = ask_route(run, second(network), "");
      }
    }
    const config::Host* host = target.amt ? &*target.amt : target.address.empty() ? nullptr : &target.address.front();
    if (host == nullptr) continue;
    if (const auto* network = std::get_if<Network>(host)) {
      route(sample(*network), target.interface);
    } else if (!facts.names[std::get<std::string>(*host)].empty()) {
      route(facts.names[std::get<std::string>(*host)].front(), target.interface);
    }
  }
  return facts;
}

}  // namespace amtgate::cli
