#include "amtgate/gateway/target_status.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace amtgate::gateway {
namespace {

using Refused = std::vector<device::Dialer::RefusedLogin>;

std::shared_ptr<config::Config> one_machine() {
  auto config = std::make_shared<config::Config>();
  config::Target pc;
  pc.name = "pc1";
  pc.username = "admin";
  pc.address.emplace_back(Network{*IpAddress::parse("10.1.0.7"), 32});
  config->targets.push_back(pc);
  return config;
}

control::TargetStatus told(const Refused& refused, const std::vector<control::SessionInfo>& sessions = {}) {
  const std::shared_ptr<config::Config> config = one_machine();
  return target_status(config->targets.front(), Directory(config, {}), sessions, refused);
}

TEST(TargetStatus, ReadyWithTheSessionsThatAreItsOwn) {
  control::SessionInfo mine, other;
  mine.target = "pc1";
  other.target = "pc2";
  const control::TargetStatus t = told({}, {mine, other, mine});
  EXPECT_EQ(t.state, "ready");
  EXPECT_EQ(t.detail, "");
  EXPECT_EQ(t.sessions, 2u);
}

TEST(TargetStatus, ALoginThatWaitsSaysHowLongAndWhatToDo) {
  const control::TargetStatus t = told({{"pc1", "10.1.0.7", 3, std::chrono::milliseconds(4200)}});
  EXPECT_EQ(t.state, "backing off");
  EXPECT_EQ(t.login_refusals, 3u);
  EXPECT_EQ(t.login_wait, 5u);  // never told shorter than it is
  EXPECT_NE(t.detail.find("10.1.0.7 refused user 'admin' or its password, 3 times in a row"), std::string::npos);
  EXPECT_NE(t.detail.find("waits 5 s"), std::string::npos);
  EXPECT_NE(t.detail.find("amtgate reload"), std::string::npos);
}

TEST(TargetStatus, AfterTheWaitTheNextSessionTries) {
  const control::TargetStatus t = told({{"pc1", "10.1.0.7", 1, Duration::zero()}});
  EXPECT_EQ(t.state, "login refused");
  EXPECT_EQ(t.login_wait, 0u);
  EXPECT_NE(t.detail.find("1 time in a row"), std::string::npos);
  EXPECT_NE(t.detail.find("the next session tries again"), std::string::npos);
}

TEST(TargetStatus, OfManyMachinesTheOneThatWaitsLongestIsNamed) {
  const control::TargetStatus t = told({{"pc1", "10.1.0.7", 5, std::chrono::seconds(1)},
                                        {"pc2", "10.2.0.1", 9, std::chrono::seconds(90)},
                                        {"pc1", "10.1.0.8", 2, std::chrono::seconds(30)}});
  EXPECT_EQ(t.login_refusals, 5u);
  EXPECT_EQ(t.login_wait, 30u);
  EXPECT_EQ(t.detail.find("10.1.0.8 refused"), 0u);
  EXPECT_NE(t.detail.find("(and 1 more of its machines)"), std::string::npos);
}

}  // namespace
}  // namespace amtgate::gateway
