// console: to a machine's firmware set-up, another system, or what is there, in one command.
#include "amtgate/cli/console_command.h"

#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "amtgate/cli/console_plan.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/cli/power_task.h"
#include "amtgate/cli/prober.h"
#include "amtgate/sys/child.h"
#include "amtgate/sys/clock.h"
#include "amtgate/wsman/boot.h"

namespace amtgate::cli {
namespace {

using Kind = ConsoleStep::Kind;
using Json = nlohmann::ordered_json;

constexpr const char* kViewers[] = {"xtigervncviewer", "vncviewer", "gvncviewer", "remmina"};
constexpr std::string_view kAttached = "the drives are attached";  // what `amtgate ider` says then
constexpr Duration kLook = milliseconds(100);
constexpr Duration kRelease = seconds(10);

struct Options {
  ConsoleWish wish;
  std::vector<std::string> boots;
  bool bios = false, vnc = false, dry_run = false;
  std::string viewer;
  unsigned patience_s = 60;
};

std::atomic<bool> stop_asked{false};

/// Ctrl-C and SIGTERM are looked at between steps and while something is waited for.
class Interrupts {
 public:
  Interrupts() {
    struct sigaction action = {};
    action.sa_handler = [](int) { stop_asked = true; };
    for (std::size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &action, &before_[i]);
  }
  ~Interrupts() {
    for (std::size_t i = 0; i < std::size(kSignals); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[std::size(kSignals)] = {};
};

Error interrupted() {
  return {Errc::Refused, "interrupted"};
}

std::string this_program() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  return n > 0 ? std::string(path, static_cast<std::size_t>(n)) : "amtgate";
}

bool has_display() {
  const char* x = std::getenv("DISPLAY");
  const char* wayland = std::getenv("WAYLAND_DISPLAY");
  return (x != nullptr && *x != 0) || (wayland != nullptr && *wayland != 0);
}

/// The person who became root by sudo: a viewer needs no more rights than theirs.
void as_person(sys::Child::Options& o) {
  const char* uid = std::getenv("SUDO_UID");
  const char* gid = std::getenv("SUDO_GID");
  if (::geteuid() != 0 || uid == nullptr || gid == nullptr) return;
  const auto number = static_cast<uid_t>(std::strtoul(uid, nullptr, 10));
  if (number == 0) return;
  o.account = {number, static_cast<gid_t>(std::strtoul(gid, nullptr, 10))};
  if (const passwd* who = ::getpwuid(number)) o.environment.push_back("HOME=" + std::string(who->pw_dir));
}

class Console {
 public:
  Console(const Common& common, const Options& o, const FleetOptions& fleet, const ConsolePlan& plan,
          const Site& site)
      : common_(common), o_(o), fleet_(fleet), plan_(plan), site_(site), prober_(common, site, {}) {}

  Result<Row> run() {
    Json steps = Json::array();
    std::optional<Error> failed;
    std::size_t n = 0;
    for (const ConsoleStep& step : plan_.steps) {
      ++n;
      const TimePoint began = sys::now();
      // Whatever the view ended by, what was attached is taken away behind it.
      const bool over = stop_asked && step.kind != Kind::Release;
      Result<std::string> done = over ? Result<std::string>(interrupted()) : take(step);
      if (done && stop_asked && step.kind != Kind::Release && step.kind != Kind::View) done = interrupted();
      const Duration took = sys::now() - began;
      Json line = {{"step", step.name},
                   {"ok", done.has_value()},
                   {"took_s", std::round(std::chrono::duration<double>(took).count() * 1000) / 1000},
                   {done ? "text" : "error", done ? *done : done.error().detail}};
      steps.push_back(std::move(line));
      say(std::to_string(n) + "/" + std::to_string(plan_.steps.size()) + " " + step.name + ": " +
          (done ? *done : "failed") + " (" + took_text(took) + ")");
      if (!done) {
        failed = Error{done.error().code,
                       site_.name + ": step '" + step.name + "' failed: " + done.error().detail + advice(step)};
        break;
      }
    }
    if (failed) {
      const std::vector<std::string> left = clean_up();
      for (const std::string& line : left) say(line);
      steps.push_back({{"left", left}});
    }
    if (common_.json)
      std::puts(Json({{"target", site_.name}, {"ok", !failed}, {"steps", steps}})
                    .dump(-1, ' ', false, Json::error_handler_t::replace)
                    .c_str());
    if (failed) {
      code_ = child_code_.value_or(failed->code == Errc::Timeout ? kSaidNo : exit_code(failed->code));
      fail(code_, failed->detail);
    }
    return Row{};
  }
  Exit code() const { return code_; }

