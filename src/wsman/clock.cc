#include "amtgate/wsman/clock.h"

namespace amtgate::wsman {
namespace {

constexpr const char* kService = "AMT_TimeSynchronizationService";
constexpr std::int64_t kYear2020 = 1'577'836'800, kMost = 0xffffffff;

Result<std::int64_t> machine_time(Caller& machine) {
  const Result<Instance> out = invoke(machine, "GetLowAccuracyTimeSynch", Instance(kService));
  if (!out) return out.error();
  const auto ta0 = out->number("Ta0");
  if (!ta0 || *ta0 > kMost) return Error{Errc::BadValue, "GetLowAccuracyTimeSynch without a time"};
  return static_cast<std::int64_t>(*ta0);
}

}  // namespace

Result<std::int64_t> clock_ahead(Caller& machine, const WallClock& wall) {
  const Result<std::int64_t> its = machine_time(machine);
  if (!its) return its;
  return *its - wall();
}

Result<ClockChange> set_clock(Caller& machine, const WallClock& wall) {
  const Result<std::int64_t> ta0 = machine_time(machine);
  if (!ta0) return ta0.error();
  const std::int64_t tm1 = wall(), tm2 = tm1;
  if (tm1 < kYear2020 || tm1 > kMost) {
    return Error{Errc::BadValue, "the clock of this host is wrong; set that first"};
  }
  Instance in(kService);
  in.add("Ta0", std::to_string(*ta0)).add("Tm1", std::to_string(tm1)).add("Tm2", std::to_string(tm2));
  const Result<Instance> set = invoke(machine, "SetHighAccuracyTimeSynch", std::move(in));
  if (!set) return set.error();
  const Result<std::int64_t> after = clock_ahead(machine, wall);
  if (!after) return after.error();
  return ClockChange{*ta0 - tm1, *after};
}

}  // namespace amtgate::wsman
