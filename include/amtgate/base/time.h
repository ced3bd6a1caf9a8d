// Time as the cores see it: monotonic points that the caller hands in. No core reads a clock.
#pragma once

#include <chrono>

namespace amtgate {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace amtgate