 private:
  void say(const std::string& text) const {
    if (!common_.json) std::fprintf(stderr, "%s: %s\n", site_.name.c_str(), text.c_str());
  }
  TimePoint until() const { return sys::now() + seconds(o_.patience_s); }

  std::string advice(const ConsoleStep& step) const {
    const std::string& name = site_.name;
    if (stop_asked) return "";
    switch (step.kind) {
      case Kind::Reach: return "; `amtgate doctor " + name + "` says what is in the way";
      case Kind::Off: return "; see `amtgate power state " + name + "`, or try --reset";
      case Kind::Attach:
        return "; `amtgate setup ider " + name + "` switches IDE-R on, `amtgate consent` asks its user";
      case Kind::Boot: return "; see `amtgate boot state " + name + "`, and its user's consent: `amtgate consent`";
      case Kind::On:
      case Kind::Reset: return "; see `amtgate power state " + name + "`";
      case Kind::View: return "; --viewer names another one, --sol is the serial console";
      case Kind::Release: return "";
    }
    return "";
  }

  /// What there is to say of it, once it is done.
  Result<std::string> take(const ConsoleStep& step) {
    switch (step.kind) {
      case Kind::Reach: return reach();
      case Kind::Off: return off();
      case Kind::Attach: return attach();
      case Kind::Boot: return boot();
      case Kind::On: return on();
      case Kind::Reset: return reset();
      case Kind::View: return view();
      case Kind::Release: return release();
    }
    return std::string();
  }

  Result<void> wait(const char* condition) {
    const Result<WaitCondition> c = WaitCondition::parse(condition);
    if (!c) return c.error();
    const Result<Prober::Waited> waited =
        prober_.wait(*c, until(), [](const Prober::Seen&) { return !stop_asked.load(); });
    if (!waited) return waited.error();
    if (stop_asked) return interrupted();
    if (!waited->met) {
      return Error{Errc::Timeout,
                   "not '" + c->text + "' within " + std::to_string(o_.patience_s) + " s (" + waited->last + ")"};
    }
    return {};
  }

  Result<std::string> reach() {
    if (const Result<void> r = wait("amt"); !r) return r.error();
    const Result<wsman::PowerStatus> now = wsman::power_status(prober_.machine());
    if (!now) return now.error();
    return "AMT answers, it is " + wsman::power_state_name(now->state);
  }

  Result<std::string> off() {
    const Result<wsman::PowerStatus> now = wsman::power_status(prober_.machine());
    if (!now) return now.error();
    if (is_power("off", now->state)) return std::string("it is off already");
    const Result<void> asked = power_with_parking(prober_.machine(), wsman::PowerAction::Off, *now,
                                                  parking_at(common_, site_.name), freed_power());
    if (!asked) return asked.error();
    switched_off_ = true;
    if (const Result<void> r = wait("power=off"); !r) return r.error();
    return std::string("it is off");
  }

