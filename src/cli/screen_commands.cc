// screenshot, type, key, wait-screen: a machine's screen and keyboard for scripts.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/screen_match.h"
#include "amtgate/cli/screen_session.h"
#include "amtgate/rfb/key_combo.h"
#include "amtgate/rfb/key_translator.h"
#include "amtgate/rfb/typed_text.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kPatience_s = 60;
constexpr double kMost_s = 7 * 24 * 3600.0;
/// A machine that was not there is asked again so often.
constexpr Duration kRetry = seconds(1);
/// With the last viewer the machine's session ends, and AMT may have keys before it that it has not given to the PC.
constexpr Duration kSettle = milliseconds(300);
/// Between a key and the next, where nothing else is asked for: USB keyboards are asked every 8 ms or so.
constexpr unsigned kPace_ms = 10;

/// What all four have in common.
struct Screen {
  explicit Screen(const Common& c) : common(c) {}
  const Common& common;
  ScreenSource::Options source;
  double timeout_s = kPatience_s;
  bool login_given = false;

  void add_to(CLI::App& app, bool timeout) {
    app.add_option("TARGET", source.machine, "a target's name, or an address that its viewers aim at")->required();
    app.add_flag("--direct", source.direct, "straight to the machine, past the daemon");
    app.add_flag("--host", source.host,
                 "TARGET is any machine's name or address; targets of the configuration do not count");
    for (const MachineOption& option : machine_options()) {
      const std::string name = (option.name == "--user" ? "-u," : "") + std::string(option.name);
      const std::string help = "with --host: " + std::string(option.help);
      const auto set = [this, &option](const std::string& value) {
        login_given = true;
        if (const Result<void> r = option.set(source.login, value); !r) throw CLI::ValidationError(r.error().detail);
      };
      if (option.value.empty()) {
        app.add_flag_callback(
            name, [set] { set(""); }, help);
      } else {
        app.add_option_function<std::string>(name, set, help)->option_text(std::string(option.value));
      }
    }
    if (timeout) {
      app.add_option("--timeout", timeout_s, "seconds to wait (60)")
          ->option_text("SECONDS")
          ->check(CLI::Range(0.0, kMost_s));
    }
  }

  std::optional<int> misused() const {
    if (login_given && !source.host)
      return fail(kUsage, "how to log in is for --host; targets have it in the configuration");
    return std::nullopt;
  }
  TimePoint until() const {
    return sys::now() + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(timeout_s));
  }
};

/// No such target is a mistake of the caller's.
int failed(const Error& error) {
  return fail(error.code == Errc::BadValue ? kUsage : exit_code(error.code), error.detail);
}

/// A machine that may come yet, as one that restarts.
bool may_come(Errc code) {
  return code == Errc::Unreachable || code == Errc::Timeout || code == Errc::Closed || code == Errc::Busy;
}

