// sol: a person, or a pipe, at a machine's serial console.
#include <langinfo.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/sol_terminal.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/sol/escape_keys.h"

namespace amtgate::cli {
namespace {

struct Options {
  ScreenSource::Options source;
  SolOptions terminal;
  std::string host;
  std::string escape = "^]";
  std::string keys = "vt100+";
  std::string charset = "utf-8";
  double idle_s = 2;
  bool no_title = false;
  bool utf8 = false;
  bool login_given = false;
};

bool locale_is_utf8() {
  std::setlocale(LC_CTYPE, "");
  return std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0;
}

/// A machine that no configuration describes.
Result<void> host(Options& o) {
  if (!o.source.machine.empty()) {
    return Error{Errc::BadValue, "-h, and a target of the configuration; one of them is meant"};
  }
  o.source.host = true;
  o.source.machine = o.host;
  config::Target& target = o.source.login.target;
  if (!target.password.empty()) return {};
  const Result<std::string> given = on_terminal()
                                        ? ask_secret("Password of " + target.username + " at " + o.host + ": ")
                                        : Result<std::string>(Error{Errc::Closed, "no terminal"});
  if (!given) {
    return Error{Errc::BadValue, o.host + ": no password; set AMT_PASSWORD, or name a file with --password-file"};
  }
  target.password = config::Secret(*given);
  return {};
}

int run(const Common& common, Options o) {
  if (o.host.empty() && o.source.machine.empty()) return fail(kUsage, "no machine; name a target, or -h HOST");
  if (o.host.empty() && o.login_given) {
    return fail(kUsage, "how to log in is for -h; targets have it in the configuration");
  }
  const Result<std::optional<std::uint8_t>> escape = sol::parse_escape(o.escape);
  if (!escape) return fail(kUsage, "--escape: " + escape.error().detail);
  if (o.terminal.timestamps && o.terminal.log.empty()) return fail(kUsage, "--timestamps is for --log FILE");
  if (!o.host.empty()) {
    if (const Result<void> done = host(o); !done) return fail(kUsage, done.error().detail);
  }
  o.terminal.escape = *escape;
  o.terminal.keys = *sol::parse_key_style(o.keys);
  o.terminal.charset = *sol::parse_charset(o.charset);
  o.terminal.idle = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(o.idle_s));
  o.terminal.utf8 = o.utf8 || locale_is_utf8();
  o.terminal.title = !o.no_title;
  o.source.serial = true;
  o.source.types = true;
  const Result<std::unique_ptr<ScreenSource>> source = ScreenSource::open(common, o.source);
  if (!source) return fail(kSaidNo, source.error().detail);
  SolTerminal terminal(**source, o.terminal);
  const Exit code = terminal.run();
  if (common.json) {
    // Standard output is the console's.
    const SolSummary& s = terminal.summary();
    const nlohmann::ordered_json out = {{"target", s.target.empty() ? o.source.machine : s.target},
                                        {"device", s.device},
                                        {"tls", s.tls},
                                        {"rx_bytes", s.rx_bytes},
                                        {"tx_bytes", s.tx_bytes},
                                        {"reconnects", s.reconnects},
                                        {"seconds", std::chrono::duration<double>(s.took).count()},
                                        {"end", s.end},
                                        {"status", static_cast<int>(code)}};
    std::fprintf(stderr, "%s\n", out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }
  return code;
}

}  // namespace

Run sol_command(CLI::App& app, const Common& common) {
  const auto o = std::make_shared<Options>();
  app.set_help_flag("--help", "this help");
  app.add_option("TARGET", o->source.machine, "a target's name, or an address that its clients aim at");
  app.add_option("-h,--host", o->host, "a machine that no configuration describes")
      ->option_text("HOST")
      ->transform(plain_host);
  app.add_flag("--direct", o->source.direct, "straight to the machine, past the daemon");
  app.add_option("--escape", o->escape, "what comes before a key for this program: ^], ^A .. ^_, C, or none (^])")
      ->option_text("CHARACTER");
  app.add_option("--keys", o->keys, "what function keys are sent as (vt100+)")
      ->option_text("vt100|vt100+|vt-utf8|linux|esc")
      ->check(CLI::IsMember({"vt100", "vt100+", "vt-utf8", "linux", "esc"}));
  app.add_option("--charset", o->charset, "the machine's characters (utf-8)")
      ->option_text("cp437|utf-8|latin1")
      ->check(CLI::IsMember({"cp437", "utf-8", "latin1"}));
  app.add_flag("--utf-8", o->utf8, "this terminal takes UTF-8, whatever the locale says");
  app.add_flag("--no-title", o->no_title, "leave the window's title alone");
  app.add_option("--log", o->terminal.log, "add what the machine says to this file")->option_text("FILE");
  app.add_flag("--timestamps", o->terminal.timestamps, "with the time in front of each line");
  app.add_flag("--hold", o->terminal.hold, "wait for a machine that is away, and stay when it restarts");
  app.add_option("--idle", o->idle_s, "when a pipe has ended: seconds of silence to the end (2)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 86400.0));
  for (const MachineOption& option : machine_options()) {
    const std::string name = (option.name == "--user" ? "-u," : "") + std::string(option.name);
    const std::string help = "with -h: " + std::string(option.help);
    const auto set = [o, &option](const std::string& value) {
      o->login_given = true;
      if (const Result<void> r = option.set(o->source.login, value); !r) throw CLI::ValidationError(r.error().detail);
    };
    if (option.value.empty()) {
      app.add_flag_callback(
          name, [set] { set(""); }, help);
    } else {
      app.add_option_function<std::string>(name, set, help)->option_text(std::string(option.value));
    }
  }
  return [o, &common] { return run(common, *o); };
}

}  // namespace amtgate::cli
