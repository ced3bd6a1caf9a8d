#include "amtgate/sim/fault.h"

#include <gtest/gtest.h>

namespace amtgate::sim {
namespace {

struct Row {
  const char* text;
  const char* back;  // as to_string() gives it; null: refused
};
const Row kRows[] = {
    {"connect:close", "connect:close"},
    {"tls:stall", "tls:stall"},
    {"start:reset", "start:reset"},
    {"auth:garbage:10", "auth:garbage:10"},
    {"open:unknown", "open:unknown=29"},
    {"stream:unknown=7f:100", "stream:unknown=7f:100"},
    {"stream:close:100000:1", "stream:close:100000:1"},
    {"auth:close:0:2", "auth:close:0:2"},
    {"wsman:refuse:2:1", "wsman:refuse:2:1"},
    {"", nullptr},
    {"auth:refuse", nullptr},
    {"wsman:garbage", nullptr},
    {"later:close", nullptr},
    {"auth", nullptr},
    {"auth:explode", nullptr},
    {"auth:close:x", nullptr},
    {"auth:close:1:x", nullptr},
    {"auth:close:-1", nullptr},
    {"stream:unknown=100", nullptr},
    {"stream:unknown=", nullptr},
    {"connect:unknown", nullptr},
    {"tls:close:5", nullptr},
    {"stream:close:99999999999999999999", nullptr},
};

TEST(Fault, TextIsReadAndWritten) {
  for (const Row& row : kRows) {
    const Result<Fault> f = parse_fault(row.text);
    EXPECT_EQ(f.has_value(), row.back != nullptr) << row.text;
    if (f && row.back) {
      EXPECT_EQ(to_string(*f), row.back);
    }
    if (!f) {
      EXPECT_TRUE(f.error().detail.starts_with("fault '" + std::string(row.text) + "': ")) << f.error().detail;
    }
  }
}

TEST(FaultPlan, StrikesEachStageAsOftenAsAsked) {
  FaultPlan plan({*parse_fault("auth:close:0:2"), *parse_fault("auth:stall"), *parse_fault("stream:reset")});
  EXPECT_FALSE(plan.take(Stage::Start));
  EXPECT_EQ(plan.take(Stage::Auth)->kind, FaultKind::Close);
  EXPECT_EQ(plan.take(Stage::Auth)->kind, FaultKind::Close);
  EXPECT_EQ(plan.take(Stage::Auth)->kind, FaultKind::Stall);
  EXPECT_EQ(plan.take(Stage::Stream)->kind, FaultKind::Reset);
  EXPECT_EQ(plan.take(Stage::Stream)->kind, FaultKind::Reset);
  EXPECT_TRUE(FaultPlan().empty());
}

}  // namespace
}  // namespace amtgate::sim
