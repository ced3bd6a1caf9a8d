#include "amtgate/wsman/inventory.h"

#include <gtest/gtest.h>

#include "amtgate/wsman/users.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

TEST(Inventory, OfEveryGeneration) {
  for (const std::string_view profile : sim::profile_names()) {
    test::WsmanMachine m(profile);
    const Result<std::vector<Part>> parts = read_inventory(m);
    ASSERT_TRUE(parts) << profile << ": " << parts.error().detail;
    std::string kinds;
    for (const Part& p : *parts) kinds += p.kind + " ";
    EXPECT_EQ(kinds, "chassis board bios processor memory memory disk disk ");
    EXPECT_EQ(parts->at(1).serial, "BRD0001");  // the BIOS had filled it up
    EXPECT_EQ(parts->at(2).details, "2023-05-04");
    EXPECT_EQ(parts->at(3).model, "Simulated CPU");
    EXPECT_EQ(parts->at(3).mhz, 4200U);
    const Part& memory = parts->at(4);
    EXPECT_EQ(memory.bytes, 8589934592U);
    const bool old = profile == "8" || profile == "9";
    EXPECT_EQ(memory.details, old ? "DDR3 SODIMM" : "DDR4 SODIMM");
    EXPECT_EQ(memory.mhz, old ? 1600U : 2933U);
    EXPECT_EQ(parts->at(6).bytes, 512110190000U);
  }
}

TEST(Inventory, IsRefusedToWhoMayNotSeeIt) {
  test::WsmanMachine m;
  ASSERT_TRUE(add_user(m, {"power", "P@ssw0rd", Access::Any, {5}}));
  m.around.user = "power";
  const Result<std::vector<Part>> refused = read_inventory(m);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Refused);
}

}  // namespace
}  // namespace amtgate::wsman
