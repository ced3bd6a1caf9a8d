#include "amtgate/cli/actions.h"

#include <CLI/CLI.hpp>

#include "amtgate/cli/exit.h"

namespace amtgate::cli {

Actions::Actions(CLI::App& command)
    : command_(command), runs_(std::make_shared<std::vector<std::pair<const CLI::App*, Run>>>()) {
  command_.require_subcommand(1);
}

CLI::App& Actions::begin(const char* name, const char* help) {
  CLI::App* action = command_.add_subcommand(name, help);
  action->fallthrough();  // -c and --json may stand behind it too
  return *action;
}

Run Actions::run() const {
  return [runs = runs_] {
    for (const auto& [action, go] : *runs) {
      if (action->parsed()) return go();
    }
    return fail(kUsage, "no action; try --help");
  };
}

}  // namespace amtgate::cli
