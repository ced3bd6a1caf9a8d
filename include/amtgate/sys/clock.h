// The clocks. Cores never come here: they get the time from whoever calls them.
#pragma once

#include <chrono>
#include <string>

#include "amtgate/base/time.h"

namespace amtgate::sys {

using WallTime = std::chrono::system_clock::time_point;

/// Monotonic. On a loop, net::Loop::now() is cheaper.
TimePoint now();
WallTime wall_now();
/// UTC with milliseconds, "2026-01-31T12:00:00.123Z".
std::string to_iso8601(WallTime t);

}  // namespace amtgate::sys
