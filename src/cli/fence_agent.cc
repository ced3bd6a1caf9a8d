#include "amtgate/cli/fence_agent.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <thread>

#include "amtgate/cli/fence.h"
#include "amtgate/cli/fence_options.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/machine_options.h"
#include "amtgate/cli/power_task.h"
#include "amtgate/device/web_client.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/spawn.h"

namespace amtgate::cli {
namespace {

/// AMT needs some time to see that a session is over.
constexpr Duration kClosing = seconds(10);

enum Code : int { kGood = 0, kBad = 1, kOff = 2 };

std::string one_line(const std::string& text) {
  std::string out = text;
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

/// Where everything goes that is not the answer.
class Talk {
 public:
  explicit Talk(const FenceOptions& o) : o_(o) {}
  int fail(const std::string& text) const {
    warn(text);
    return kBad;
  }
  void warn(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    if (!o_.quiet) std::fprintf(stderr, "%s: %s\n", std::string(kFenceAgent).c_str(), one_line(text).c_str());
    note(text);
  }
  void step(const std::string& text) const {
    const std::lock_guard lock(mutex_);
    if (o_.verbose > 0) std::fprintf(stderr, "%s\n", one_line(text).c_str());
    note(text);
  }

 private:
  void note(const std::string& text) const {
    if (o_.debug_file.empty()) return;
    // That the steps cannot be written down is no reason to leave a machine on.
    const auto done =
        sys::append_file(o_.debug_file, sys::to_iso8601(sys::wall_now()) + " " + one_line(text) + "\n", 0600);
    (void)done;
  }

  const FenceOptions& o_;
  mutable std::mutex mutex_;
};

Result<std::string> read_input() {
  std::string text;
  char block[4096];
  while (text.size() <= kMaxFenceInput) {
    const ssize_t n = ::read(STDIN_FILENO, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::System, std::string("cannot read standard input: ") + std::strerror(errno)};
    if (n == 0) break;
    text.append(block, static_cast<std::size_t>(n));
  }
  return text;
}

Result<FenceOptions> options_of(int argc, char** argv) {
  if (argc > 1) {
    Result<FenceOptions> o =
        parse_fence_words(std::span<const char* const>(argv + 1, static_cast<std::size_t>(argc - 1)));
    // Arguments can be read by everybody; a password among them is not there any longer than it must.
    for (int i = 1; i < argc; ++i) std::memset(argv[i], 0, std::strlen(argv[i]));
    return o;
  }
  const Result<std::string> text = read_input();
  if (!text) return text.error();
  return parse_fence_input(*text);
}

Result<void> run_password_script(FenceOptions& o) {
  if (o.password_script.empty()) return {};
  Result<sys::RunResult> ran = sys::run({"/bin/sh", "-c", o.password_script}, {.deadline = seconds(10)});
  if (!ran) return Error{ran.error().code, "password_script: " + ran.error().detail};
  if (!ran->ok()) {
    return Error{Errc::System, "password_script ended with status " + std::to_string(ran->status) + "; see " +
                                   o.password_script.substr(0, o.password_script.find(' '))};
  }
  ran->output.erase(std::min(ran->output.find('\n'), ran->output.size()));
  o.password = config::Secret(ran->output);
  return {};
}

std::vector<std::string> plugs(const FenceOptions& o) {
  std::vector<std::string> out;
  if (o.plug_separator.empty()) return {o.plug};
  for (std::string_view rest = o.plug; !rest.empty();) {
    const std::size_t n = rest.find(o.plug_separator);
    if (n != 0) out.emplace_back(rest.substr(0, n));
    rest.remove_prefix(n == std::string_view::npos ? rest.size() : n + o.plug_separator.size());
  }
  return out;
}

class Agent {
 public:
  Agent(const FenceOptions& o, const Talk& talk) : o_(o), talk_(talk) {
    if (!o.config.empty()) {
      common_.config = o.config;
      common_.config_given = true;
    }
    fleet_.connect_deadline = std::max<Duration>(o.login_timeout, seconds(1));
    fleet_.deadline = std::max<Duration>(o.shell_timeout, seconds(1));
    fleet_.host = o.ip;
    fleet_.user = o.username;
    fleet_.port = o.port;
    if (o.ip.empty()) fleet_.targets = plugs(o);
    world_.now = [] { return sys::now(); };
    world_.sleep = [](Duration d) { std::this_thread::sleep_for(d); };
    world_.say = [&talk](const std::string& text) { talk.step(text); };
  }

  int run() {
    for (const auto& [name, value] : o_.login) {
      const auto known = machine_options();
      const Result<void> set = std::ranges::find(known, name, &MachineOption::name)->set(fleet_.login, value);
      if (!set) return talk_.fail(set.error().detail);
    }
    if (!o_.password.empty()) fleet_.login.target.password = o_.password;
    const bool one = !fleet_.host.empty() || !fleet_.targets.empty();
    if (o_.action == "list" || o_.action == "list-status") return list(o_.action == "list-status");
    if (o_.action == "validate-all") return validate();
    if (o_.action == "monitor") return monitor();
    if (!one) return talk_.fail("no machine is named; give plug (a target of the configuration) or ip");
    return act();
  }

 private:
  void mean_all() {
    if (fleet_.host.empty() && fleet_.targets.empty()) fleet_.all = true;
  }

  Result<std::vector<Outcome>> each(const FencePlan& plan) {
    return ask_sites(common_, fleet_, [&](const Site& site) -> Result<Row> {
      const auto machine = site.client.machine(site.target, site.address, site.port);
      FenceWorld world = world_;
      // Somebody who looks at its screen must not keep it from being fenced.
      world.request = [&](wsman::Caller& m, wsman::PowerAction action, const wsman::PowerStatus& now, Duration left) {
        return power_with_parking(m, action, now, parking_at(common_, site.name),
                                  {std::min<Duration>(kClosing, left), world_.sleep});
      };
      const Result<Fenced> done = fence(*machine, plan, world);
      if (!done) return done.error();
      return Row{{done->off ? "OFF" : "ON", done->already ? "already" : "", done->state, done->trouble}, nullptr};
    });
  }

  int list(bool status) {
    fleet_.targets.clear();
    mean_all();
    if (!status) {
      const Result<std::vector<std::string>> names = fleet_names(common_, fleet_);
      if (!names) return talk_.fail(names.error().detail);
      for (const std::string& name : *names) std::printf("%s%s\n", name.c_str(), o_.separator.c_str());
      return kGood;
    }
    const Result<std::vector<Outcome>> all = each({});
    if (!all) return talk_.fail(all.error().detail);
    for (const auto& [name, row] : *all) {
      std::printf("%s%s%s%s\n", name.c_str(), o_.separator.c_str(), o_.separator.c_str(),
                  row ? row->cells[0].c_str() : "UNKNOWN");
      if (!row) talk_.warn(row.error().detail);
    }
    return kGood;
  }

  int validate() {
    mean_all();
    const Result<std::vector<std::string>> names = fleet_names(common_, fleet_);
    return names ? kGood : talk_.fail(names.error().detail);
  }

  /// A device that stands for many machines is well as long as it reaches one of them: those that are down are what
  /// it is there for.
  int monitor() {
    mean_all();
    const Result<std::vector<Outcome>> all = each({});
    if (!all) return talk_.fail(all.error().detail);
    const bool any = std::ranges::any_of(*all, [](const Outcome& o) { return o.row.has_value(); });
    const bool every = std::ranges::all_of(*all, [](const Outcome& o) { return o.row.has_value(); });
    for (const auto& [name, row] : *all) {
      if (!row) talk_.warn(row.error().detail);
    }
    return every || (fleet_.all && any) ? kGood : kBad;
  }

  int act() {
    FencePlan plan;
    plan.cycle = o_.cycle;
    plan.patience = o_.power_timeout;
    plan.wait = o_.power_wait;
    plan.between = o_.status_sleep;
    plan.retry_on = o_.retry_on;
    plan.action = o_.action == "on"       ? FenceAction::On
                  : o_.action == "off"    ? FenceAction::Off
                  : o_.action == "reboot" ? FenceAction::Reboot
                                          : FenceAction::Status;
    const bool status = plan.action == FenceAction::Status;
    if (!status && o_.delay > seconds(0)) world_.sleep(o_.delay);
    const Result<std::vector<Outcome>> all = each(plan);
    if (!all) return talk_.fail(all.error().detail);
    bool failed = false, off = true, already = true, trouble = false;
    for (const auto& [name, row] : *all) {
      if (!row) {
        failed = true;
        const std::string& detail = row.error().detail;
        talk_.warn(detail.starts_with(name) ? detail : name + ": " + detail);
        continue;
      }
      off = off && row->cells[0] == "OFF";
      already = already && row->cells[1] == "already";
      if (row->cells[3].empty()) continue;
      trouble = true;
      talk_.warn(name + " is off, as it should be, and did not come on again: " + row->cells[3]);
    }
    if (failed) return kBad;
    if (status) {
      std::printf("Status: %s\n", off ? "OFF" : "ON");
      return off ? kOff : kGood;
    }
    if (plan.action == FenceAction::Reboot) {
      std::printf("Success: %s\n", trouble ? "Powered OFF, not on again" : "Rebooted");
    } else {
      std::printf("Success: %s %s\n", already ? "Already" : "Powered", off ? "OFF" : "ON");
    }
    return kGood;
  }

  const FenceOptions& o_;
  const Talk& talk_;
  Common common_;
  FleetOptions fleet_;
  FenceWorld world_;
};

}  // namespace

int fence_agent(int argc, char** argv) {
  Result<FenceOptions> o = options_of(argc, argv);
  if (!o) {
    std::fprintf(stderr, "%s: %s\n", std::string(kFenceAgent).c_str(), one_line(o.error().detail).c_str());
    return kBad;
  }
  if (o->help) {
    std::fputs(fence_help(kFenceAgent).c_str(), stdout);
    return kGood;
  }
  if (o->version) {
    std::puts(AMTGATE_VERSION);
    return kGood;
  }
  if (o->action == "metadata") {
    std::fputs(fence_metadata(kFenceAgent).c_str(), stdout);
    return kGood;
  }
  const Talk talk(*o);
  for (const std::string& name : o->unknown) talk.step("option '" + name + "' is not one of this agent's: ignored");
  if (const Result<void> password = run_password_script(*o); !password) return talk.fail(password.error().detail);
  return Agent(*o, talk).run();
}

}  // namespace amtgate::cli
