#include "amtgate/rules/state.h"

#include <algorithm>
#include <charconv>

#include "amtgate/config/values.h"

namespace amtgate::rules {
namespace {

// Rules of others that are remembered, for `ahead`; a chain of the kernel's with more than this is not read by
// people.
constexpr std::size_t kMaxBefore = 1000;

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end != 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::uint32_t number(std::string_view text) {
  std::uint32_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

bool is_ours(std::string_view chain) {
  return chain.starts_with(kChainPrefix);
}

Chain* chain_of(TableState& table, std::string_view name) {
  const auto at = std::ranges::find(table.chains, name, &Chain::name);
  return at == table.chains.end() ? nullptr : &*at;
}

/// `before`: others' rules of the kernel's chains that were met so far.
void add_rule(TableState& table, std::string_view line, std::vector<std::string>& before) {
  const auto w = config::words(line);
  if (w.size() < 2 || w[0] != "-A") return;
  if (Chain* chain = chain_of(table, w[1])) {
    chain->rules.emplace_back(line);
    return;
  }
  for (std::size_t i = 2; i + 1 < w.size(); ++i) {
    if ((w[i] == "-j" || w[i] == "-g") && is_ours(w[i + 1])) {
      table.jumps.emplace_back(line);
      // iptables-save prints a chain's rules in their order.
      for (const std::string& rule : before) {
        if (config::words(rule)[1] == w[1]) table.ahead.push_back(rule);
      }
      std::erase_if(before, [&](const std::string& rule) { return config::words(rule)[1] == w[1]; });
      return;
    }
  }
  table.others = true;
  if (std::ranges::find(table.builtin, w[1]) != table.builtin.end() && before.size() < kMaxBefore) {
    before.emplace_back(line);
  }
}

}  // namespace

std::vector<TableState> parse_save(std::string_view text) {
  std::vector<TableState> out;
  std::vector<std::string> before;
  for (const std::string_view line : lines(text)) {
    if (line[0] == '*') {
      before.clear();
      out.emplace_back();
      out.back().name = line.substr(1);
      continue;
    }
    if (out.empty()) continue;
    TableState& table = out.back();
    if (line[0] == ':') {
      const auto w = config::words(line.substr(1));
      if (w.size() < 2) continue;
      if (w[0] == kTableMade) {
        table.made = true;
      } else if (is_ours(w[0])) {
        table.chains.push_back({std::string(w[0]), {}});
      } else if (w[1] == "-") {
        table.others = true;
      } else {
        table.builtin.emplace_back(w[0]);
        if (w[1] != "ACCEPT") table.others = true;
      }
    } else if (line[0] == '-') {
      add_rule(table, line, before);
    }
  }
  return out;
}

std::vector<PolicyRule> parse_rules(std::string_view text) {
  std::vector<PolicyRule> out;
  for (const std::string_view line : lines(text)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    PolicyRule rule;
    rule.preference = number(line.substr(0, colon));
    const auto w = config::words(line.substr(colon + 1));
    bool selecting = true;
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (w[i] == "lookup" && i + 1 < w.size()) {
        selecting = false;
        rule.table = number(w[i + 1]);
      } else if (w[i] == "proto" && i + 1 < w.size()) {
        rule.protocol = number(w[i + 1]);
      } else if (selecting) {
        rule.selector += (rule.selector.empty() ? "" : " ") + std::string(w[i]);
      }
    }
    out.push_back(std::move(rule));
  }
  return out;
}

std::vector<RouteLine> parse_routes(std::string_view text) {
  std::vector<RouteLine> out;
  for (const std::string_view line : lines(text)) {
    const auto w = config::words(line);
    if (w.empty()) continue;
    RouteLine route;
    route.text = line;
    for (std::size_t i = 0; i + 1 < w.size(); ++i) {
      if (w[i] == "table") route.table = number(w[i + 1]);
    }
    // "2" is RTN_LOCAL, which -N leaves as a number.
    route.local_default =
        w.size() >= 4 && (w[0] == "local" || w[0] == "2") && w[1] == "default" && w[2] == "dev" && w[3] == "lo";
    out.push_back(std::move(route));
  }
  return out;
}

const TableState* Backend::find(std::string_view table) const {
  const auto at = std::ranges::find(tables, table, &TableState::name);
  return at == tables.end() ? nullptr : &*at;
}

bool same(const Table& want, const TableState& now) {
  if (want.chains.size() != now.chains.size() || want.jumps.size() != now.jumps.size()) return false;
  for (const Chain& chain : want.chains) {
    const auto at = std::ranges::find(now.chains, chain.name, &Chain::name);
    if (at == now.chains.end() || at->rules != chain.rules) return false;
  }
  return std::ranges::all_of(want.jumps, [&](const Jump& j) { return std::ranges::count(now.jumps, j.rule) == 1; });
}

}  // namespace amtgate::rules
