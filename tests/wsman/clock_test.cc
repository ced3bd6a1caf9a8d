#include "amtgate/wsman/clock.h"

#include <gtest/gtest.h>

#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

TEST(Clock, IsSetFromBothSides) {
  for (const std::int64_t off : {-3600, 0, 7, 86400 * 365}) {
    sim::ManagementOptions o;
    o.epoch = kNow + off;
    test::WsmanMachine m("12", o);
    const WallClock wall = [] { return kNow; };
    EXPECT_EQ(*clock_ahead(m, wall), off);
    const Result<ClockChange> set = set_clock(m, wall);
    ASSERT_TRUE(set) << set.error().detail;
    EXPECT_EQ(set->before, off);
    EXPECT_EQ(set->after, 0);
    EXPECT_EQ(*clock_ahead(m, wall), 0);
  }
}

TEST(Clock, IsNotSetByOneThatIsWrongItself) {
  sim::ManagementOptions o;
  o.epoch = kNow;
  test::WsmanMachine m("12", o);
  EXPECT_EQ(set_clock(m, [] { return std::int64_t{60}; }).error().code, Errc::BadValue);
  EXPECT_EQ(*clock_ahead(m, [] { return kNow; }), 0);
}

}  // namespace
}  // namespace amtgate::wsman
