// time: the machines' own clocks.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "amtgate/cli/actions.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/sys/clock.h"
#include "amtgate/wsman/clock.h"

namespace amtgate::cli {
namespace {

std::int64_t wall() {
  return std::chrono::duration_cast<std::chrono::seconds>(sys::wall_now().time_since_epoch()).count();
}

Run show(CLI::App& app, const Common& common) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_fleet(common, *fleet, {"CLOCK"}, [](wsman::Caller& machine) -> Result<Row> {
      const Result<std::int64_t> ahead = wsman::clock_ahead(machine, wall);
      if (!ahead) return ahead.error();
      return Row{{clock_word(*ahead)},
                 std::make_shared<nlohmann::json>(nlohmann::json{{"clock_ahead_seconds", *ahead}})};
    });
  };
}

Run sync(CLI::App& app, const Common& common) {
  const auto fleet = add_fleet_options(app);
  return [&common, fleet] {
    return run_fleet(common, *fleet, {"CLOCK WAS", "CLOCK IS"}, [](wsman::Caller& machine) -> Result<Row> {
      const Result<wsman::ClockChange> set = wsman::set_clock(machine, wall);
      if (!set) return set.error();
      return Row{{clock_word(set->before), clock_word(set->after)},
                 std::make_shared<nlohmann::json>(
                     nlohmann::json{{"clock_was_ahead_seconds", set->before}, {"clock_ahead_seconds", set->after}})};
    });
  };
}

}  // namespace

Run time_command(CLI::App& app, const Common& common) {
  Actions actions(app);
  actions.add("show", "how far they are from this host's", [&](CLI::App& a) { return show(a, common); });
  actions.add("sync", "set them by this host's", [&](CLI::App& a) { return sync(a, common); });
  return actions.run();
}

}  // namespace amtgate::cli
