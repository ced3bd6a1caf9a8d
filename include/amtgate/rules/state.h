// State: what the kernel holds of ours, read from the output of iptables-save and ip. Pure parsing; host.h runs the
// commands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/rules/plan.h"

namespace amtgate::rules {

/// One table as iptables-save prints it, reduced to what concerns us.
struct TableState {
  std::string name;
  std::vector<std::string> builtin;  // the kernel's chains
  std::vector<Chain> chains;         // ours, with their rules as printed
  std::vector<std::string> jumps;    // rules elsewhere that lead into one of ours, as printed
  std::vector<std::string> ahead;    // others' rules that come before our jump in the same chain, as printed
  bool others = false;               // rules, chains or policies that are not ours
  bool made = false;                 // it was not there before `up`

  bool ours() const { return !chains.empty() || !jumps.empty() || made; }
};

/// The tables that `iptables-save` prints. Comments and counters are ignored.
std::vector<TableState> parse_save(std::string_view text);

/// One line of `ip -N -d rule show` that carries our protocol number or leads to the table in question.
struct PolicyRule {
  std::uint32_t preference = 0;
  std::string selector;  // from "from" up to "lookup", e.g. "from all fwmark 0x5900"
  std::uint32_t table = 0;
  unsigned protocol = 0;
};
std::vector<PolicyRule> parse_rules(std::string_view text);

/// One line of `ip -N route show table ...`.
struct RouteLine {
  std::string text;         // as printed
  std::uint32_t table = 0;  // 0 where the line does not say
  bool local_default = false;
};
std::vector<RouteLine> parse_routes(std::string_view text);

/// iptables that works through nf_tables and the older one keep their rules apart, and both can be in use at once.
enum class Flavour : std::uint8_t { Nft, Legacy };

struct Backend {
  std::string prefix;  // "iptables", "ip6tables-legacy", ...: the commands are PREFIX-save and PREFIX-restore
  Flavour flavour = Flavour::Nft;
  std::vector<TableState> tables;

  const TableState* find(std::string_view table) const;
};

struct FamilyState {
  Ip ip = Ip::V4;
  std::vector<Backend> backends;  // the one that plain `iptables` is comes first
  std::vector<PolicyRule> rules;
  std::vector<RouteLine> our_routes;    // those with our protocol number, in any table
  std::vector<RouteLine> table_routes;  // all of the configured table
};

/// Whether our part of `now` is exactly `want`.
bool same(const Table& want, const TableState& now);

}  // namespace amtgate::rules
