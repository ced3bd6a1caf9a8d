// doctor: what stands in the way of transparent interception, and what mends it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/doctor.h"
#include "amtgate/cli/exit.h"
#include "amtgate/config/load.h"

namespace amtgate::cli {

Run doctor_command(CLI::App& app, const Common& common) {
  auto options = std::make_shared<DoctorOptions>();
  app.add_option("targets", options->targets, "only these machines are asked; all, if none is named")
      ->option_text("TARGET...");
  app.add_flag("--local", options->local_only, "look at this host only, and ask no machine");
  return [options, &common]() -> int {
    const config::Parsed parsed = config::load(common.config);
    for (const config::Mistake& mistake : parsed.mistakes) std::fprintf(stderr, "%s\n", mistake.to_string().c_str());
    if (!parsed) return fail(kSaidNo, "doctor: the configuration cannot be used: mend it first (or try as root)");
    options->json = common.json;
    return doctor(*parsed.config, *options);
  };
}

}  // namespace amtgate::cli
