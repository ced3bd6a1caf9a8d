#include "amtgate/cli/cast_player.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>

#include "amtgate/cli/exit.h"
#include "amtgate/record/asciicast.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"

namespace amtgate::cli {
namespace {

constexpr std::size_t kMostFile = std::size_t{1} << 30U;

volatile std::sig_atomic_t interrupted = 0;

void interrupt(int) {
  interrupted = 1;
}

Result<record::CastReader> read_cast(const std::string& file) {
  const Result<std::string> text = sys::read_file(file, kMostFile);
  if (!text) return text.error();
  record::CastReader reader;
  reader.receive(as_bytes(*text));
  reader.finish();
  return reader;
}

Error in_file(const std::string& file, const Error& e) {
  return {e.code, file + ": " + e.detail};
}

/// False when Ctrl-C came meanwhile.
bool pause(Duration wait) {
  const TimePoint until = sys::now() + wait;
  for (TimePoint now = sys::now(); !interrupted && now < until; now = sys::now()) {
    const auto left = std::chrono::ceil<milliseconds>(until - now).count();
    ::poll(nullptr, 0, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
  }
  return !interrupted;
}

bool print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, text.data(), text.size());
    if (n < 0 && errno == EINTR && !interrupted) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

int play_cast(const std::string& file, const CastOptions& options) {
  Result<record::CastReader> reader = read_cast(file);
  if (!reader) return fail(kSaidNo, reader.error().detail);
  struct sigaction action = {};
  action.sa_handler = interrupt;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::optional<Error> error;
  double shown = 0;
  while (true) {
    const Result<std::optional<record::CastReader::Event>> event = reader->next();
    if (!event) error = event.error();
    if (!event || !*event) break;
    if ((*event)->code != 'o') continue;
    const double gap = std::max(0.0, (*event)->seconds - shown);
    shown = std::max(shown, (*event)->seconds);
    Duration wait = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(gap, 1e8)));
    if (options.idle_limit > Duration::zero()) wait = std::min(wait, options.idle_limit);
    if (!pause(std::chrono::duration_cast<Duration>(wait / options.speed)) || !print((*event)->text)) break;
  }
  // Colours, the cursor and the terminal's other screen, as the console may have left them.
  if (::isatty(STDOUT_FILENO) != 0) print("\033[0m\033[?25h\033[?1049l\r\n");
  if (error) return fail(kSaidNo, in_file(file, *error).detail);
  return kDone;
}

Result<std::string> text_of_cast(const std::string& file) {
  Result<record::CastReader> reader = read_cast(file);
  if (!reader) return reader.error();
  std::string out;
  while (true) {
    const Result<std::optional<record::CastReader::Event>> event = reader->next();
    if (!event && out.empty()) return in_file(file, event.error());
    if (!event || !*event) return out;
    if ((*event)->code == 'o') out += (*event)->text;
  }
}

}  // namespace amtgate::cli
