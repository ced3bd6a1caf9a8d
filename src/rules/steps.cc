#include "amtgate/rules/steps.h"

#include <fmt/format.h>

#include <algorithm>

namespace amtgate::rules {
namespace {

// The seconds that iptables may wait for another iptables to finish.
constexpr const char* kWait = "10";

/// "-A CHAIN rest" with another command letter.
std::string as(std::string_view command, std::string_view rule) {
  return std::string(command) + std::string(rule.substr(2));
}

void delete_jumps(const TableState& now, std::string& script) {
  for (const std::string& jump : now.jumps) script += as("-D", jump) + "\n";
}

void delete_chains(const TableState& now, std::string& script) {
  for (const Chain& chain : now.chains) script += "-F " + chain.name + "\n";
  for (const Chain& chain : now.chains) script += "-X " + chain.name + "\n";
}

std::string removal(const TableState& now) {
  std::string script = "*" + now.name + "\n";
  delete_jumps(now, script);
  delete_chains(now, script);
  return script + "COMMIT\n";
}

/// Naming a chain of ours with ":" makes it, or empties the one that is there.
std::string installation(const Table& want, const TableState* now, bool note_made) {
  std::string script = "*" + want.name + "\n";
  if (note_made) script += fmt::format(":{} - [0:0]\n", kTableMade);
  for (const Chain& chain : want.chains) script += fmt::format(":{} - [0:0]\n", chain.name);
  if (now != nullptr) {
    delete_jumps(*now, script);
    TableState stale = *now;
    std::erase_if(stale.chains, [&](const Chain& chain) {
      return std::ranges::find(want.chains, chain.name, &Chain::name) != want.chains.end();
    });
    delete_chains(stale, script);
  }
  for (const Chain& chain : want.chains) {
    for (const std::string& rule : chain.rules) script += rule + "\n";
  }
  for (const Jump& jump : want.jumps) {
    script += as(jump.place == Jump::Place::First ? "-I" : "-A", jump.rule) + "\n";
  }
  return script + "COMMIT\n";
}

Step restore(const Backend& backend, std::string why, std::string script) {
  return {std::move(why), {backend.prefix + "-restore", "--wait", kWait, "--noflush"}, std::move(script)};
}

std::string selector(const PolicyRoute& route) {
  return fmt::format("from all fwmark {:#x}", route.mark);
}

std::vector<std::string> ip_command(Ip ip, std::initializer_list<std::string> words) {
  std::vector<std::string> out = {"ip", ip == Ip::V4 ? "-4" : "-6"};
  out.insert(out.end(), words);
  return out;
}

Step delete_rule(Ip ip, const PolicyRule& rule) {
  Step step{fmt::format("{}: an older policy rule", name(ip)),
            ip_command(ip, {"rule", "del", "pref", std::to_string(rule.preference)}),
            {}};
  // Only our own rules come here: `from all` and a mark, no word with a space.
  std::string_view rest = rule.selector;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    step.command.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const std::string& w :
       {std::string("lookup"), std::to_string(rule.table), std::string("protocol"), std::to_string(kRouteProtocol)}) {
    step.command.push_back(w);
  }
  return step;
}

Step delete_routes(Ip ip, std::uint32_t table) {
  return {fmt::format("{}: the route of marked packets in table {}", name(ip), table),
          ip_command(ip, {"route", "flush", "table", std::to_string(table), "proto", std::to_string(kRouteProtocol)}),
          {}};
}

/// Rules and routes of ours other than `keep`.
void remove_policy(const FamilyState& now, const std::optional<PolicyRoute>& keep, std::vector<Step>& out) {
  for (const PolicyRule& rule : now.rules) {
    if (rule.protocol != kRouteProtocol) continue;
    if (keep && rule.table == keep->table && rule.selector == selector(*keep)) continue;
    out.push_back(delete_rule(now.ip, rule));
  }
  std::vector<std::uint32_t> tables;
  for (const RouteLine& route : now.our_routes) {
    if (keep && route.table == keep->table) continue;
    if (std::ranges::find(tables, route.table) == tables.end()) tables.push_back(route.table);
  }
  for (const std::uint32_t table : tables) out.push_back(delete_routes(now.ip, table));
}

Result<void> add_policy(const FamilyState& now, const PolicyRoute& want, std::vector<Step>& out) {
  for (const RouteLine& route : now.table_routes) {
    if (!route.local_default) {
      return Error{Errc::Busy,
                   fmt::format("routing table {} holds a route that is not ours ({}): choose another number "
                               "for [intercept] table",
                               want.table, route.text)};
    }
  }
  const bool route_there = std::ranges::any_of(
      now.our_routes, [&](const RouteLine& r) { return r.table == want.table && r.local_default; });
  if (!route_there) {
    out.push_back({fmt::format("{}: packets that carry the mark end at this host", name(now.ip)),
                   ip_command(now.ip, {"route", "replace", "local", "default", "dev", "lo", "table",
                                       std::to_string(want.table), "proto", std::to_string(kRouteProtocol)}),
                   {}});
  }
  const bool rule_there = std::ranges::any_of(now.rules, [&](const PolicyRule& r) {
    return r.protocol == kRouteProtocol && r.table == want.table && r.selector == selector(want);
  });
  if (!rule_there) {
    out.push_back({fmt::format("{}: the mark leads to that route", name(now.ip)),
                   ip_command(now.ip, {"rule", "add", "pref", std::to_string(kRulePreference), "fwmark",
                                       fmt::format("{:#x}", want.mark), "lookup", std::to_string(want.table),
                                       "protocol", std::to_string(kRouteProtocol)}),
                   {}});
  }
  return {};
}

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && word.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789-_./:,=+@%") == std::string::npos;
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace

Result<std::vector<Step>> up_steps(const Plan& plan, const FamilyState& now) {
  std::vector<Step> out;
  remove_policy(now, plan.route, out);
  if (plan.route) {
    const Result<void> added = add_policy(now, *plan.route, out);
    if (!added) return added.error();
  }
  for (std::size_t i = 0; i < now.backends.size(); ++i) {
    const Backend& backend = now.backends[i];
    for (const TableState& table : backend.tables) {
      const bool wanted = i == 0 && std::ranges::find(plan.tables, table.name, &Table::name) != plan.tables.end();
      if (wanted || (table.chains.empty() && table.jumps.empty())) continue;
      out.push_back(
          restore(backend, fmt::format("{}: older rules in {}", name(plan.ip), table.name), removal(table)));
    }
  }
  if (now.backends.empty()) return out;
  const Backend& backend = now.backends.front();
  for (const Table& table : plan.tables) {
    const TableState* there = backend.find(table.name);
    if (there != nullptr && same(table, *there)) continue;
    const bool made = there == nullptr || there->made;
    out.push_back(restore(backend, fmt::format("{}: {}", name(plan.ip), table.name),
                          installation(table, there, made && backend.flavour == Flavour::Nft)));
  }
  return out;
}

std::vector<Step> down_steps(const FamilyState& now) {
  std::vector<Step> out;
  for (const Backend& backend : now.backends) {
    // raw catches the first packets: without it nothing new begins while the rest is taken away.
    std::vector<const TableState*> tables;
    for (const TableState& table : backend.tables) {
      if (table.chains.empty() && table.jumps.empty()) continue;
      tables.insert(table.name == "raw" ? tables.begin() : tables.end(), &table);
    }
    for (const TableState* table : tables) {
      out.push_back(restore(backend, fmt::format("{}: rules in {}", name(now.ip), table->name), removal(*table)));
    }
  }
  remove_policy(now, std::nullopt, out);
  // The note that a table was made goes last, so that a `down` that was killed in the middle still finds it.
  for (const Backend& backend : now.backends) {
    for (const TableState& table : backend.tables) {
      if (!table.made || !table.others) continue;
      out.push_back(restore(backend,
                            fmt::format("{}: the mark of a table we made, in use by others now", name(now.ip)),
                            fmt::format("*{}\n-X {}\nCOMMIT\n", table.name, kTableMade)));
    }
  }
  return out;
}

std::vector<TableState> empty_tables(const FamilyState& now) {
  std::vector<TableState> out;
  for (const Backend& backend : now.backends) {
    if (backend.flavour != Flavour::Nft) continue;
    for (const TableState& table : backend.tables) {
      if (table.made && !table.others && table.chains.empty() && table.jumps.empty()) out.push_back(table);
    }
  }
  return out;
}

std::string to_shell(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& step : steps) {
    out += "# " + step.why + "\n";
    for (std::size_t i = 0; i < step.command.size(); ++i) out += (i == 0 ? "" : " ") + quoted(step.command[i]);
    out += step.input.empty() ? "\n" : " <<'END'\n" + step.input + "END\n";
  }
  return out;
}

}  // namespace amtgate::rules