  Result<std::string> attach() {
    sys::Child::Options o;
    o.background = true;
    o.arguments = {this_program()};
    const bool by_hand = !fleet_.host.empty();
    if (!by_hand) o.arguments.insert(o.arguments.end(), {"-c", common_.config});
    o.arguments.emplace_back("ider");
    if (!o_.wish.cd.empty()) o.arguments.insert(o.arguments.end(), {"--cd", o_.wish.cd});
    if (!o_.wish.floppy.empty()) o.arguments.insert(o.arguments.end(), {"--floppy", o_.wish.floppy});
    add_login(o, by_hand);
    if (by_hand) o.arguments.emplace_back("-h");
    o.arguments.push_back(by_hand ? fleet_.host : aim());
    Result<std::unique_ptr<sys::Child>> child = sys::Child::start(o);
    if (!child) return child.error();
    drives_ = std::move(*child);
    const TimePoint end = until();
    while (!drives_->wait_line(std::string(kAttached), std::min(end, sys::now() + kLook))) {
      if (stop_asked) return interrupted();
      if (const auto status = drives_->ended()) {
        const std::string why = drives_->last_line();
        drives_.reset();
        if (*status >= kSaidNo && *status <= kUntrusted) child_code_ = static_cast<Exit>(*status);
        return Error{Errc::Refused, why.empty() ? "`amtgate ider` ended with " + std::to_string(*status) : why};
      }
      if (sys::now() >= end) {
        return Error{Errc::Timeout, "the machine did not take the drives within " + std::to_string(o_.patience_s) +
                                        " s (" + drives_->last_line() + ")"};
      }
    }
    return std::string("the images are there");
  }

  Result<std::string> boot() {
    const auto all = wsman::boot_words();
    const auto word = std::ranges::find(all, plan_.boot_word, &wsman::BootWord::word);
    if (word == all.end()) return Error{Errc::BadValue, "boot '" + plan_.boot_word + "'"};
    armed_ = true;  // also where it fails half way
    if (const Result<void> r = wsman::arm_boot(prober_.machine(), *word); !r) return r.error();
    return "its next start is from " + plan_.boot_word;
  }

  Result<std::string> on() {
    const Result<wsman::PowerStatus> now = wsman::power_status(prober_.machine());
    if (!now) return now.error();
    if (is_power("on", now->state)) return std::string("it is on already");
    return start(wsman::PowerAction::On, *now, "it is on");
  }

  Result<std::string> reset() {
    const Result<wsman::PowerStatus> now = wsman::power_status(prober_.machine());
    if (!now) return now.error();
    const bool runs = is_power("on", now->state);
    return runs ? start(wsman::PowerAction::Reset, *now, "it starts again")
                : start(wsman::PowerAction::On, *now, "it is on");
  }

  Result<std::string> start(wsman::PowerAction how, const wsman::PowerStatus& now, const char* text) {
    const Result<void> asked = wsman::request_power(prober_.machine(), how, now);
    told_to_start_ = asked || asked.error().code != Errc::Refused;  // it may have heard what it did not answer
    if (!asked) return asked.error();
    // It may be out of reach for a while.
    if (const Result<void> r = wait("power=on"); !r) return r.error();
    armed_ = switched_off_ = told_to_start_ = false;
    return std::string(text);
  }

  Result<std::string> view() {
    Result<sys::Child::Options> o = viewer();
    if (!o) return o.error();
    const std::string name =
        o->arguments[0].substr(o->arguments[0].rfind('/') + 1) + (o->arguments[0] == this_program() ? " sol" : "");
    say("opens " + name);
    const Result<std::unique_ptr<sys::Child>> child = sys::Child::start(*o);
    if (!child) return child.error();
    bool drives_said = false;
    while (!(*child)->ended()) {
      if (stop_asked) (*child)->stop(seconds(5));
      if (drives_ && !drives_said && drives_->ended()) {
        drives_said = true;
        say("the images have gone: " + drives_->last_line());
      }
      std::this_thread::sleep_for(kLook);
    }
    const int status = *(*child)->ended();
    if (status != 0 && !stop_asked) {
      return Error{Errc::Refused, name + " ended with " + std::to_string(status) +
                                      (status == 127 || status == 126 ? ", it could not be started" : "")};
    }
    return name + " was closed";
  }

  Result<std::string> release() {
    if (!drives_) return std::string("nothing is attached");
    const bool gone = drives_->ended().has_value();
    drives_->stop(kRelease);
    const std::string last = drives_->last_line();
    drives_.reset();
    return gone ? "the images had gone: " + last : "the images are taken away: " + last;
  }

