#include "amtgate/cli/cli.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "amtgate/cli/care_commands.h"
#include "amtgate/cli/commands.h"
#include "amtgate/cli/console_command.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fence_agent.h"
#include "amtgate/cli/scan.h"
#include "amtgate/cli/setupbin_command.h"
#include "amtgate/cli/wait_command.h"
#include "amtgate/cli/wsamt.h"

namespace amtgate::cli {
namespace {

struct Command {
  const char* name;
  Run (*add)(CLI::App& app, const Common& common);
  const char* help;
};

constexpr Command kCommands[] = {
    {"status", status_command, "the daemon, its targets and what is wrong"},
    {"sessions", sessions_command, "who uses which machine now"},
    {"end", end_command, "end a session"},
    {"images", images_command, "CD and floppy images that the gateway itself serves to machines"},
    {"reload", reload_command, "read the configuration again"},
    {"passwd", passwd_command, "set a user's password for client_auth = users"},
    {"known", known_command, "the certificates that machines showed at their first use"},
    {"doctor", doctor_command, "what stands in the way, and what mends it"},
    {"scan", scan_command, "AMT machines in a network"},
    {"info", info_command, "what machines say of themselves"},
    {"power", power_command, "switch machines on and off"},
    {"boot", boot_command, "from what machines start next time"},
    {"setup", setup_command, "switch on in machines what the gateway needs"},
    {"setupbin", setupbin_command, "files that set AMT up from a USB stick"},
    {"users", users_command, "AMT's own accounts in machines"},
    {"consent", consent_command, "the consent of who sits at a machine"},
    {"time", time_command, "the machines' own clocks"},
    {"cert", cert_command, "certificates and keys in machines"},
    {"tls", tls_command, "how machines do TLS, and switching it on safely"},
    {"pki", pki_command, "a small certificate authority for machines"},
    {"net", net_command, "how AMT itself is on the network"},
    {"log", log_command, "what machines noticed"},
    {"audit", audit_command, "who did what to machines"},
    {"inventory", inventory_command, "what machines are made of"},
    {"screenshot", screenshot_command, "a machine's screen as PNG"},
    {"type", type_command, "type a text on a machine's keyboard"},
    {"key", key_command, "press keys of a machine's keyboard"},
    {"wait-screen", wait_screen_command, "wait until a machine's screen shows a picture"},
    {"record", record_command, "what the gateway has recorded"},
    {"wait", wait_command, "wait until machines are as they are wanted"},
    {"console", console_command, "start a machine where it is wanted, and open its screen or serial console"},
    {"sol", sol_command, "a machine's serial console"},
    {"ider", ider_command, "serve a CD or floppy image to a machine"},
};

/// "amtgate users add", as far as the words were commands.
std::string understood(const CLI::App& app) {
  std::string words = app.get_name();
  const std::vector<CLI::App*> below = app.get_subcommands();
  return below.empty() ? words : words + " " + understood(*below.front());
}

}  // namespace

int run(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::string_view name = argc > 0 ? argv[0] : "";
  const std::string_view base = name.substr(name.rfind('/') + 1);
  if (base == kFenceAgent) return fence_agent(argc, argv);
  if (base == kWsamt) return wsamt(argc, argv);
  Common common;
  CLI::App app("amtgate: asks the running gateway, and talks to AMT machines", "amtgate");
  app.set_version_flag("--version", "amtgate " AMTGATE_VERSION);
  const CLI::Option* config = app.add_option("-c,--config", common.config, "the configuration")->option_text("FILE");
  app.add_flag("--json", common.json, "print data as JSON");
  app.require_subcommand(1);
  app.footer("amtgate(1), amtgate.conf(5)");
  std::vector<std::pair<const CLI::App*, Run>> runs;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.help);
    sub->fallthrough();  // -c and --json may stand behind the command too
    runs.emplace_back(sub, command.add(*sub, common));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    // Asking for help or the version is no mistake.
    if (e.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(e);
    // CLI11 only says that a command is missing when it does not know the word.
    const std::vector<std::string> rest = app.remaining();
    if (app.get_subcommands().empty() && !rest.empty()) {
      return fail(kUsage, "unknown command or option '" + rest.front() + "'; try amtgate --help");
    }
    return fail(kUsage, std::string(e.what()) + "; try " + understood(app) + " --help");
  }
  common.config_given = config->count() > 0;
  for (const auto& [sub, go] : runs) {
    if (sub->parsed()) return go();
  }
  return fail(kUsage, "no command; try amtgate --help");
}

}  // namespace amtgate::cli
