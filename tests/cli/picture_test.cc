#include "amtgate/cli/picture.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"

namespace amtgate::cli {
namespace {

Picture picture(std::uint16_t width, std::uint16_t height) {
  Picture out{{width, height}, {}};
  for (unsigned i = 0; i < unsigned{width} * height * 3; ++i) out.rgb.push_back(static_cast<std::uint8_t>(i * 11));
  return out;
}

TEST(Picture, ComesBackFromPng) {
  const Picture was = picture(13, 7);
  const Result<std::string> png = to_png(was);
  ASSERT_TRUE(png);
  EXPECT_TRUE(png->starts_with("\x89PNG\r\n\x1a\n"));
  const Result<Picture> is = from_png(*png);
  ASSERT_TRUE(is) << is.error().detail;
  EXPECT_EQ(*is, was);
}

// Colour type 4: one grey pixel (0x80) that is transparent; made with Python's zlib.
TEST(Picture, TakesEveryKindOfPngAndPutsItOnBlack) {
  const auto grey_alpha = from_hex(
      "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b49444154789c6368600000010300813e4cc5"
      "930000000049454e44ae426082");
  ASSERT_TRUE(grey_alpha);
  const Result<Picture> is = from_png(as_text(*grey_alpha));
  ASSERT_TRUE(is) << is.error().detail;
  EXPECT_EQ(is->size, (rfb::Size{1, 1}));
  EXPECT_EQ(is->rgb, Buffer(3, 0));
}

TEST(Picture, RefusesWhatIsNoPng) {
  const std::string png = *to_png(picture(40, 40));
  EXPECT_EQ(from_png("").error().code, Errc::BadValue);
  EXPECT_EQ(from_png("P6 1 1 255 abc").error().code, Errc::BadValue);
  EXPECT_EQ(from_png(std::string_view(png).substr(0, png.size() / 2)).error().code, Errc::BadValue);
  // Its header says 100000 x 1; the checksum is right.
  const auto wide = from_hex(
      "89504e470d0a1a0a0000000d49484452000186a0000000010802000000d21c81820000000949444154789c630000000100015eff7df900"
      "00000049454e44ae426082");
  EXPECT_EQ(from_png(as_text(*wide)).error().code, Errc::TooLarge);
  EXPECT_EQ(from_png(*to_png({{8193, 1}, Buffer(8193 * 3)})).error().code, Errc::TooLarge);
}

TEST(Region, IsReadAsX11WritesIt) {
  EXPECT_EQ(*parse_region("640x480+10+20"), (rfb::Rect{10, 20, 640, 480}));
  EXPECT_EQ(*parse_region("1x1+0+0"), (rfb::Rect{0, 0, 1, 1}));
  for (const char* wrong : {"", "640x480", "640x480+1", "640x480+1+", "640x480+1+2 ", "0x1+0+0", "1x0+0+0",
                            "640*480+1+2", "-1x2+3+4", "640x480-1+2", "99999x1+0+0", "8193x1+0+0", "1x1+0+0+0"}) {
    EXPECT_FALSE(parse_region(wrong)) << wrong;
  }
}

TEST(Picture, APartLiesInside) {
  const Picture whole = picture(4, 3);
  const auto part = part_of(whole, {1, 1, 2, 2});
  ASSERT_TRUE(part);
  EXPECT_EQ(part->size, (rfb::Size{2, 2}));
  EXPECT_EQ(part->rgb[0], whole.rgb[(4 + 1) * 3]);
  EXPECT_EQ(part->rgb[11], whole.rgb[(2 * 4 + 2) * 3 + 2]);
  EXPECT_EQ(part_of(whole, {0, 0, 4, 3}), whole);
  EXPECT_FALSE(part_of(whole, {1, 0, 4, 3}));
  EXPECT_FALSE(part_of(whole, {0, 1, 4, 3}));
}

TEST(Picture, ComparesInTheColoursThatAmtHas) {
  const auto of = [](std::uint8_t r, std::uint8_t g, std::uint8_t b) { return Picture{{1, 1}, {r, g, b}}; };
  EXPECT_EQ(different_pixels(of(1, 2, 3), of(1, 2, 3), 0), 0U);
  EXPECT_EQ(different_pixels(of(4, 0, 255), of(0, 2, 252), 0), 0U) << "one colour at 5, 6, 5 bits";
  EXPECT_EQ(different_pixels(of(8, 0, 0), of(0, 0, 0), 0), 1U);
  EXPECT_EQ(different_pixels(of(8, 0, 0), of(0, 0, 0), 7), 1U) << "the next red is 8 away";
  EXPECT_EQ(different_pixels(of(8, 0, 0), of(0, 0, 0), 8), 0U);
  EXPECT_EQ(different_pixels(of(0, 255, 0), of(0, 0, 0), 254), 1U);
  EXPECT_EQ(different_pixels(of(255, 255, 255), of(0, 0, 0), 255), 0U);
}

TEST(Picture, CountsPixelsAndNotChannels) {
  Picture a = picture(5, 5), b = a;
  for (std::size_t i : {0, 1, 2, 30}) b.rgb[i] = static_cast<std::uint8_t>(b.rgb[i] ^ 0x80);
  EXPECT_EQ(different_pixels(a, b, 0), 2U);
}

}  // namespace
}  // namespace amtgate::cli
