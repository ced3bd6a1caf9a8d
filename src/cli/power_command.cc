// power: switch machines on and off.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/power_task.h"
#include "amtgate/device/web_client.h"
#include "amtgate/sys/clock.h"
#include "amtgate/wsman/power.h"

namespace amtgate::cli {
namespace {

constexpr Duration kLook = milliseconds(500);

Row row(const wsman::PowerStatus& status) {
  const std::string name = wsman::power_state_name(status.state);
  return {{name}, std::make_shared<nlohmann::json>(nlohmann::json{{"power", name}, {"state", status.state}})};
}

/// Looks until the machine is where the action leads. It may be out of reach while it restarts.
Result<Row> wait_for(wsman::Caller& machine, wsman::PowerAction action, Duration patience) {
  const TimePoint until = sys::now() + patience;
  std::string last = "no answer";
  while (true) {
    std::this_thread::sleep_for(kLook);
    const Result<wsman::PowerStatus> now = wsman::power_status(machine);
    if (now && wsman::reached(action, now->state)) return row(*now);
    last = now ? "it is " + wsman::power_state_name(now->state) : now.error().detail;
    if (sys::now() >= until) {
      return Error{Errc::Timeout, "asked for, and not there after " +
                                      std::to_string(std::chrono::duration_cast<seconds>(patience).count()) +
                                      " s: " + last};
    }
  }
}

}  // namespace

Run power_command(CLI::App& app, const Common& common) {
  struct Options {
    std::string word;
    bool wait = false;
    bool keep = true;
    unsigned patience = 60;
  };
  const auto o = std::make_shared<Options>();
  std::string words = "state";
  for (const wsman::PowerWord& w : wsman::power_words()) words += ", " + std::string(w.word);
  app.add_option("ACTION", o->word, words)->required();
  const auto fleet = add_fleet_options(app);
  app.add_flag("--wait", o->wait, "until the machine is there, and see that it is");
  app.add_flag("--keep-sessions,!--no-keep-sessions", o->keep,
               "off and cycle: let go of the machine's screen for it, the viewers stay (the default)");
  app.add_option("--timeout", o->patience, "for --wait (60)")->option_text("SECONDS")->check(CLI::Range(1U, 3600U));
  return [&common, o, fleet, words] {
    const auto all = wsman::power_words();
    const auto found = std::ranges::find(all, o->word, &wsman::PowerWord::word);
    if (o->word == "state") {
      return run_fleet(common, *fleet, {"POWER"}, [](wsman::Caller& machine) -> Result<Row> {
        const Result<wsman::PowerStatus> now = wsman::power_status(machine);
        if (!now) return now.error();
        return row(*now);
      });
    }
    if (found == all.end()) return fail(kUsage, "power: '" + o->word + "' is none of " + words);
    return run_sites(
        common, *fleet, {"POWER"}, [action = found->action, o, &common](const Site& site) -> Result<Row> {
          const std::unique_ptr<wsman::Caller> caller = site.client.machine(site.target, site.address, site.port);
          wsman::Caller& machine = *caller;
          const Result<wsman::PowerStatus> now = wsman::power_status(machine);
          if (!now) return now.error();
          // Asked to be where it is already: done.
          const bool there = (action == wsman::PowerAction::On || action == wsman::PowerAction::Off) &&
                             wsman::reached(action, now->state);
          if (there) return row(*now);
          const Result<void> asked =
              o->keep ? power_with_parking(machine, action, *now, parking_at(common, site.name), freed_power())
                      : wsman::request_power(machine, action, *now);
          if (!asked) return asked.error();
          if (o->wait) return wait_for(machine, action, seconds(o->patience));
          return Row{{"asked"}, std::make_shared<nlohmann::json>(nlohmann::json{{"asked", o->word}})};
        });
  };
}

}  // namespace amtgate::cli
