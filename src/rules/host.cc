#include "amtgate/rules/host.h"

#include <fmt/format.h>

#include <algorithm>

#include "amtgate/sys/file.h"

namespace amtgate::rules {
namespace {

// A host with tens of thousands of container rules prints some MiB.
constexpr std::size_t kMaxSave = 64 * 1024 * 1024;

std::string program(Ip ip) {
  return ip == Ip::V4 ? "iptables" : "ip6tables";
}

std::string first_line(std::string_view text) {
  while (!text.empty() && (text.front() == '\n' || text.front() == ' ')) text.remove_prefix(1);
  return std::string(text.substr(0, text.find('\n')));
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : " ") + w;
  return out;
}

Error missing(const std::string& what, const char* package) {
  return {Errc::Unreachable, fmt::format("{} is not installed: apt-get install {}", what, package)};
}

Error failed(const std::vector<std::string>& command, const sys::RunResult& result) {
  return {Errc::System, fmt::format("'{}' failed: {}", join(command), first_line(result.errors))};
}

/// The output of a command that must succeed.
Result<std::string> output(const Runner& run, const std::vector<std::string>& command) {
  Result<sys::RunResult> result = run(command, {});
  if (!result) return result.error();
  if (!result->ok()) return failed(command, *result);
  return std::move(result->output);
}

Result<std::vector<Backend>> read_backends(const Runner& run, Ip ip) {
  const std::string plain = program(ip);
  const Result<sys::RunResult> version = run({plain, "--version"}, {});
  if (!version) return version.error().code == Errc::Unreachable ? missing(plain, "iptables") : version.error();
  Backend used{plain, Flavour::Legacy, {}};
  if (version->output.find("nf_tables") != std::string::npos) used.flavour = Flavour::Nft;
  const Result<std::string> save = output(run, {plain + "-save"});
  if (!save) return save.error();
  used.tables = parse_save(*save);
  std::vector<Backend> out = {used};

  // Rules that were put in while the other one was in use.
  const bool nft = used.flavour == Flavour::Nft;
  Backend other{plain + (nft ? "-legacy" : "-nft"), nft ? Flavour::Legacy : Flavour::Nft, {}};
  const Result<std::string> rest = output(run, {other.prefix + "-save"});
  if (rest) {
    other.tables = parse_save(*rest);
    if (std::ranges::any_of(other.tables, &TableState::ours)) out.push_back(other);
  }
  return out;
}

struct Lack {
  const char* text;     // in the rule
  const char* part;     // what it is called, and its library: libxt_PART.so
  const char* what;     // what the kernel has not
  const char* modules;  // that bring it
  const char* without;  // the setting that does without; empty: none
};
// The first whose text is in the refused rule; a rule's match stands before its target.
constexpr Lack kLacks[] = {
    {"-m connmark", "connmark", "cannot match marks of tracked connections", "xt_connmark", "local = no"},
    {"-j TPROXY", "TPROXY", "has no TPROXY target", "xt_TPROXY", "mode = redirect"},
    {"-m socket", "socket", "has no socket match", "xt_socket", "mode = redirect"},
    {"-j NFQUEUE", "NFQUEUE", "has no NFQUEUE target", "xt_NFQUEUE nfnetlink_queue", "classify = all"},
    {"CONNMARK", "CONNMARK", "cannot mark tracked connections", "xt_connmark", "local = no"},
    {"-j REDIRECT", "REDIRECT", "has no REDIRECT target", "xt_REDIRECT", "mode = tproxy"},
    {"-m addrtype", "addrtype", "has no addrtype match", "xt_addrtype", "classify = queue"},
    {"-m conntrack", "conntrack", "has no conntrack match", "xt_conntrack", "local = no"},
    {"-m length", "length", "has no length match", "xt_length", "take 623 out of [intercept] ports"},
    {"-m multiport", "multiport", "has no multiport match", "xt_multiport", ""},
    {"-j MARK", "MARK", "has no MARK target", "xt_mark", ""},
    {"-m mark", "mark", "has no mark match", "xt_mark", ""},
};

/// What is missing when `rule` is refused with `errors`.
Refusal refusal(std::string_view rule, std::string_view errors) {
  // Told apart by iptables' words: a library of its own that it cannot load, or one that the kernel has no match for.
  const bool no_library = errors.find("missing kernel module") == std::string_view::npos &&
                          (errors.find("Couldn't load") != std::string_view::npos ||
                           errors.find("unknown option") != std::string_view::npos);
  const auto names = [errors](const Lack& lack) {
    return errors.find(fmt::format("`{}'", lack.part)) != std::string_view::npos ||
           errors.find(fmt::format("Extension {} ", lack.part)) != std::string_view::npos;
  };
  // One rule may hold several. iptables names the match that it stumbled over, and of a target only its options.
  const bool named = std::ranges::any_of(kLacks, names);
  const bool target = errors.find("unknown option") != std::string_view::npos;
  for (const Lack& lack : kLacks) {
    if (rule.find(lack.text) == std::string_view::npos) continue;
    if (named ? !names(lack) : target && std::string_view(lack.text).starts_with("-m")) continue;
    const std::string or_else = *lack.without == 0 ? "" : fmt::format("; where it has none, set {}", lack.without);
    if (no_library) {
      return {lack.part, fmt::format("iptables has no {} (its library libxt_{}.so is missing)", lack.part, lack.part),
              "apt-get install --reinstall iptables"};
    }
    return {lack.part, fmt::format("the kernel {}", lack.what), fmt::format("modprobe {}{}", lack.modules, or_else)};
  }
  return {std::string(rule), fmt::format("the rule '{}' is refused: {}", rule, first_line(errors)),
          "see whether this kernel and this iptables belong together"};
}

// A chain for trying rules in; never left behind.
constexpr const char* kProbe = "AMTGATE_PROBE";

/// "*table" with one rule in the chain for trying: `rule` as it stands in a plan or a step. Empty: no rule.
std::string probe_script(std::string_view table, std::string_view rule) {
  if (!rule.starts_with("-A ") && !rule.starts_with("-I ")) return {};
  const std::size_t matches = rule.find(' ', 3);
  if (matches == std::string_view::npos) return {};
  std::string rest(rule.substr(matches));
  // A jump to a chain of ours would need that chain.
  const std::size_t jump = rest.find(fmt::format("-j {}", kChainPrefix));
  if (jump != std::string::npos) rest.replace(jump, std::string::npos, "-j RETURN");
  return fmt::format("*{}\n:{} - [0:0]\n-A {}{}\nCOMMIT\n", table, kProbe, kProbe, rest);
}

Result<void> carry_out(const Runner& run, const Step& step) {
  const Result<sys::RunResult> result = run(step.command, step.input);
  if (!result) {
    if (result.error().code != Errc::Unreachable) return result.error();
    return missing(step.command[0], step.command[0] == "ip" ? "iproute2" : "iptables");
  }
  if (result->ok()) return {};
  Error error = failed(step.command, *result);
  error.detail = fmt::format("{}: {}", step.why, error.detail);
  const std::string reason = step.input.empty() ? "" : explain(run, step);
  if (!reason.empty()) error.detail += "; " + reason;
  if (step.command[0] == "ip" && error.detail.find("Network is down") != std::string::npos) {
    error.detail += "; the loopback device is down: ip link set lo up";
  }
  return error;
}

bool anything(const FamilyState& state) {
  return !down_steps(state).empty() || !empty_tables(state).empty();
}

}  // namespace

