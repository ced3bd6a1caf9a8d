// net: how AMT itself is on the network.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "amtgate/cli/actions.h"
#include "amtgate/cli/care_commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/device/web_client.h"
#include "amtgate/wsman/network.h"

namespace amtgate::cli {
namespace {

using Flag = std::optional<bool>;

std::string joined(const std::vector<std::string>& lines, const char* between) {
  std::string out;
  for (const std::string& l : lines) out += (out.empty() ? "" : between) + l;
  return out;
}

std::string word(const Flag& on) {
  return !on ? "" : *on ? "on" : "off";
}
nlohmann::json value(const Flag& on) {
  return on ? nlohmann::json(*on) : nlohmann::json();
}

Row row(const wsman::NetworkSettings& n) {
  Row out;
  nlohmann::json ports = nlohmann::json::array();
  const std::string host = n.host_name + (n.domain.empty() ? "" : "." + n.domain);
  const std::string answers =
      std::string(n.ping.value_or(false) ? "ping " : "") + (n.rmcp.value_or(false) ? "rmcp" : "");
  const std::string idle = n.idle_minutes ? std::to_string(*n.idle_minutes) + " min" : "";
  for (const wsman::NetworkPort& p : n.ports) {
    const bool first = out.more.empty();
    const std::string ipv6 = p.addresses6.empty() ? word(p.ipv6) : joined(p.addresses6, " ");
    out.more.push_back({first ? host : "", first ? answers : "", first ? idle : "",
                        std::string(p.wireless ? "wireless" : "wired") + (p.link == false ? " (no link)" : ""), p.mac,
                        p.address + (p.mask.empty() ? "" : "/" + p.mask) + (p.dhcp.value_or(false) ? " (dhcp)" : ""),
                        p.gateway, p.dns + (p.dns2.empty() ? "" : " " + p.dns2), ipv6, p.link_preference});
    ports.push_back({{"port", p.wireless ? "wireless" : "wired"},
                     {"mac", p.mac},
                     {"link", value(p.link)},
                     {"dhcp", value(p.dhcp)},
                     {"address", p.address},
                     {"mask", p.mask},
                     {"gateway", p.gateway},
                     {"dns", p.dns},
                     {"dns2", p.dns2},
                     {"ipv6", value(p.ipv6)},
                     {"addresses6", p.addresses6},
                     {"link_preference", p.link_preference}});
  }
  nlohmann::json json = {{"host_name", n.host_name},
                         {"domain", n.domain},
                         {"ping", value(n.ping)},
                         {"rmcp", value(n.rmcp)},
                         {"ports", ports}};
  json["idle_minutes"] = n.idle_minutes ? nlohmann::json(*n.idle_minutes) : nlohmann::json();
  out.json = std::make_shared<nlohmann::json>(std::move(json));
  return out;
}

Run show(CLI::App& app, const Common& common) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_fleet(common, *fleet,
                     {"HOST", "ANSWERS", "IDLE", "PORT", "MAC", "ADDRESS", "GATEWAY", "DNS", "IPV6", "LINK"},
                     [](wsman::Caller& machine) -> Result<Row> {
                       const Result<wsman::NetworkSettings> now = wsman::read_network(machine);
                       if (!now) return now.error();
                       return row(*now);
                     });
  };
}

struct Options {
  wsman::NetworkWish wish;
  bool dry_run = false;
};

Run set(CLI::App& app, const Common& common) {
  const auto o = std::make_shared<Options>();
  const auto fleet = add_fleet_options(app);
  const auto flag = [&app, o](const char* name, Flag wsman::NetworkWish::*member, const char* help) {
    app.add_option_function<std::string>(
           name, [o, member](const std::string& v) { o->wish.*member = v == "on"; }, help)
        ->option_text("on|off")
        ->check(CLI::IsMember({"on", "off"}));
  };
  const auto text = [&app, o](const char* name, std::optional<std::string> wsman::NetworkWish::*member,
                              const char* kind, const char* help) {
    app.add_option_function<std::string>(
           name, [o, member](const std::string& v) { o->wish.*member = v; }, help)
        ->option_text(kind);
  };
  using Wish = wsman::NetworkWish;
  flag("--ping", &Wish::ping, "answer to ping");
  flag("--rmcp", &Wish::rmcp, "answer to RMCP ping, which finds AMT machines");
  app.add_option_function<std::uint64_t>(
         "--idle", [o](std::uint64_t v) { o->wish.idle_minutes = v; },
         "minutes that AMT stays awake with the machine off, after a request")
      ->option_text("MINUTES");
  text("--host-name", &Wish::host_name, "NAME", "AMT's host name");
  text("--domain", &Wish::domain, "NAME", "and domain");
  flag("--ipv6", &Wish::ipv6, "IPv6 on the wired port");
  flag("--dhcp", &Wish::dhcp, "the wired port's address from DHCP");
  text("--address", &Wish::address, "ADDRESS", "fixed, IPv4; with --mask");
  text("--mask", &Wish::mask, "MASK", "255.255.255.0");
  text("--gateway", &Wish::gateway, "ADDRESS", "in that network");
  text("--dns", &Wish::dns, "ADDRESS", "a name server");
  text("--dns2", &Wish::dns2, "ADDRESS", "another");
  text("--link", &Wish::link_preference, "me|host", "whose the wireless link is: AMT's or the operating system's");
  app.add_flag("--dry-run", o->dry_run, "only say what would be changed");
  app.add_flag("--force", o->wish.force, "also what may put the machine out of reach");
  return [&common, o, fleet] {
    if (const Result<void> fine = o->wish.check(); !fine) return fail(kUsage, fine.error().detail);
    return run_fleet(
        common, *fleet, {o->dry_run ? "WOULD CHANGE" : "CHANGED", "RISK"},
        [o](wsman::Caller& machine) -> Result<Row> {
          Wish wish = o->wish;
          if (wish.ipv6) {
            // Whatever is asked first opens the connection.
            if (const auto first = wsman::get(machine, "AMT_GeneralSettings"); !first) return first.error();
            wish.over_ipv6 = !device::route_of(machine).device.address.is_v4();
          }
          const Result<wsman::NetworkChanges> done = wsman::set_network(machine, wish, o->dry_run);
          if (!done) return done.error();
          nlohmann::json json = {{"changes", done->changes}, {"risks", done->risks}, {"dry_run", o->dry_run}};
          return Row{{done->changes.empty() ? "nothing" : joined(done->changes, "; "), joined(done->risks, "; ")},
                     std::make_shared<nlohmann::json>(std::move(json))};
        });
  };
}

}  // namespace

Run net_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("show", "names, addresses, what AMT answers to", [&](CLI::App& a) { return show(a, common); });
  actions.add("set", "change some of it", [&](CLI::App& a) { return set(a, common); });
  return actions.run();
}

}  // namespace amtgate::cli
