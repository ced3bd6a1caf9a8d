// boot: from what machines start next time.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/wsman/boot.h"

namespace amtgate::cli {
namespace {

Row row(const std::string& armed) {
  return {{armed}, std::make_shared<nlohmann::json>(nlohmann::json{{"boot", armed}})};
}

}  // namespace

Run boot_command(CLI::App& app, const Common& common) {
  const auto word = std::make_shared<std::string>();
  std::string words = "state";
  for (const wsman::BootWord& w : wsman::boot_words()) words += ", " + std::string(w.word);
  app.add_option("FROM", *word, words)->required();
  const auto fleet = add_fleet_options(app);
  return [&common, word, fleet, words] {
    const auto all = wsman::boot_words();
    const auto found = std::ranges::find(all, *word, &wsman::BootWord::word);
    if (*word != "state" && found == all.end()) return fail(kUsage, "boot: '" + *word + "' is none of " + words);
    return run_fleet(common, *fleet, {"NEXT BOOT"}, [&](wsman::Caller& machine) -> Result<Row> {
      if (*word == "state") {
        const Result<std::string> armed = wsman::armed_boot(machine);
        if (!armed) return armed.error();
        return row(*armed);
      }
      const Result<void> armed = wsman::arm_boot(machine, *found);
      if (!armed) return armed.error();
      return row(*word);
    });
  };
}

}  // namespace amtgate::cli
