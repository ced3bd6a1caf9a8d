#include "amtgate/cli/wait_condition.h"

#include <gtest/gtest.h>

namespace amtgate::cli {
namespace {

using enum WaitCondition::Kind;

TEST(WaitCondition, IsReadAsItIsWritten) {
  struct Row {
    const char* text;
    WaitCondition::Kind kind;
    bool wanted;
    unsigned port;
    const char* value;
  };
  const Row rows[] = {
      {"ping", Ping, true, 0, ""},
      {"no-ping", Ping, false, 0, ""},
      {"amt", Amt, true, 0, ""},
      {"away", Amt, false, 0, ""},
      {"no-amt", Amt, false, 0, ""},
      {"rmcp", Rmcp, true, 0, ""},
      {"tcp:22", Tcp, true, 22, ""},
      {"no-tcp:65535", Tcp, false, 65535, ""},
      {"power=on", Power, true, 0, "on"},
      {"no-power=off", Power, false, 0, "off"},
      {"screen=a=b.png", Screen, true, 0, "a=b.png"},
  };
  for (const Row& row : rows) {
    const Result<WaitCondition> c = WaitCondition::parse(row.text);
    ASSERT_TRUE(c) << row.text;
    EXPECT_EQ(c->kind, row.kind) << row.text;
    EXPECT_EQ(c->wanted, row.wanted) << row.text;
    EXPECT_EQ(c->port.value, row.port) << row.text;
    EXPECT_EQ(c->value, row.value) << row.text;
    EXPECT_EQ(c->text, row.text);
  }
}

TEST(WaitCondition, RefusesOthers) {
  for (const char* text : {"", "no-", "pong", "tcp", "tcp:", "tcp:0", "tcp:65536", "tcp:ssh", "power", "power=up",
                           "screen=", "no-away", "no-no-ping", "ping "}) {
    const Result<WaitCondition> c = WaitCondition::parse(text);
    ASSERT_FALSE(c) << text;
    EXPECT_NE(c.error().detail.find("condition '" + std::string(text) + "'"), std::string::npos);
  }
}

TEST(WaitCondition, KnowsPowerStates) {
  EXPECT_TRUE(is_power("on", 2));
  EXPECT_TRUE(is_power("off", 8));
  EXPECT_TRUE(is_power("off", 6));
  EXPECT_TRUE(is_power("sleep", 3));
  EXPECT_TRUE(is_power("hibernate", 7));
  EXPECT_FALSE(is_power("hibernate", 8));
  EXPECT_FALSE(is_power("on", 8));
}

}  // namespace
}  // namespace amtgate::cli
