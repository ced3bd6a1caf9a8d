#include "amtgate/session/line_stamps.h"

#include <gtest/gtest.h>

namespace amtgate::session {
namespace {

TEST(LineStamps, StandInFrontOfEachLine) {
  LineStamps stamps;
  Buffer out;
  stamps.write(as_bytes("one\r\ntw"), "T1", out);
  stamps.write(as_bytes("o\n"), "T2", out);
  stamps.write(as_bytes("three"), "T3", out);
  EXPECT_EQ(as_text(out), "T1 one\r\nT1 two\nT3 three");
}

}  // namespace
}  // namespace amtgate::session
