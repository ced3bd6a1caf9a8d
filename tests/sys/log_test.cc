#include "amtgate/sys/log.h"

#include <gtest/gtest.h>

#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/sys/clock.h"

namespace amtgate::log {
namespace {

TEST(Log, WritesEventAndFields) {
  EXPECT_EQ(format("session.open", {{"sid", 42}, {"client", *Endpoint::parse("10.0.0.5:51332")}, {"tls", true}}),
            "session.open sid=42 client=10.0.0.5:51332 tls=yes");
  EXPECT_EQ(format("x", {{"took_ms", Duration(milliseconds(1500))}}), "x took_ms=1500");
  EXPECT_EQ(format("daemon.ready", {}), "daemon.ready");
}

TEST(Log, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(format("e", {{"a", "plain"}, {"b", "two words"}, {"c", ""}, {"d", "a=b"}, {"e", "say \"hi\""}}),
            "e a=plain b=\"two words\" c=\"\" d=\"a=b\" e=\"say \\\"hi\\\"\"");
}

TEST(Log, NoValueForgesALine) {
  EXPECT_EQ(format("e", {{"a", "x\ny.z sid=1\r\x01\x7f"}}), "e a=\"x\\ny.z sid=1\\r\\x01\\x7f\"");
}

TEST(Log, CutsLongValues) {
  const std::string line = format("e", {{"a", std::string(5000, 'x')}});
  EXPECT_EQ(line.size(), std::string("e a=\"...\"").size() + kMaxValue);
}

TEST(Log, BucketLetsABurstThroughAndThenItsRate) {
  TokenBucket bucket(2, 3);
  TimePoint t{seconds(100)};
  EXPECT_TRUE(bucket.take(t));
  EXPECT_TRUE(bucket.take(t));
  EXPECT_TRUE(bucket.take(t));
  EXPECT_FALSE(bucket.take(t));
  t += milliseconds(499);
  EXPECT_FALSE(bucket.take(t));
  t += milliseconds(2);
  EXPECT_TRUE(bucket.take(t));
  EXPECT_FALSE(bucket.take(t));
  t += seconds(3600);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(t));
  EXPECT_FALSE(bucket.take(t));
}

TEST(Log, SuppressedLinesAreCounted) {
  RateLimit limit(1, 2);
  const TimePoint t{seconds(100)};
  EXPECT_EQ(limit.pass(t), 0);
  EXPECT_EQ(limit.pass(t), 0);
  EXPECT_EQ(limit.pass(t), -1);
  EXPECT_EQ(limit.pass(t), -1);
  EXPECT_EQ(limit.pass(t + seconds(1)), 2);
}

TEST(Log, LevelsAndSink) {
  std::vector<std::string> lines;
  set_sink([&](Level level, std::string_view text) {
    lines.push_back(std::to_string(static_cast<int>(level)) + " " + std::string(text));
  });
  info("a", {{"k", 1}});
  debug("b");
  set_level(Level::Debug);
  debug("c");
  set_level(Level::Error);
  warn("d");
  error("e");
  set_level(Level::Info);
  set_sink({});
  EXPECT_EQ(lines, (std::vector<std::string>{"2 a k=1", "3 c", "0 e"}));
}

TEST(Clock, IsoTime) {
  EXPECT_EQ(sys::to_iso8601(sys::WallTime(milliseconds(1769860800123))), "2026-01-31T12:00:00.123Z");
  EXPECT_EQ(sys::to_iso8601(sys::WallTime(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace amtgate::log
