#include "amtgate/cli/terminal.h"

#include <gtest/gtest.h>

namespace amtgate::cli {
namespace {

TEST(Fitting, LeavesTheLastColumnFree) {
  EXPECT_EQ(fitting("12345", 6), "12345");
  EXPECT_EQ(fitting("12345", 5), "1234");
  EXPECT_EQ(fitting("12345", 2), "1");
}

TEST(Fitting, CountsCharactersAndCutsBetweenThem) {
  EXPECT_EQ(fitting("\xc3\xa4\xc3\xb6\xc3\xbc", 4), "\xc3\xa4\xc3\xb6\xc3\xbc");
  EXPECT_EQ(fitting("\xc3\xa4\xc3\xb6\xc3\xbc", 3), "\xc3\xa4\xc3\xb6");
  EXPECT_EQ(fitting("", 20), "");
}

TEST(Fitting, TakesManyWhereTheTerminalDoesNotSay) {
  for (const unsigned columns : {0U, 1U}) EXPECT_EQ(fitting(std::string(500, 'x'), columns).size(), 160U) << columns;
}

}  // namespace
}  // namespace amtgate::cli
