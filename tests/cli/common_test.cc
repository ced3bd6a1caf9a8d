#include "amtgate/cli/common.h"

#include <gtest/gtest.h>

namespace amtgate::cli {
namespace {

TEST(Table, AlignsColumnsByCharacters) {
  EXPECT_EQ(table({{"ID", "TARGET", "X"}, {"1", "p\u00e4ck", ""}, {"1000", "a\nb\x1b[2J", "y"}}),
            "ID    TARGET   X\n1     p\u00e4ck     -\n1000  a?b?[2J  y\n");
  EXPECT_EQ(table({}), "");
}

TEST(Human, BytesAndDurationsAreShort) {
  EXPECT_EQ(human_bytes(0), "0");
  EXPECT_EQ(human_bytes(1023), "1023");
  EXPECT_EQ(human_bytes(1024), "1.0k");
  EXPECT_EQ(human_bytes(12595), "12.3k");
  EXPECT_EQ(human_bytes(1024 * 1024 - 1), "1.0M");
  EXPECT_EQ(human_bytes(18446744073709551615U), "16.0E");
  EXPECT_EQ(human_duration(-5), "0s");
  EXPECT_EQ(human_duration(59), "59s");
  EXPECT_EQ(human_duration(61), "1m");
  EXPECT_EQ(human_duration(3 * 3600 + 12 * 60), "3h 12m");
  EXPECT_EQ(human_duration(5 * 86400 + 4 * 3600), "5d 4h");
}

}  // namespace
}  // namespace amtgate::cli