  /// After a failure or Ctrl-C: what was begun is ended in order, and what stays is said.
  std::vector<std::string> clean_up() {
    std::vector<std::string> left;
    if (drives_) {
      if (const Result<std::string> r = release()) left.push_back(*r);
    }
    if (armed_) {
      const auto all = wsman::boot_words();
      const Result<void> r =
          wsman::arm_boot(prober_.machine(), *std::ranges::find(all, "none", &wsman::BootWord::word));
      left.push_back(r ? "its next start is as it is set up again"
                       : "its next start may still be from " + plan_.boot_word + ": `amtgate boot none " +
                             site_.name + "`");
    }
    if (told_to_start_) {
      left.push_back("it was told to start: `amtgate power state " + site_.name + "` says whether it did");
    } else if (switched_off_) {
      left.push_back("it is off, or on its way there: `amtgate power on " + site_.name + "`");
    }
    if (left.empty()) left.emplace_back("nothing is left behind");
    return left;
  }

  /// Where viewers aim.
  std::string aim() const {
    if (const auto* network = std::get_if<Network>(&site_.pc)) return network->address.to_string();
    return std::get<std::string>(site_.pc);
  }

  /// The password by the environment: arguments can be seen by everybody.
  void add_login(sys::Child::Options& o, bool by_hand) const {
    const config::Target& t = *site_.target;
    o.environment.push_back("AMT_PASSWORD=" + std::string(t.password.reveal()));
    if (!by_hand) return;
    o.arguments.insert(o.arguments.end(), {"--user", t.username});
    if (t.tls != config::TlsMode::Auto) o.arguments.emplace_back(t.tls == config::TlsMode::No ? "--plain" : "--tls");
    if (!t.tls_ca.empty()) o.arguments.insert(o.arguments.end(), {"--ca", t.tls_ca});
    if (!t.tls_name.empty()) o.arguments.insert(o.arguments.end(), {"--tls-name", t.tls_name});
    if (!t.tls_pin.empty()) o.arguments.insert(o.arguments.end(), {"--pin", t.tls_pin});
    if (t.tls_min == config::TlsVersion::V1_0) o.arguments.insert(o.arguments.end(), {"--tls-min", "1.0"});
    if (t.tls_min == config::TlsVersion::V1_1) o.arguments.insert(o.arguments.end(), {"--tls-min", "1.1"});
    if (!fleet_.login.state.empty()) o.arguments.insert(o.arguments.end(), {"--state", fleet_.login.state});
  }

  Result<sys::Child::Options> viewer() const {
    sys::Child::Options o;
    const bool by_hand = !fleet_.host.empty();
    std::string host = by_hand ? fleet_.host : aim();
    if (o_.viewer.empty() && o_.wish.sol) {
      o.arguments = {this_program()};
      if (!by_hand) o.arguments.insert(o.arguments.end(), {"-c", common_.config});
      o.arguments.emplace_back("sol");
      if (by_hand) {
        add_login(o, true);
        o.arguments.insert(o.arguments.end(), {"-h", host});
      } else {
        o.arguments.push_back(site_.name);
      }
      o.arguments.emplace_back("--hold");
      return o;
    }
    if (host.find(':') != std::string::npos) host = "[" + host + "]:0";
    std::string command = o_.viewer;
    if (command.empty()) {
      const auto found = std::ranges::find_if(kViewers, [](const char* v) { return !sys::find_in_path(v).empty(); });
      if (found == std::end(kViewers)) {
        return Error{Errc::Unreachable, "none of xtigervncviewer, vncviewer, gvncviewer, remmina is installed"};
      }
      command = *found == std::string_view("remmina") ? "remmina -c vnc://%h" : *found;
    }
    o.arguments = viewer_command(command, host);
    if (o.arguments.empty()) return Error{Errc::BadValue, "--viewer names no program"};
    as_person(o);
    o.environment.emplace_back("AMT_PASSWORD=");  // none of its business
    return o;
  }

