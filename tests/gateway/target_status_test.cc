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
  return target_status(config->targets.front(), Directory(config, {}), {sessions, refused, {}, {}});
}

control::ImageInfo image(const std::string& target, const std::string& drive, const std::string& state,
                         const std::string& detail) {
  control::ImageInfo out;
  out.target = target;
  out.drive = drive;
  out.state = state;
  out.detail = detail;
  return out;
}

std::vector<std::string> problems(const TargetNews& now) {
  const std::shared_ptr<config::Config> config = one_machine();
  const control::TargetStatus t = target_status(config->targets.front(), Directory(config, {}), now);
  EXPECT_EQ(t.state, "ready") << "its sessions work";
  EXPECT_EQ(t.detail, "");
  return t.problems;
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

TEST(TargetStatus, AnImageThatFailedIsAProblem) {
  using Told = std::vector<std::string>;
  EXPECT_EQ(problems({.images = {image("pc1", "cd", "failed", "/x.iso: it is empty"),
                                 image("pc1", "floppy", "attached", ""), image("pc2", "cd", "failed", "another's")}}),
            Told{"image (cd): /x.iso: it is empty"});
  EXPECT_EQ(
      problems({.images = {image("pc1", "cd", "failed", "/x: no"), image("pc1", "floppy", "failed", "/y: no")}}),
      (Told{"image (cd): /x: no", "image (floppy): /y: no"}));
  EXPECT_EQ(problems({.images = {image("pc1", "cd", "failed", "off"), image("pc1", "floppy", "failed", "off")}}),
            Told{"image (cd and floppy): off"});
  EXPECT_EQ(problems({.images = {image("pc1", "cd", "away", "is off"), image("pc1", "floppy", "waiting", "asks")}}),
            Told{})
      << "machines that are switched off are no problem";
}

TEST(TargetStatus, SoIsWhatOfItsSerialConsoleDoesNotWork) {
  EXPECT_EQ(problems({.images = {image("pc1", "cd", "failed", "gone")},
                      .problems = {{"pc1", "sol_listen tcp:127.0.0.1:1: taken"},
                                   {"pc2", "sol_log /y: full"},
                                   {"pc1", "sol_log /x: full"}}}),
            (std::vector<std::string>{"image (cd): gone", "sol_listen tcp:127.0.0.1:1: taken", "sol_log /x: full"}));
}

}  // namespace
}  // namespace amtgate::gateway
