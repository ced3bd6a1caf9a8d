#include "amtgate/device/login_guard.h"

#include <gtest/gtest.h>

namespace amtgate::device {
namespace {

using Go = LoginGuard::Go;
const TimePoint kStart{seconds(1000)};

TEST(LoginGuard, OneLoginAtATimeUntilProven) {
  LoginGuard guard;
  EXPECT_EQ(guard.ask("pc1", kStart).go, Go::Now);
  EXPECT_EQ(guard.ask("pc1", kStart).go, Go::Queue);
  EXPECT_EQ(guard.ask("pc2", kStart).go, Go::Now) << "another account does not wait";
  guard.accepted("pc1");
  EXPECT_EQ(guard.ask("pc1", kStart).go, Go::Now);
  EXPECT_EQ(guard.ask("pc1", kStart).go, Go::Now);
}

TEST(LoginGuard, WaitsTwiceAsLongAfterEachRefusal) {
  LoginGuard guard;
  TimePoint now = kStart;
  Duration last{};
  for (unsigned i = 0; i < 12; ++i) {
    ASSERT_EQ(guard.ask("pc1", now).go, Go::Now) << i;
    const Duration wait = guard.refused("pc1", now);
    EXPECT_EQ(wait, i == 0 ? LoginGuard::kFirstWait : std::min<Duration>(last * 2, LoginGuard::kLongestWait));
    const auto answer = guard.ask("pc1", now + wait - milliseconds(1));
    EXPECT_EQ(answer.go, Go::No);
    EXPECT_EQ(answer.wait, milliseconds(1));
    EXPECT_EQ(answer.refusals, i + 1);
    now += wait;
    last = wait;
  }
}

TEST(LoginGuard, ARefusalAfterSuccessWaitsToo) {
  LoginGuard guard;
  ASSERT_EQ(guard.ask("pc1", kStart).go, Go::Now);
  guard.accepted("pc1");
  ASSERT_EQ(guard.ask("pc1", kStart).go, Go::Now);
  guard.refused("pc1", kStart);
  EXPECT_EQ(guard.ask("pc1", kStart).go, Go::No);
}

TEST(LoginGuard, SaysWhoWasRefusedAndHowLongTheNextOneWaits) {
  LoginGuard guard;
  for (const char* account : {"pc1", "pc2", "pc3"}) ASSERT_EQ(guard.ask(account, kStart).go, Go::Now);
  guard.accepted("pc1");
  guard.undecided("pc3");
  const Duration wait = guard.refused("pc2", kStart);
  auto refused = guard.refused_accounts(kStart + seconds(1));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].account, "pc2");
  EXPECT_EQ(refused[0].refusals, 1U);
  EXPECT_EQ(refused[0].wait, wait - seconds(1));
  refused = guard.refused_accounts(kStart + wait + seconds(1));
  ASSERT_EQ(refused.size(), 1U) << "the credentials are no better for the waiting";
  EXPECT_EQ(refused[0].wait, Duration::zero());
  guard.forget_all();
  EXPECT_TRUE(guard.refused_accounts(kStart).empty());
}

TEST(LoginGuard, UndecidedLetsTheNextOneTry) {
  LoginGuard guard;
  ASSERT_EQ(guard.ask("pc1", kStart).go, Go::Now);
  guard.undecided("pc1");
  EXPECT_EQ(guard.ask("pc1", kStart).go, Go::Now);
}

TEST(LoginGuard, NewConfigurationStartsAfresh) {
  LoginGuard guard;
  ASSERT_EQ(guard.ask("pc1", kStart).go, Go::Now);
  guard.refused("pc1", kStart);
  guard.forget_all();
  EXPECT_EQ(guard.ask("pc1", kStart).go, Go::Now);
}

TEST(LoginGuard, StaysBounded) {
  LoginGuard guard;
  for (std::size_t i = 0; i < LoginGuard::kMostAccounts + 100; ++i) {
    const std::string account = "client " + std::to_string(i);
    ASSERT_EQ(guard.ask(account, kStart).go, Go::Now);
    guard.refused(account, kStart);
  }
  EXPECT_EQ(guard.ask("pc1", kStart).go, Go::Now);
}

}  // namespace
}  // namespace amtgate::device