  const Common& common_;
  const Options& o_;
  const FleetOptions& fleet_;
  const ConsolePlan& plan_;
  const Site& site_;
  Prober prober_;
  std::unique_ptr<sys::Child> drives_;
  bool armed_ = false;          // for a start that has not come yet
  bool switched_off_ = false;   // by us, and not on again
  bool told_to_start_ = false;  // and not seen to be on
  std::optional<Exit> child_code_;
  Exit code_ = kDone;
};

void print_plan(const Common& common, const ConsolePlan& plan) {
  if (common.json) {
    Json list = Json::array();
    for (const ConsoleStep& s : plan.steps) list.push_back({{"step", s.name}, {"text", s.text}});
    std::puts(list.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    return;
  }
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    std::printf("%zu/%zu %s: %s\n", i + 1, plan.steps.size(), plan.steps[i].name.c_str(), plan.steps[i].text.c_str());
  }
}

int console(const Common& common, Options& o, FleetOptions& fleet) {
  if (o.bios) o.boots.emplace_back("bios");
  for (const std::string& text : o.boots) {
    if (const Result<void> r = set_boot(o.wish, text); !r) return fail(kUsage, r.error().detail);
  }
  if (o.vnc && o.wish.sol) return fail(kUsage, "--vnc, and --sol; one of them is meant");
  if (!o.vnc && !o.wish.sol && o.viewer.empty()) o.wish.sol = !has_display();
  if (fleet.all || !fleet.tags.empty() || fleet.targets.size() + (fleet.host.empty() ? 0U : 1U) != 1) {
    return fail(kUsage, "console is for one machine; name a target, or -h HOST");
  }
  for (const std::string* image : {&o.wish.cd, &o.wish.floppy}) {
    if (!image->empty() && ::access(image->c_str(), R_OK) != 0)
      return fail(kUsage, "cannot read the image " + *image);
  }
  const Result<ConsolePlan> plan = console_plan(o.wish);
  if (!plan) return fail(kUsage, plan.error().detail);
  if (o.dry_run) {
    print_plan(common, *plan);
    return kDone;
  }
  fleet.connect_deadline = seconds(3);
  fleet.deadline = seconds(10);
  Exit code = kDone;
  Common quiet = common;  // what came of it is printed here
  quiet.json = false;
  const int ran = run_sites(quiet, fleet, {}, [&](const Site& site) {
    const Interrupts interrupts;  // not before: who is asked for a password may end that as ever
    Console c(common, o, fleet, *plan, site);
    Result<Row> row = c.run();
    code = c.code();
    return row;
  });
  return ran != kDone ? ran : code;
}

}  // namespace

Run console_command(CLI::App& app, const Common& common) {
  const auto o = std::make_shared<Options>();
  const auto fleet = add_fleet_options(app);
  app.add_flag("--bios", o->bios, "into the firmware's set-up, as --boot bios");
  app.add_option("--boot", o->boots,
                 "bios, pxe, hdd, cd, diag, cd=FILE or floppy=FILE: an image that is served to it")
      ->option_text("FROM")
      ->allow_extra_args(false)
      ->take_all();
  app.add_flag("--reset", o->wish.reset, "reset it, instead of switching it off and on");
  app.add_flag("--restart", o->wish.restart, "off and on also without --boot");
  app.add_flag("--leave-power", o->wish.leave_power, "do not switch it on either");
  app.add_flag("--vnc", o->vnc, "its screen: the default where there is a display");
  app.add_flag("--sol", o->wish.sol, "its serial console");
  app.add_option("--viewer", o->viewer, "instead of the first VNC viewer found; %h is where the machine is")
      ->option_text("COMMAND");
  app.add_option("--timeout", o->patience_s, "seconds for each step (60)")
      ->option_text("SECONDS")
      ->check(CLI::Range(1U, 3600U));
  app.add_flag("--dry-run", o->dry_run, "only say what would be done");
  return [&common, o, fleet] { return console(common, *o, *fleet); };
}

}  // namespace amtgate::cli
