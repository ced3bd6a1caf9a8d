// Fleet: one task for one machine or for thousands: which machines, how many at once, and one table at the end.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "amtgate/base/time.h"
#include "amtgate/cli/common.h"
#include "amtgate/cli/machine_options.h"
#include "amtgate/wsman/caller.h"

namespace CLI {
class App;
}
namespace amtgate::device {
class WebClient;
}

namespace amtgate::cli {

/// What the command line says about machines.
struct FleetOptions {
  std::vector<std::string> targets;
  bool all = false;
  std::vector<std::string> tags;
  std::string host;  // -h: a machine that no configuration describes
  std::string user;  // -u, for it
  std::uint16_t port = 0;
  unsigned at_once = 64;
  MachineOptions login = default_machine();
  Duration connect_deadline = seconds(5);
  Duration deadline = seconds(30);  // for each answer
};
/// Adds them to a command. The help flag becomes --help alone: -h is the host.
std::shared_ptr<FleetOptions> add_fleet_options(CLI::App& app);

/// What came of one machine.
struct Row {
  std::vector<std::string> cells;  // of the table, behind the target's name; none: no line
  std::shared_ptr<nlohmann::json> json;
  std::vector<std::vector<std::string>> more{};  // further lines, where a machine has several
};
using Task = std::function<Result<Row>(wsman::Caller& machine)>;

/// The names of the machines that are meant. Errors: BadValue where the options are wrong, System, ...
Result<std::vector<std::string>> fleet_names(const Common& common, const FleetOptions& options);

struct Outcome {
  std::string target;
  Result<Row> row;
};
/// Runs the task for every machine that is meant, and prints nothing. Errors: as fleet_names().
Result<std::vector<Outcome>> ask_fleet(const Common& common, const FleetOptions& options, const Task& task);

/// The same for a command. Prints what came of them: with --json a list of objects that have
/// `target` and either the task's members or `error`; else a table under `heading`, and each failure as a line on
/// standard error. While it runs a terminal sees how far it is. Gives the exit code: that of the failure where all
/// failures are alike, else kSaidNo.
int run_fleet(const Common& common, const FleetOptions& options, std::vector<std::string> heading, const Task& task);

/// One machine, for tasks that need more of it than a connection.
struct Site {
  std::string name;
  std::shared_ptr<const config::Target> target;
  IpAddress address;  // of its AMT
  Port port;          // 0: which answers
  std::string state;  // folder
  std::uint32_t mark = 0;
  device::WebClient& client;
  bool only_one = false;  // no other is meant
  config::Host pc{};      // what its viewers aim at: the PC's own address
};
using SiteTask = std::function<Result<Row>(const Site& site)>;
/// The first that a name has. Blocks. Errors: Unreachable, Timeout.
Result<IpAddress> address_of(const config::Host& host);
int run_sites(const Common& common, const FleetOptions& options, std::vector<std::string> heading,
              const SiteTask& task);
Result<std::vector<Outcome>> ask_sites(const Common& common, const FleetOptions& options, const SiteTask& task);

}  // namespace amtgate::cli
