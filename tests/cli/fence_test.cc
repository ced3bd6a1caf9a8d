#include "amtgate/cli/fence.h"

#include <gtest/gtest.h>

#include "amtgate/wsman/power.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::cli {
namespace {

/// A simulated machine under a clock that moves when the agent waits.
struct Lab {
  explicit Lab(Duration power_time = seconds(2), std::string_view profile = "12")
      : machine(profile, with(power_time)) {
    world.now = [this] { return machine.now; };
    world.sleep = [this](Duration d) {
      machine.now += d;
      if (waited) waited();
    };
  }
  static sim::ManagementOptions with(Duration power_time) {
    sim::ManagementOptions o;
    o.power_time = power_time;
    return o;
  }
  Result<Fenced> run(FenceAction action) {
    plan.action = action;
    return fence(machine, plan, world);
  }
  sim::Power power() { return machine.management.power(machine.now); }

  test::WsmanMachine machine;
  FencePlan plan;
  FenceWorld world;
  std::function<void()> waited;
};

TEST(Fence, SucceedsOnlyWhenTheMachineIsSeenThere) {
  Lab lab;
  auto done = lab.run(FenceAction::Off);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->off);
  EXPECT_FALSE(done->already);
  EXPECT_EQ(lab.power(), sim::Power::Off);
  done = lab.run(FenceAction::Off);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->already);
  EXPECT_TRUE(lab.run(FenceAction::Status)->off);
  done = lab.run(FenceAction::On);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_FALSE(done->off);
  EXPECT_EQ(lab.power(), sim::Power::On);
  EXPECT_TRUE(lab.run(FenceAction::On)->already);
}

TEST(Fence, SaysNoWhenItTakesTooLong) {
  Lab lab(seconds(60));
  const TimePoint began = lab.machine.now;
  const auto done = lab.run(FenceAction::Off);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "not off after 20 s: it is on");
  EXPECT_LE(lab.machine.now - began, seconds(22));
}

TEST(Fence, SaysNoWhenTheMachineRefuses) {
  Lab lab;
  lab.machine.around.sessions = true;
  const TimePoint began = lab.machine.now;
  const auto done = lab.run(FenceAction::Off);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::Refused);
  EXPECT_LE(lab.machine.now - began, seconds(12));
  EXPECT_EQ(lab.power(), sim::Power::On);
}

TEST(Fence, AsksAgainAndGetsItWhenTheRefusalEnds) {
  Lab lab;
  lab.machine.around.sessions = true;
  lab.waited = [&, n = 0]() mutable { lab.machine.around.sessions = ++n < 5; };
  EXPECT_TRUE(lab.run(FenceAction::Off));
  EXPECT_EQ(lab.power(), sim::Power::Off);
}

TEST(Fence, RebootsThroughOff) {
  Lab lab;
  bool seen_off = false;
  lab.waited = [&] { seen_off = seen_off || lab.power() == sim::Power::Off; };
  const auto done = lab.run(FenceAction::Reboot);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(seen_off);
  EXPECT_FALSE(done->off);
  EXPECT_EQ(done->trouble, "");
  EXPECT_EQ(lab.power(), sim::Power::On);
}

TEST(Fence, RebootsWhatIsOffAlready) {
  Lab lab;
  ASSERT_TRUE(lab.run(FenceAction::Off));
  const auto done = lab.run(FenceAction::Reboot);
  ASSERT_TRUE(done);
  EXPECT_EQ(lab.power(), sim::Power::On);
}

TEST(Fence, IsFencedWhenItDoesNotComeOnAgain) {
  Lab lab(seconds(3));
  // Off, and then nobody answers any more.
  lab.waited = [&] {
    if (lab.power() == sim::Power::Off) lab.machine.broken = Error{Errc::Timeout, "silence"};
  };
  auto done = lab.run(FenceAction::Reboot);
  // It was never seen off: that is no success.
  ASSERT_FALSE(done);
  Lab other(seconds(3));
  unsigned looks = 0;
  other.world.say = [&](const std::string& text) {
    if (text == "it is off" && ++looks == 1) other.machine.broken = Error{Errc::Timeout, "silence"};
  };
  done = other.run(FenceAction::Reboot);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->off);
  EXPECT_EQ(done->trouble, "not on after 20 s: silence");
}

TEST(Fence, BearsAShortSilence) {
  Lab lab;
  lab.machine.broken = Error{Errc::Closed, "closed"};
  lab.waited = [&, n = 0]() mutable {
    if (++n == 1) lab.machine.broken.reset();
  };
  EXPECT_TRUE(lab.run(FenceAction::Off));
}

TEST(Fence, DoesNotRepeatAWrongPassword) {
  Lab lab;
  lab.machine.broken = Error{Errc::AuthFailed, "no"};
  const TimePoint began = lab.machine.now;
  EXPECT_FALSE(lab.run(FenceAction::Off));
  EXPECT_EQ(lab.machine.now, began);
}

TEST(Fence, TakesSleepForOn) {
  Lab lab;
  ASSERT_TRUE(wsman::request_power(lab.machine, wsman::PowerAction::Sleep, {}));
  lab.machine.now += seconds(5);
  ASSERT_EQ(lab.power(), sim::Power::Sleep);
  const auto now = lab.run(FenceAction::Status);
  ASSERT_TRUE(now);
  EXPECT_FALSE(now->off);
  EXPECT_EQ(now->state, "sleep");
}

TEST(Fence, CyclesByOneCommand) {
  Lab lab;
  lab.plan.cycle = true;
  auto done = lab.run(FenceAction::Reboot);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(lab.machine.around.reboot);
  // Somebody uses it: a cycle is refused, a reset is not.
  Lab used;
  used.plan.cycle = true;
  used.machine.around.sessions = true;
  done = used.run(FenceAction::Reboot);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(used.machine.around.reboot);
}

TEST(Fence, WorksWithFirmwareThatDoesNotSayWhatItAllows) {
  Lab lab(seconds(2), "8");
  EXPECT_TRUE(lab.run(FenceAction::Reboot));
}

}  // namespace
}  // namespace amtgate::cli
