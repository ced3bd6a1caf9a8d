#include "amtgate/sys/clock.h"

#include <cstdio>
#include <ctime>

namespace amtgate::sys {

TimePoint now() {
  return Clock::now();
}

WallTime wall_now() {
  return std::chrono::system_clock::now();
}

std::string to_iso8601(WallTime t) {
  const auto ms = std::chrono::floor<milliseconds>(t.time_since_epoch()).count();
  const std::time_t whole = static_cast<std::time_t>(ms >= 0 ? ms / 1000 : (ms - 999) / 1000);
  std::tm utc{};
  ::gmtime_r(&whole, &utc);
  char day[32];
  const std::size_t n = std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
  char out[48];
  std::snprintf(out, sizeof out, "%.*s.%03dZ", static_cast<int>(n), day,
                static_cast<int>(ms - static_cast<long long>(whole) * 1000));
  return out;
}

}  // namespace amtgate::sys
