#include "amtgate/base/hex.h"

#include <gtest/gtest.h>

#include "amtgate/base/reader.h"

namespace amtgate {
namespace {

TEST(Hex, RoundTrips) {
  EXPECT_EQ(to_hex(*from_hex("00 fF\n10")), "00ff10");
}

TEST(Hex, RefusesOddAndForeign) {
  for (const char* text : {"0", "0 0", "0g", "123"}) EXPECT_FALSE(from_hex(text)) << text;
}

TEST(Reader, FailsOnceAndGivesZeros) {
  const Buffer b = *from_hex("01 0203 04");
  Reader r(b);
  EXPECT_EQ(r.u8(), 1);
  EXPECT_EQ(r.be16(), 0x0203);
  EXPECT_EQ(r.le32(), 0u);
  EXPECT_TRUE(r.failed());
  EXPECT_EQ(r.u8(), 0);
  EXPECT_FALSE(r.done());
}

}  // namespace
}  // namespace amtgate
