// amtgate doctor: every precondition of transparent interception as a small check with a name, a verdict, a sentence
// and a remedy. What the machine looks like is gathered first (Facts); judging it is pure.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/config/config.h"
#include "amtgate/control/commands.h"
#include "amtgate/rules/host.h"
#include "amtgate/rules/plan.h"
#include "amtgate/rules/state.h"

namespace amtgate::cli {

struct Check {
  enum class State : std::uint8_t { Pass, Fail, Skip };
  std::string name;   // stable, e.g. "policy-route"
  std::string about;  // what it was asked of: "IPv4", a target's name, or empty
  State state = State::Pass;
  std::string text;    // a sentence: what was found
  std::string remedy;  // what mends it; empty unless it failed
};
/// "pass", "fail", "skip".
const char* name(Check::State state);

/// A process that holds a socket.
struct Holder {
  pid_t pid = 0;
  std::string program;  // its name for the kernel, "amtgated"
};

/// A listening TCP socket, or the reader of a packet queue.
struct Held {
  Endpoint at;               // of a listener
  std::uint64_t inode = 0;   // 0: not known
  std::vector<Holder> by{};  // empty: not known (another user's, or in another container)
};

/// The kernel's answer to `ip route get`.
struct RouteFact {
  bool found = false;
  std::string device;
  std::string problem;  // what `ip` said when there is none
};

struct Facts {
  /// What this machine's packet filter and policy routing hold, for one family.
  struct Family {
    rules::Ip ip = rules::Ip::V4;
    std::optional<rules::FamilyState> state;
    std::string problem;                     // why there is no state
    std::vector<rules::Refusal> refusals{};  // what rules cannot be made of
  };
  struct Daemon {
    std::optional<pid_t> pid;  // who holds the control socket
    std::string problem;
    std::optional<std::uint64_t> capabilities;  // its effective ones, a bit each
    std::string unit_bounds{};  // CapabilityBoundingSet= as systemd has it; asked while the daemon does not run
    // By name, as `amtgate status` has them. Nothing when it does not answer: `problem` says why.
    std::map<std::string, control::TargetStatus> targets{};
  };

  bool admin = false;  // we have CAP_NET_ADMIN, without which the kernel shows no rules
  bool root = false;
  std::vector<Family> families;
  std::map<std::string, std::string>
      sysctl;                           // "net.ipv4.ip_forward" and so on; what the kernel does not have is not there
  std::vector<std::string> interfaces;  // all of this host
  std::optional<std::string> queues;    // /proc/net/netfilter/nfnetlink_queue
  Held queue_reader;                    // of the configured queue
  std::vector<Held> listeners;          // on the configured port
  Daemon daemon;
  std::map<std::string, RouteFact> routes;  // to an address; "ADDRESS via INTERFACE" where a target names one
  std::map<std::string, std::vector<IpAddress>> names;  // names of `address =` and `amt =`; empty: does not resolve
};

/// Looks at this machine. Changes nothing, never fails: what cannot be read is missing from the facts.
Facts gather(const config::Config& config);

/// Everything that can be judged without talking to an AMT machine.
std::vector<Check> judge(const config::Config& config, const Facts& facts);

/// Talks to the AMT machines of `targets` (all, if empty): reachable, TLS, certificate, credentials; then whether
/// each service that the target serves is offered, consent given, and KVM opens. One refused login is the last, since
/// AMT locks accounts after some wrong ones. `mark` keeps our own rules from catching it.
std::vector<Check> try_targets(const config::Config& config, const Facts& facts,
                               const std::vector<std::string>& targets);

/// The lines that people read; with `all` also those that passed.
std::string to_text(const std::vector<Check>& checks, bool all);
/// A list of objects with check, about, state, text, remedy.
std::string to_json(const std::vector<Check>& checks);

struct DoctorOptions {
  bool json = false;
  bool local_only = false;           // do not talk to AMT machines
  std::vector<std::string> targets;  // names; empty = all
};
/// Prints to standard output. 0: nothing failed; 1: something did; 2: no such target.
int doctor(const config::Config& config, const DoctorOptions& options);

/// For gather(), and for its tests: the listening sockets in the text of /proc/net/tcp or tcp6.
std::vector<Held> parse_listeners(const std::string& text);
/// The netlink port of who reads packet queue `number`, in the text of /proc/net/netfilter/nfnetlink_queue.
std::optional<std::uint32_t> parse_queue_reader(const std::string& text, std::uint16_t number);
/// The inode of the netfilter socket with that netlink port, in the text of /proc/net/netlink; 0: none.
std::uint64_t parse_netlink_inode(const std::string& text, std::uint32_t port);
/// An address inside `network`, to ask the way to it: the first host of a network.
IpAddress sample(const Network& network);
/// The key of Facts::routes.
std::string route_key(const IpAddress& to, const std::string& interface);

}  // namespace amtgate::cli
