// Host: the machine whose rules these are. Reads its state, carries steps out, and says what to do when one fails.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/config/config.h"
#include "amtgate/rules/plan.h"
#include "amtgate/rules/state.h"
#include "amtgate/rules/steps.h"
#include "amtgate/sys/spawn.h"

namespace amtgate::rules {

/// Runs a command to its end with `input` for its standard input. Errors: as sys::run.
using Runner = std::function<Result<sys::RunResult>(const std::vector<std::string>& command, std::string_view input)>;
Runner system_runner();

/// Families in use: IPv4 always, IPv6 unless the kernel has none or it is switched off (disable_ipv6 on all and on
/// lo).
std::vector<Ip> families();

/// What the kernel holds of ours. `table` is the routing table to look into.
/// Errors: Unreachable (iptables or ip is not installed), System; both with what to do.
Result<FamilyState> read_state(const Runner& run, Ip ip, std::uint32_t table);

struct Outcome {
  std::vector<Step> done;  // what was changed; empty: nothing had to be
  std::vector<std::string> notes;
};

/// What up() would do now.
Result<std::vector<Step>> preview(const Runner& run, const config::Intercept& intercept, const std::vector<Ip>& ips);

/// Puts the rules in place. When a step fails and nothing of ours was there before, what was done is taken back.
/// Errors: those of plan(), up_steps() and read_state(); System with the command, what it said, and what to do.
Result<Outcome> up(const Runner& run, const config::Intercept& intercept, const std::vector<Ip>& ips);

/// Takes everything of ours away, whatever configuration it came from. Goes on after a failure and reports the first.
Result<Outcome> down(const Runner& run);

/// Why a restore failed: tries its rules one by one in a chain of its own, and names what the kernel lacks for the
/// first that is refused, with the setting that does without. Empty when all are accepted.
std::string explain(const Runner& run, const Step& failed);

/// A match or target of the plan that rules cannot be made of on this machine.
struct Refusal {
  std::string part;      // "TPROXY", "socket", ...; a whole rule where the reason is not known
  std::string sentence;  // what is missing and where
  std::string remedy;
};
/// Tries every rule of the plan without putting one in place (iptables-restore --test; the kernel may load modules
/// for it). Each part once. What keeps rules from being tried at all is no refusal.
std::vector<Refusal> refusals(const Runner& run, const config::Intercept& intercept, Ip ip);

/// Removes a table of the nf_tables back end that holds nothing but empty chains; the kernel refuses it otherwise.
/// (iptables has no command for it, and nft need not be installed.) Errors: System.
Result<void> remove_nft_table(Ip ip, const std::string& table);

}  // namespace amtgate::rules
