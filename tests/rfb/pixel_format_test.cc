#include "amtgate/rfb/pixel_format.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

PixelFormat read(std::string_view digits) {
  const Buffer b = test::hex(digits);
  Reader r(b);
  const PixelFormat f = read_pixel_format(r);
  EXPECT_TRUE(r.done());
  return f;
}

std::string written(const PixelFormat& f) {
  Buffer b;
  write_pixel_format(b, f);
  return to_hex(b);
}

struct Row {
  const char* name;
  const char* hex;  // as MeshCommander sends it, or in AMT's ServerInit
  PixelFormat format;
};
const Row kRows[] = {
    {"RGB565", "10100001001f003f001f0b0500000000", kRgb565},
    {"RGB332", "08080001000700070003050200000000", kRgb332},
    {"grey 8", "0808000100ff00000000000000000000", kGrey8},
    {"grey 4", "08040001000f00000000000000000000", kGrey4},
};

TEST(PixelFormat, AmtsFormatsAreTheirBytes) {
  for (const Row& row : kRows) {
    EXPECT_EQ(read(row.hex), row.format) << row.name;
    EXPECT_EQ(written(row.format), row.hex);
    EXPECT_EQ(to_string(row.format), row.name);
    EXPECT_TRUE(valid(row.format)) << row.name;
  }
}

TEST(PixelFormat, SaysOthersInFull) {
  const PixelFormat true32 = read("20180001 00ff 00ff 00ff 100800 000000");
  EXPECT_EQ(to_string(true32), "32 bits a pixel, depth 24, 255/255/255 at 16/8/0, little-endian");
  EXPECT_TRUE(valid(true32));
  EXPECT_EQ(to_string(read("08080000 0000 0000 0000 000000 000000")), "8 bits a pixel, depth 8, colour map");
}

TEST(PixelFormat, ComparesWhatPixelsShow) {
  PixelFormat f = kRgb332;
  f.big_endian = true;
  f.depth = 6;
  EXPECT_TRUE(same_pixels(f, kRgb332));
  f = kRgb565;
  f.big_endian = true;
  EXPECT_FALSE(same_pixels(f, kRgb565));
  EXPECT_FALSE(same_pixels(read("10100001 001f 001f 001f 0b0601 000000"), kRgb565));  // Remmina's 16 bits
  EXPECT_FALSE(same_pixels(read("08080001 0007 0007 0003 000306 000000"), kRgb332));  // BGR233
}

TEST(PixelFormat, RefusesWhatCannotBe) {
  EXPECT_FALSE(valid(read("00000001 0000 0000 0000 000000 000000")));  // zero bits
  EXPECT_FALSE(valid(read("18180001 00ff 00ff 00ff 100800 000000")));  // 24 bits
  EXPECT_FALSE(valid(read("10100001 001f 003f 001f 0c0500 000000")));  // red sticks out
  EXPECT_FALSE(valid(read("10100001 001e 003f 001f 0b0500 000000")));  // not 2^n - 1
  EXPECT_FALSE(valid(read("20180000 0000 0000 0000 000000 000000")));  // colour map of 32 bits
  EXPECT_FALSE(valid(read("10100001 001f ffff 001f 0b0500 000000")));
  EXPECT_FALSE(valid(read("10100001 001f 003f 001f ff0500 000000")));
}

}  // namespace
}  // namespace amtgate::rfb
