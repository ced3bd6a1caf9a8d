// wait: until machines are as they are wanted.
#include "amtgate/cli/wait_command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "amtgate/cli/exit.h"
#include "amtgate/cli/prober.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/sys/clock.h"

namespace amtgate::cli {
namespace {

constexpr double kMost_s = 7 * 24 * 3600.0;

struct Options {
  std::vector<std::string> conditions;
  double timeout_s = 300;
  std::string region;
  unsigned tolerance = 0;
  bool direct = false;
};

/// What a person sees meanwhile: lines of what is met, and on a terminal one of what is waited for.
class Report {
 public:
  Report(bool lines, bool progress) : lines_(lines), progress_(progress && ::isatty(STDERR_FILENO) == 1) {}

  void met(const std::string& machine, const WaitCondition& c, const Prober::Waited& w) {
    const std::lock_guard lock(mutex_);
    clear();
    if (!lines_) return;
    std::printf("%s: %s after %s\n", machine.c_str(), c.text.c_str(), took_text(w.took).c_str());
    std::fflush(stdout);
  }
  void waiting(const std::string& machine, const WaitCondition& c, Duration so_far, const std::string& seen) {
    const std::lock_guard lock(mutex_);
    if (!progress_) return;
    draw_line(machine + ": waiting for " + c.text + ", " + took_text(so_far) + ": " + seen);
    drawn_ = true;
  }
  int failed(Exit code, const std::string& text) {
    const std::lock_guard lock(mutex_);
    clear();
    return fail(code, text);
  }

 private:
  void clear() {
    if (drawn_) std::fputs("\r\033[K", stderr);
    drawn_ = false;
  }

  const bool lines_, progress_;
  std::mutex mutex_;
  bool drawn_ = false;
};

double rounded(Duration d) {
  return std::round(std::chrono::duration<double>(d).count() * 1000) / 1000;
}

class Waiting {
 public:
  Waiting(const Common& common, const Options& o, const FleetOptions& fleet)
      : common_(common),
        fleet_(fleet),
        direct_(o.direct),
        began_(sys::now()),
        until_(began_ + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(o.timeout_s))) {}

  /// Errors: BadValue, System; whole lines.
  Result<void> prepare(const Options& o) {
    for (const std::string& text : o.conditions) {
      Result<WaitCondition> c = WaitCondition::parse(text);
      if (!c) return c.error();
      if (c->kind == WaitCondition::Kind::Screen && !pictures_.contains(c->value)) {
        Result<WantedScreen> wanted = read_wanted_screen(c->value, o.region, o.tolerance);
        if (!wanted) return wanted.error();
        pictures_.emplace(c->value, std::move(*wanted));
      }
      conditions_.push_back(std::move(*c));
    }
    return {};
  }

  int run() {
    const bool one = fleet_.targets.size() == 1 || !fleet_.host.empty();
    Report report(!common_.json, one);
    const int code = run_sites(common_, fleet_, {}, [&](const Site& site) { return wait(site, report); });
    if (code != kDone) return code;
    return late_ ? kSaidNo : kDone;
  }

 private:
  Result<Row> wait(const Site& site, Report& report) {
    ScreenSource::Options screen;
    screen.machine = site.name;
    screen.direct = direct_;
    screen.host = !fleet_.host.empty();
    screen.login.target = *site.target;
    screen.login.state = fleet_.login.state;
    Prober prober(common_, site, screen);
    prober.set_pictures([this](const std::string& file) { return &pictures_.at(file); });
    auto json = std::make_shared<nlohmann::json>();
    nlohmann::json& list = (*json)["conditions"] = nlohmann::json::array();
    bool met = true;
    for (const WaitCondition& c : conditions_) {
      const TimePoint began = sys::now();
      const Result<Prober::Waited> waited = prober.wait(c, until_, [&](const Prober::Seen& seen) {
        report.waiting(site.name, c, sys::now() - began, seen.text);
        return true;
      });
      if (!waited) return Error{waited.error().code, waited.error().detail};
      list.push_back(
          {{"for", c.text}, {"met", waited->met}, {"after_s", rounded(waited->took)}, {"seen", waited->last}});
      met = waited->met;
      if (!met) {
        late_ = true;
        const std::string line =
            site.name + ": no '" + c.text + "' within " + took_text(until_ - began_) + " (" + waited->last + ")";
        report.failed(kSaidNo, line);
        (*json)["error"] = line;
        break;
      }
      report.met(site.name, c, *waited);
    }
    (*json)["met"] = met;
    (*json)["waited_s"] = rounded(sys::now() - began_);
    return Row{{}, std::move(json)};
  }

  const Common& common_;
  const FleetOptions& fleet_;
  const bool direct_;
  const TimePoint began_, until_;
  std::vector<WaitCondition> conditions_;
  std::map<std::string, WantedScreen> pictures_;
  std::atomic<bool> late_{false};
};

}  // namespace

Run wait_command(CLI::App& app, const Common& common) {
  const auto o = std::make_shared<Options>();
  const auto fleet = add_fleet_options(app);
  app.add_option("--for", o->conditions,
                 "ping, amt, rmcp, tcp:PORT, power=on|off|sleep|hibernate, screen=FILE, no- before any of these, "
                 "away; several are waited for one after the other")
      ->option_text("CONDITION")
      ->allow_extra_args(false)
      ->take_all()
      ->required();
  app.add_option("--timeout", o->timeout_s, "seconds for all of it (300)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, kMost_s));
  app.add_option("--region", o->region, "of the screen, only this part counts")->option_text("WxH+X+Y");
  app.add_option("--tolerance", o->tolerance, "how much colours may differ, of 255 (0)")
      ->option_text("N")
      ->check(CLI::Range(0U, 255U));
  app.add_flag("--direct", o->direct, "to the screen past the daemon");
  return [&common, o, fleet] {
    // A machine that does not answer is asked again: no use in waiting long for one answer.
    fleet->connect_deadline = seconds(3);
    fleet->deadline = seconds(10);
    Waiting waiting(common, *o, *fleet);
    if (const Result<void> ready = waiting.prepare(*o); !ready) return fail(kUsage, ready.error().detail);
    return waiting.run();
  };
}

}  // namespace amtgate::cli