void print(const Json& json) {
  std::puts(json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

/// Errors: System, a whole line.
Result<void> write_out(const std::string& path, const std::string& bytes) {
  const bool out = path == "-";
  std::FILE* file = out ? stdout : std::fopen(path.c_str(), "wbe");
  if (file == nullptr) return Error{Errc::System, "cannot write " + path + ": " + std::strerror(errno)};
  bool good = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0;
  const int number = errno;
  struct stat info {};
  const bool half = !out && ::fstat(::fileno(file), &info) == 0 && S_ISREG(info.st_mode);  // a device stays
  if (!out && std::fclose(file) != 0) good = false;
  if (good) return {};
  if (half) ::unlink(path.c_str());
  return Error{Errc::System, "cannot write " + path + ": " + std::strerror(number)};
}

Result<void> save(const std::string& path, const Picture& picture) {
  const Result<std::string> png = to_png(picture);
  if (!png) return png.error();
  return write_out(path, *png);
}

ScreenSource::Options typing(ScreenSource::Options source) {
  source.types = true;
  return source;
}

// --- screenshot -------------------------------------------------------------------------------------------

int screenshot(const Screen& screen, const std::string& file) {
  if (const auto code = screen.misused()) return *code;
  const TimePoint until = screen.until();
  Result<std::unique_ptr<ScreenSource>> source = ScreenSource::open(screen.common, screen.source);
  if (!source) return failed(source.error());
  const Result<std::unique_ptr<ScreenSession>> session = ScreenSession::open(**source, until);
  if (!session) return failed(session.error());
  if (const Result<void> r = (*session)->wait_complete(until); !r) return failed(r.error());
  const Picture picture = (*session)->picture();
  if (const Result<void> r = save(file, picture); !r) return fail(kSaidNo, r.error().detail);
  if (screen.common.json && file != "-") {
    print({{"target", (*session)->info().target},
           {"device", (*session)->info().device},
           {"file", file},
           {"width", picture.size.width},
           {"height", picture.size.height}});
  }
  return kDone;
}

// --- type, key --------------------------------------------------------------------------------------------

/// The layout that the gateway types in. Errors: System.
Result<std::shared_ptr<const rfb::KeyboardLayout>> layout_of(const ScreenSession& session) {
  auto layout = rfb::KeyboardLayout::load(session.info().keyboard);
  if (layout) return layout;
  return Error{Errc::System, session.info().target + ": its keyboard layout: " + layout.error().detail};
}

Result<void> finish(ScreenSession& session, TimePoint until) {
  if (Result<void> r = session.wait_sent(until); !r) return r;
  return session.pause(kSettle);
}

void add_pace(CLI::App& app, unsigned& pace_ms) {
  app.add_option("--pace", pace_ms, "milliseconds from one key event to the next (10)")
      ->option_text("MS")
      ->check(CLI::Range(0U, 60000U));
}

struct TypeOptions {
  std::string text, file;
  bool enter = false;
  unsigned pace_ms = kPace_ms;
};

/// Errors: BadValue, System; whole lines.
Result<std::string> text_of(const TypeOptions& o) {
  std::string text = o.text;
  if (!o.file.empty()) {
    const Result<std::string> read = sys::read_file(o.file == "-" ? "/dev/stdin" : o.file, rfb::kMaxTypedText);
    if (!read) return read.error();
    text = *read;
  }
  if (o.enter) text += '\n';
  if (text.empty())
    return Error{Errc::BadValue, "nothing to type: give a text, or --file FILE (- is standard input)"};
  return text;
}

int type(const Screen& screen, const TypeOptions& o) {
  if (const auto code = screen.misused()) return *code;
  const Result<std::string> text = text_of(o);
  if (!text) return fail(kUsage, text.error().detail);
  const Result<std::vector<rfb::Keysym>> keys = rfb::text_keysyms(*text);
  if (!keys) return fail(kUsage, keys.error().detail + "; nothing was typed");
  Result<std::unique_ptr<ScreenSource>> source = ScreenSource::open(screen.common, typing(screen.source));
  if (!source) return failed(source.error());
  const Result<std::unique_ptr<ScreenSession>> session = ScreenSession::open(**source, screen.until());
  if (!session) return failed(session.error());
  const auto layout = layout_of(**session);
  if (!layout) return failed(layout.error());
  if (const Result<void> r = rfb::typable(*keys, **layout); !r) {
    return fail(kSaidNo, (*session)->info().target + ": " + r.error().detail +
                             " (`keyboard` of the target); nothing was typed");
  }
  const Duration pace = milliseconds(o.pace_ms);
  for (const rfb::Keysym key : *keys) {
    for (const bool down : {true, false}) {
      (*session)->key({down, key});
      if (const Result<void> r = (*session)->pause(pace); !r) return failed(r.error());
    }
  }
  if (const Result<void> r = finish(**session, screen.until()); !r) return failed(r.error());
  if (screen.common.json) print({{"target", (*session)->info().target}, {"characters", keys->size()}});
  return kDone;
}

struct KeyOptions {
  std::vector<std::string> combinations;
  double hold_s = 0.05;
  unsigned pace_ms = kPace_ms;
};

int key(const Screen& screen, const KeyOptions& o) {
  if (const auto code = screen.misused()) return *code;
  std::vector<std::vector<rfb::Keysym>> all;
  for (const std::string& text : o.combinations) {
    Result<std::vector<rfb::Keysym>> keys = rfb::parse_key_combo(text);
    if (!keys) return fail(kUsage, "'" + text + "': " + keys.error().detail + "; amtgate(1) has their names");
    all.push_back(std::move(*keys));
  }
  Result<std::unique_ptr<ScreenSource>> source = ScreenSource::open(screen.common, typing(screen.source));
  if (!source) return failed(source.error());
  const Result<std::unique_ptr<ScreenSession>> session = ScreenSession::open(**source, screen.until());
  if (!session) return failed(session.error());
  const auto layout = layout_of(**session);
  if (!layout) return failed(layout.error());
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<rfb::KeyEvent> ignored;
    if (rfb::KeyTranslator(*layout).press(all[i], ignored) == rfb::KeyOutcome::Sent) continue;
    return fail(kSaidNo, (*session)->info().target + ": AMT's keyboard has no such keys as '" + o.combinations[i] +
                             "' in the layout " + (*layout)->name() + "; nothing was pressed");
  }
  const Duration pace = milliseconds(o.pace_ms);
  const auto hold = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(o.hold_s));
  for (const std::vector<rfb::Keysym>& keys : all) {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      (*session)->key({true, keys[i]});
      if (const Result<void> r = (*session)->pause(i + 1 == keys.size() ? hold : pace); !r) return failed(r.error());
    }
    for (std::size_t i = keys.size(); i-- > 0;) {
      (*session)->key({false, keys[i]});
      if (const Result<void> r = (*session)->pause(pace); !r) return failed(r.error());
    }
  }
  if (const Result<void> r = finish(**session, screen.until()); !r) return failed(r.error());
  if (screen.common.json) print({{"target", (*session)->info().target}, {"pressed", o.combinations}});
  return kDone;
}

