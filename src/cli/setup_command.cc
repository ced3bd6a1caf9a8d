// setup: what has to be on in machines for the gateway to be of use.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/wsman/feature_setup.h"

namespace amtgate::cli {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& l : lines) out += (out.empty() ? "" : "; ") + l;
  return out;
}

}  // namespace

Run setup_command(CLI::App& app, const Common& common) {
  struct Options {
    std::string what;
    bool dry_run = false;
    bool no_consent = false;
  };
  const auto o = std::make_shared<Options>();
  app.add_option("WHAT", o->what, "kvm, sol, ider or all")
      ->required()
      ->check(CLI::IsMember({"kvm", "sol", "ider", "all"}));
  const auto fleet = add_fleet_options(app);
  app.add_flag("--dry-run", o->dry_run, "only say what would be changed");
  app.add_flag("--no-consent", o->no_consent, "a user at the machine need not consent any more");
  return [&common, o, fleet] {
    const bool all = o->what == "all";
    const wsman::FeatureWish wish{.kvm = all || o->what == "kvm",
                                  .sol = all || o->what == "sol",
                                  .ider = all || o->what == "ider",
                                  .no_consent = o->no_consent};
    return run_fleet(
        common, *fleet, {o->dry_run ? "WOULD CHANGE" : "CHANGED", "NOTE"},
        [&wish, o](wsman::Caller& machine) -> Result<Row> {
          const Result<wsman::FeatureChanges> done = wsman::set_features(machine, wish, o->dry_run);
          if (!done) return done.error();
          nlohmann::json json = {{"changes", done->changes}, {"notes", done->notes}, {"dry_run", o->dry_run}};
          return Row{{done->changes.empty() ? "nothing" : joined(done->changes), joined(done->notes)},
                     std::make_shared<nlohmann::json>(std::move(json))};
        });
  };
}

}  // namespace amtgate::cli
