// Clock: the machine's own, by AMT_TimeSynchronizationService. TLS with certificates of clients and Kerberos need it
// to be right.
//
// Source: Intel's class reference (the three times of the high accuracy method).
#pragma once

#include <cstdint>
#include <functional>

#include "amtgate/wsman/caller.h"

namespace amtgate::wsman {

/// Unix seconds now.
using WallClock = std::function<std::int64_t()>;

/// Seconds that the machine's clock is ahead.
Result<std::int64_t> clock_ahead(Caller& machine, const WallClock& wall);

struct ClockChange {
  std::int64_t before = 0, after = 0;  // seconds ahead
};
/// Sets it by `wall`, and looks again. Errors: Refused; BadValue where `wall` itself cannot be right.
Result<ClockChange> set_clock(Caller& machine, const WallClock& wall);

}  // namespace amtgate::wsman