// --- wait-screen ------------------------------------------------------------------------------------------

struct WaitOptions {
  std::string match, region, save;
  unsigned tolerance = 0;
};

class Waiter {
 public:
  Waiter(const Screen& screen, const WaitOptions& options, WantedScreen wanted)
      : screen_(screen), options_(options), wanted_(std::move(wanted)), began_(sys::now()), until_(screen.until()) {}

  int run() {
    Result<std::unique_ptr<ScreenSource>> source = ScreenSource::open(screen_.common, screen_.source);
    if (!source) return failed(source.error());
    while (true) {
      const Result<bool> matched = watch(**source);
      if (matched && *matched) return tell(true, kDone);
      if (!matched && !may_come(matched.error().code)) return failed(matched.error());
      if (sys::now() >= until_) {
        if (!verdict_)
          return failed(matched ? Error{Errc::Timeout, screen_.source.machine + ": no picture came"}
                                : matched.error());
        const int code = fail(kSaidNo, target_ + ": the screen did not become as in " + options_.match + " within " +
                                           seconds_text(screen_.timeout_s) + " s: " + verdict_->text);
        return tell(false, code);
      }
      // It restarts: whatever it showed before, what comes now counts.
      const TimePoint again = std::min(until_, sys::now() + kRetry);
      while (sys::now() < again) (*source)->loop().run_once(again - sys::now());
    }
  }

 private:
  /// Until the screen matches or time is over (false). Errors: those of the session.
  Result<bool> watch(ScreenSource& source) {
    Result<std::unique_ptr<ScreenSession>> session = ScreenSession::open(source, until_);
    if (!session) return session.error();
    target_ = (*session)->info().target;
    while (true) {
      if (Result<void> r = (*session)->wait_complete(until_); !r) return r.error();
      picture_ = (*session)->picture();
      verdict_ = compare(picture_, wanted_);
      if (verdict_->matches()) return true;
      const Result<bool> changed = (*session)->wait_update(until_);
      if (!changed) return changed.error();
      if (!*changed) return false;
    }
  }

