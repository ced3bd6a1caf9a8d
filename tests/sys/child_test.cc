#include "amtgate/sys/child.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "amtgate/sys/clock.h"

namespace amtgate::sys {
namespace {

std::unique_ptr<Child> shell(const std::string& script, std::vector<std::string> environment = {}) {
  Result<std::unique_ptr<Child>> child =
      Child::start({{"sh", "-c", script}, std::move(environment), true, std::nullopt});
  EXPECT_TRUE(child) << child.error().detail;
  return std::move(*child);
}

TEST(Child, GivesLinesAsTheyCome) {
  const auto child = shell("echo one >&2; printf 'two\\rthr%see\\n' \"$X\" >&2; exit 3", {"X=\x1b"});
  EXPECT_TRUE(child->wait_line("one", now() + seconds(10)));
  EXPECT_TRUE(child->wait_line("thr", now() + seconds(10)));
  EXPECT_EQ(child->last_line(), "thr ee");
  EXPECT_FALSE(child->wait_line("never", now() + seconds(10)));  // it has ended
  while (!child->ended()) {
  }
  EXPECT_EQ(child->ended(), 3);
}

TEST(Child, WaitsNoLongerThanItIsTold) {
  const auto child = shell("exec sleep 60");
  const TimePoint began = now();
  EXPECT_FALSE(child->wait_line("x", began + milliseconds(50)));
  EXPECT_GE(now() - began, milliseconds(50));
  EXPECT_FALSE(child->ended());
  EXPECT_EQ(child->stop(seconds(10)), 128 + SIGTERM);
}

TEST(Child, EndsWhatDoesNotWantToEnd) {
  const auto child = shell("trap '' TERM; echo ready >&2; while :; do sleep 0.05; done");
  ASSERT_TRUE(child->wait_line("ready", now() + seconds(10)));
  EXPECT_EQ(child->stop(milliseconds(50)), 128 + SIGKILL);
}

TEST(Child, KeepsTheLastOfManyLines) {
  const auto child = shell("i=0; while [ $i -lt 5000 ]; do echo $i >&2; i=$((i + 1)); done; echo last >&2");
  while (!child->ended()) {
  }
  EXPECT_TRUE(child->wait_line("last", now() + seconds(10)));
}

TEST(Child, IsFoundInPathOnly) {
  EXPECT_EQ(Child::start({{"no-such-program-at-all"}, {}, true, std::nullopt}).error().code, Errc::Unreachable);
  EXPECT_EQ(Child::start({{}, {}, true, std::nullopt}).error().code, Errc::Unreachable);
  EXPECT_NE(find_in_path("sh"), "");
  EXPECT_EQ(find_in_path("/bin/no-such-program"), "");
}

}  // namespace
}  // namespace amtgate::sys