Runner system_runner() {
  return [](const std::vector<std::string>& command, std::string_view input) {
    sys::RunOptions options;
    options.input = input;
    options.deadline = seconds(30);  // iptables-restore waits up to 10 for another one
    options.output_limit = kMaxSave;
    return sys::run(command, options);
  };
}

std::vector<Ip> families() {
  const auto off = [](const char* device) {
    const std::string path = fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", device);
    const Result<std::string> text = sys::read_file(path, 16);
    return !text || text->starts_with('1');
  };
  if (off("lo")) return {Ip::V4};
  return {Ip::V4, Ip::V6};
}

Result<FamilyState> read_state(const Runner& run, Ip ip, std::uint32_t table) {
  FamilyState state;
  state.ip = ip;
  Result<std::vector<Backend>> backends = read_backends(run, ip);
  if (!backends) return backends.error();
  state.backends = std::move(*backends);

  const std::string family = ip == Ip::V4 ? "-4" : "-6";
  const Result<std::string> rules = output(run, {"ip", family, "-N", "-d", "rule", "show"});
  if (!rules) return rules.error().code == Errc::Unreachable ? missing("ip", "iproute2") : rules.error();
  state.rules = parse_rules(*rules);
  const Result<std::string> ours =
      output(run, {"ip", family, "-N", "route", "show", "table", "all", "proto", std::to_string(kRouteProtocol)});
  if (!ours) return ours.error();
  state.our_routes = parse_routes(*ours);
  // A table that was never used is an error for `ip`, and empty for us.
  const Result<std::string> routes =
      output(run, {"ip", family, "-N", "route", "show", "table", std::to_string(table)});
  if (routes) state.table_routes = parse_routes(*routes);
  return state;
}

std::string explain(const Runner& run, const Step& failed_step) {
  std::string table = failed_step.input.substr(0, failed_step.input.find('\n'));
  if (table.starts_with('*')) table.erase(0, 1);
  std::string reason;
  std::string_view rest = failed_step.input;
  while (!rest.empty() && reason.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::string script = probe_script(table, line);
    if (script.empty()) continue;
    const Result<sys::RunResult> tried = run(failed_step.command, script);
    if (!tried || tried->ok()) continue;
    const Refusal found = refusal(line, tried->errors);
    reason = fmt::format("{} ({})", found.sentence, found.remedy);
  }
  // The chain is not there when the very first rule was refused, and then removing it fails: no matter.
  (void)run(failed_step.command, fmt::format("*{}\n-F {}\n-X {}\nCOMMIT\n", table, kProbe, kProbe)).has_value();
  return reason;
}