  static std::string seconds_text(double s) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", s);
    return text;
  }

  int tell(bool matched, int code) {
    if (!options_.save.empty() && !picture_.rgb.empty()) {
      if (const Result<void> r = save(options_.save, picture_); !r) return fail(kSaidNo, r.error().detail);
    }
    if (!screen_.common.json) return code;
    const double took = std::chrono::duration<double>(sys::now() - began_).count();
    Json out = {{"target", target_},
                {"matched", matched},
                {"waited_s", std::round(took * 1000) / 1000},
                {"width", picture_.size.width},
                {"height", picture_.size.height}};
    out["different_pixels"] = verdict_->different ? Json(*verdict_->different) : Json(nullptr);
    print(out);
    return code;
  }

  const Screen& screen_;
  const WaitOptions& options_;
  const WantedScreen wanted_;
  const TimePoint began_;
  const TimePoint until_;
  std::string target_;
  Picture picture_;  // the last whole one
  std::optional<ScreenVerdict> verdict_;
};

int wait_screen(const Screen& screen, const WaitOptions& o) {
  if (const auto code = screen.misused()) return *code;
  Result<WantedScreen> wanted = read_wanted_screen(o.match, o.region, o.tolerance);
  if (!wanted) return fail(kUsage, wanted.error().detail);
  return Waiter(screen, o, std::move(*wanted)).run();
}

}  // namespace

Run screenshot_command(CLI::App& app, const Common& common) {
  const auto screen = std::make_shared<Screen>(common);
  const auto file = std::make_shared<std::string>();
  screen->add_to(app, true);
  app.add_option("FILE", *file, "the PNG file to write; - is standard output")->required();
  return [screen, file] { return screenshot(*screen, *file); };
}

Run type_command(CLI::App& app, const Common& common) {
  const auto screen = std::make_shared<Screen>(common);
  const auto o = std::make_shared<TypeOptions>();
  screen->add_to(app, true);
  CLI::Option* text = app.add_option("TEXT", o->text, "what to type, in UTF-8; a newline is Return");
  app.add_option("--file", o->file, "the text is in this file; - is standard input")
      ->option_text("FILE")
      ->excludes(text);
  app.add_flag("--enter", o->enter, "Return behind the text");
  add_pace(app, o->pace_ms);
  return [screen, o] { return type(*screen, *o); };
}

Run key_command(CLI::App& app, const Common& common) {
  const auto screen = std::make_shared<Screen>(common);
  const auto o = std::make_shared<KeyOptions>();
  screen->add_to(app, true);
  app.add_option("KEYS", o->combinations, "combinations of keys, one after the other: ctrl-alt-del, f12, win-r")
      ->required()
      ->option_text("KEYS...");
  app.add_option("--hold", o->hold_s, "seconds to hold each combination (0.05)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.0, 600.0));
  add_pace(app, o->pace_ms);
  return [screen, o] { return key(*screen, *o); };
}

Run wait_screen_command(CLI::App& app, const Common& common) {
  const auto screen = std::make_shared<Screen>(common);
  const auto o = std::make_shared<WaitOptions>();
  screen->add_to(app, true);
  app.add_option("--match", o->match, "the picture to wait for, PNG")->option_text("FILE")->required();
  app.add_option("--region", o->region, "only this part of the screen counts")->option_text("WxH+X+Y");
  app.add_option("--tolerance", o->tolerance, "how much colours may differ, of 255 (0)")
      ->option_text("N")
      ->check(CLI::Range(0U, 255U));
  app.add_option("--save", o->save, "keeps the last picture here, PNG")->option_text("FILE");
  return [screen, o] { return wait_screen(*screen, *o); };
}

}  // namespace amtgate::cli
