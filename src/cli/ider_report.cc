#include "amtgate/cli/ider_report.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "amtgate/cli/common.h"

namespace amtgate::cli {
namespace {

using Json = nlohmann::json;

// In a log a line a second would be too many.
constexpr Duration kLogEvery = seconds(10);

double mega(std::uint64_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}
double seconds_of(Duration d) {
  return std::chrono::duration<double>(d).count();
}
std::int64_t whole_seconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::seconds>(d).count();
}

std::size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

}  // namespace

IderReport::IderReport(std::string machine, bool json, Medium cd, Medium floppy)
    : machine_(std::move(machine)),
      json_(json),
      terminal_(!json && ::isatty(STDERR_FILENO) == 1),
      cd_(std::move(cd)),
      floppy_(std::move(floppy)) {}

void IderReport::wipe() {
  if (std::exchange(drawn_, false)) std::fputs("\r\033[K", stderr);
}

void IderReport::say(const char* event, const std::string& text, const Json& fields) {
  if (json_) {
    Json line = {{"event", event}, {"target", machine_}};
    line.update(fields);
    std::puts(line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    std::fflush(stdout);
  } else if (!text.empty()) {
    wipe();
    std::fprintf(stderr, "%s: %s\n", machine_.c_str(), text.c_str());
  }
}

void IderReport::say(const char* event, const std::string& text) {
  say(event, text, Json::object());
}

IderReport::Total IderReport::total(const ider::ClientRole::Stats& s) const {
  return {before_.read + s.data_bytes, before_.written + s.written_bytes, before_.commands + s.commands,
          before_.checks + s.checks};
}

void IderReport::session_over(const ider::ClientRole::Stats& s) {
  before_ = total(s);
}

void IderReport::progress(const ider::ClientRole::Stats& s, TimePoint now) {
  if (!std::exchange(begun_, true)) started_ = last_ = shown_ = now;
  const Total t = total(s);
  const std::uint64_t moved = t.read + t.written;
  const double span = seconds_of(now - last_);
  const double rate = span > 0 ? mega(moved - last_moved_) / span : 0;
  const bool news = t.commands != last_commands_;
  if (!json_ && !terminal_ && now - shown_ < kLogEvery) return;
  if (!terminal_ && !news) return;
  last_ = shown_ = now;
  last_moved_ = moved;
  last_commands_ = t.commands;

  const Medium& m = medium(s.at);
  const bool touched = s.data_bytes + s.written_bytes > 0 && m.blocks > 0;
  const char* drive = s.at == ider::Drive::Cd ? "cd" : "floppy";
  std::string file;
  unsigned file_percent = 0;
  if (touched) {
    if (const auto place = m.map.at(s.lba)) {
      file = place->name;
      file_percent = place->percent;
    }
  }
  const auto percent = touched ? static_cast<unsigned>(std::uint64_t{s.lba.value} * 100 / m.blocks) : 0;
  if (json_) {
    Json j = {{"seconds", seconds_of(now - started_)},
              {"read_bytes", t.read},
              {"written_bytes", t.written},
              {"mb_per_s", rate},
              {"commands", t.commands},
              {"refused", t.checks}};
    if (touched) j.update({{"drive", drive}, {"block", s.lba.value}, {"percent", percent}});
    if (!file.empty()) j.update({{"file", file}, {"file_percent", file_percent}});
    return say("progress", "", j);
  }
  char numbers[96];
  std::snprintf(numbers, sizeof numbers, "%.1f MB read, %.1f MB/s, %s", mega(t.read), rate,
                human_duration(whole_seconds(now - started_)).c_str());
  std::string line = machine_ + ": " + numbers;
  if (t.written > 0) {
    std::snprintf(numbers, sizeof numbers, ", %.2f MB written", mega(t.written));
    line += numbers;
  }
  if (!file.empty()) {
    line += std::string(", ") + drive + " " + file + " " + std::to_string(file_percent) + "%";
  } else if (touched) {
    line +=
        std::string(", ") + drive + " block " + std::to_string(s.lba.value) + ", " + std::to_string(percent) + "%";
  }
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", line.c_str());
    return;
  }
  line.resize(std::min(line.size(), terminal_width() - 1));
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  drawn_ = true;
}

void IderReport::end(TimePoint now) {
  const double took = begun_ ? seconds_of(now - started_) : 0;
  char text[200];
  int n = std::snprintf(text, sizeof text, "%.1f MB served in %.0f s, %llu commands, %llu of them refused",
                        mega(before_.read), took, static_cast<unsigned long long>(before_.commands),
                        static_cast<unsigned long long>(before_.checks));
  if (before_.written > 0 && n > 0 && static_cast<std::size_t>(n) < sizeof text) {
    std::snprintf(text + n, sizeof text - static_cast<std::size_t>(n), ", %.2f MB written", mega(before_.written));
  }
  say("end", text,
      {{"seconds", took},
       {"read_bytes", before_.read},
       {"written_bytes", before_.written},
       {"commands", before_.commands},
       {"refused", before_.checks}});
}

}  // namespace amtgate::cli
