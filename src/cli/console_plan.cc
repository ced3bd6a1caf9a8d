#include "amtgate/cli/console_plan.h"

#include <algorithm>
#include <array>

namespace amtgate::cli {
namespace {

constexpr std::array<std::string_view, 5> kOwn = {"bios", "pxe", "hdd", "cd", "diag"};

/// Images decide, unless something else was said; with the serial console the firmware shows itself there.
Result<std::string> boot_word(const ConsoleWish& w) {
  if (!w.boot.empty()) {
    if (!w.sol || w.boot == "bios") return w.boot + (w.sol ? "-sol" : "");
    // AMT takes one source; that of the console is none of these.
    return w.boot;
  }
  if (!w.cd.empty()) return std::string(w.sol ? "ider-cd-sol" : "ider-cd");
  if (!w.floppy.empty()) return std::string(w.sol ? "ider-floppy-sol" : "ider-floppy");
  return std::string(w.sol && w.restart ? "sol" : "");
}

}  // namespace

Result<void> set_boot(ConsoleWish& wish, std::string_view text) {
  const auto image = [&](std::string_view word, std::string& to) {
    if (!text.starts_with(word)) return false;
    to = text.substr(word.size());
    return !to.empty();
  };
  if (image("cd=", wish.cd) || image("floppy=", wish.floppy)) return {};
  if (std::ranges::find(kOwn, text) == kOwn.end()) {
    return Error{Errc::BadValue,
                 "--boot: '" + std::string(text) + "' is none of bios, pxe, hdd, cd, diag, cd=FILE, floppy=FILE"};
  }
  if (!wish.boot.empty() && wish.boot != text) {
    return Error{Errc::BadValue, "from " + wish.boot + ", and from " + std::string(text) + "; one of them is meant"};
  }
  wish.boot = text;
  return {};
}

Result<ConsolePlan> console_plan(const ConsoleWish& w) {
  using enum ConsoleStep::Kind;
  const bool images = !w.cd.empty() || !w.floppy.empty();
  const bool restarts = w.restart || w.reset || !w.boot.empty() || images;
  if (w.leave_power && (w.restart || w.reset || !w.boot.empty())) {
    return Error{Errc::BadValue, "the power is to be left alone, and the machine is to start; one of them is meant"};
  }
  ConsoleWish meant = w;
  meant.restart = restarts;
  Result<std::string> word = w.leave_power ? Result<std::string>(std::string()) : boot_word(meant);
  if (!word) return word.error();
  ConsolePlan plan;
  plan.boot_word = *word;
  const auto add = [&](ConsoleStep::Kind kind, const char* name, std::string text) {
    plan.steps.push_back({kind, name, std::move(text)});
  };
  add(Reach, "reach", "wait until AMT answers");
  if (!w.leave_power && restarts && !w.reset) add(Off, "off", "switch it off, where it is not");
  if (images) {
    const std::string both = !w.cd.empty() && !w.floppy.empty() ? " and " : "";
    add(Attach, "attach", "serve " + w.cd + both + w.floppy + " to it");
  }
  if (!plan.boot_word.empty()) add(Boot, "boot", "its next start is from " + plan.boot_word);
  if (!w.leave_power) {
    if (restarts && w.reset) {
      add(Reset, "reset", "reset it, or switch it on where it is off");
    } else {
      add(On, "on", restarts ? "switch it on" : "switch it on, where it is off");
    }
  }
  add(View, "view", w.sol ? "open its serial console" : "open its screen");
  if (images) add(Release, "release", "take the images away");
  return plan;
}

std::vector<std::string> viewer_command(std::string_view command, const std::string& host) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < command.size();) {
    const std::size_t end = std::min(command.find(' ', at), command.size());
    if (end > at) out.emplace_back(command.substr(at, end - at));
    at = end + 1;
  }
  if (out.empty()) return out;
  bool placed = false;
  for (std::size_t i = 1; i < out.size(); ++i) {
    for (std::size_t at = 0; (at = out[i].find("%h", at)) != std::string::npos; at += host.size()) {
      out[i].replace(at, 2, host);
      placed = true;
    }
  }
  if (!placed) out.push_back(host);
  return out;
}

}  // namespace amtgate::cli