std::vector<Refusal> refusals(const Runner& run, const config::Intercept& intercept, Ip ip) {
  std::vector<Refusal> out;
  const Result<Plan> wanted = plan(intercept, ip);
  if (!wanted) return out;
  const std::vector<std::string> command = {program(ip) + "-restore", "--test", "--noflush"};
  // With some extensions iptables only warns, takes the oldest form it knows, and would fail when it means it.
  const auto fine = [](const Result<sys::RunResult>& tried) {
    return !tried || (tried->ok() && tried->errors.find("missing kernel module") == std::string::npos);
  };
  for (const Table& table : wanted->tables) {
    std::string whole = fmt::format("*{}\n:{} - [0:0]\n", table.name, kProbe);
    std::vector<std::pair<std::string, std::string>> scripts;  // of each rule, and the rule
    const auto add = [&](const std::string& rule) { scripts.emplace_back(probe_script(table.name, rule), rule); };
    for (const Chain& chain : table.chains) std::ranges::for_each(chain.rules, add);
    for (const Jump& jump : table.jumps) add(jump.rule);
    // All at once first: mostly that is all there is to do.
    for (const auto& [script, rule] : scripts) {
      const std::size_t at = script.find("\n-A ") + 1;
      whole += script.substr(at, script.find('\n', at) + 1 - at);
    }
    const Result<sys::RunResult> all = run(command, whole + "COMMIT\n");
    if (fine(all)) continue;
    for (const auto& [script, rule] : scripts) {
      const Result<sys::RunResult> tried = run(command, script);
      if (fine(tried)) continue;
      Refusal found = refusal(rule, tried->errors);
      if (std::ranges::find(out, found.part, &Refusal::part) == out.end()) out.push_back(std::move(found));
    }
  }
  return out;
}

Result<std::vector<Step>> preview(const Runner& run, const config::Intercept& intercept, const std::vector<Ip>& ips) {
  std::vector<Step> out;
  for (const Ip ip : ips) {
    const Result<Plan> wanted = plan(intercept, ip);
    if (!wanted) return wanted.error();
    const Result<FamilyState> now = read_state(run, ip, intercept.table);
    if (!now) return now.error();
    Result<std::vector<Step>> steps = up_steps(*wanted, *now);
    if (!steps) return steps.error();
    std::ranges::move(*steps, std::back_inserter(out));
  }
  return out;
}

Result<Outcome> up(const Runner& run, const config::Intercept& intercept, const std::vector<Ip>& ips) {
  bool there_before = false;
  for (const Ip ip : ips) {
    const Result<FamilyState> now = read_state(run, ip, intercept.table);
    if (!now) return now.error();
    there_before = there_before || anything(*now);
  }
  Result<std::vector<Step>> steps = preview(run, intercept, ips);
  if (!steps) return steps.error();
  for (const Step& step : *steps) {
    const Result<void> done = carry_out(run, step);
    if (done) continue;
    Error error = done.error();
    if (there_before) {
      error.detail += "; rules of an earlier `up` may be in place still: `amtgate-rules down` removes them";
    } else if (const Result<Outcome> undone = down(run); !undone) {
      error.detail += "; and taking back what was done failed, too: " + undone.error().detail;
    }
    return error;
  }
  Outcome out;
  out.done = std::move(*steps);
  if (intercept.classify == config::Classify::All && intercept.fail == config::FailMode::Open) {
    out.notes.emplace_back(
        "classify = all: while the daemon is not running, connections to the ports fail, whatever "
        "'fail' says (only the packet queue can be bypassed)");
  }
  if (ips.size() == 1) out.notes.emplace_back("IPv6 is switched off on this host: rules for IPv4 only");
  return out;
}

Result<Outcome> down(const Runner& run) {
  Outcome out;
  std::optional<Error> first;
  const auto note = [&first](const Error& e) {
    if (!first) first = e;
  };
  for (const Ip ip : {Ip::V4, Ip::V6}) {
    const Result<FamilyState> now = read_state(run, ip, 0);
    if (!now) {
      // Without the programs, or without the family, nothing of ours can be there.
      if (ip == Ip::V4 || families().size() == 2) note(now.error());
      continue;
    }
    for (const Step& step : down_steps(*now)) {
      const Result<void> done = carry_out(run, step);
      if (!done) note(done.error());
      out.done.push_back(step);
    }
    const Result<FamilyState> left = read_state(run, ip, 0);
    if (!left) {
      note(left.error());
      continue;
    }
    for (const TableState& table : empty_tables(*left)) {
      const Result<void> removed = remove_nft_table(ip, table.name);
      if (!removed) note(removed.error());
      out.done.push_back({fmt::format("{}: the empty table {}", name(ip), table.name),
                          {"nft", "delete", "table", ip == Ip::V4 ? "ip" : "ip6", table.name},
                          {}});
    }
  }
  if (first) return *first;
  return out;
}

}  // namespace amtgate::rules
