#include "amtgate/rfb/scroll.h"

#include <gtest/gtest.h>

#include "tests/rfb/pictures.h"

namespace amtgate::rfb {
namespace {

/// `screen` with its rows moved up (down) and others where none were.
Screen moved(const Screen& screen, int rows) {
  Screen out = test::picture(test::Picture::Noise, screen.size(), screen.format(), 99);
  const PixelView v = screen.view();
  for (int y = 0; y < v.size.height; ++y) {
    if (y + rows < 0 || y + rows >= v.size.height) continue;
    EXPECT_TRUE(out.put({0, static_cast<std::uint16_t>(y), v.size.width, 1},
                        Bytes(v.at(0, static_cast<unsigned>(y + rows)), v.size.width * v.bytes_per_pixel())));
  }
  return out;
}

TEST(Scroll, AnyDistanceBothWays) {
  for (const PixelFormat& format : {kRgb565, kRgb332}) {
    for (const auto what :
         {test::Picture::Text, test::Picture::Desktop, test::Picture::Photo, test::Picture::Noise}) {
      const Size size{640, 400};
      const Screen before = test::picture(what, size, format, 1);
      for (const int rows : {1, 8, 14, 16, 100, -1, -3, -16, -64}) {
        const Screen after = moved(before, rows);
        EXPECT_EQ(find_scroll(before.view(), after.view(), {0, 0, 640, 400}), rows) << test::name(what);
        EXPECT_EQ(find_scroll(before.view(), after.view(), {33, 160, 170, 96}), rows) << test::name(what);
      }
    }
  }
}

TEST(Scroll, NoneWhereThereIsNone) {
  const Size size{640, 400};
  const Rect all{0, 0, 640, 400};
  const Screen a = test::picture(test::Picture::Photo, size, kRgb565, 1);
  const Screen b = test::picture(test::Picture::Photo, size, kRgb565, 2);
  const Screen black = test::picture(test::Picture::Black, size, kRgb565, 1);
  EXPECT_EQ(find_scroll(a.view(), b.view(), all), std::nullopt);
  EXPECT_EQ(find_scroll(a.view(), a.view(), all), std::nullopt);
  EXPECT_EQ(find_scroll(a.view(), black.view(), all), std::nullopt);
  EXPECT_EQ(find_scroll(black.view(), a.view(), all), std::nullopt);
  EXPECT_EQ(find_scroll(black.view(), black.view(), all), std::nullopt);
}

TEST(Scroll, AreasTooSmallForIt) {
  const Screen a = test::picture(test::Picture::Noise, {64, 64}, kRgb565, 1);
  const Screen b = moved(a, 5);
  for (const Rect& area : {Rect{}, Rect{0, 0, 64, 7}, Rect{3, 3, 0, 20}, Rect{3, 3, 1, 8}, Rect{63, 56, 1, 8}}) {
    EXPECT_EQ(find_scroll(a.view(), b.view(), area), std::nullopt);
  }
  const Screen dot = test::picture(test::Picture::Noise, {1, 1}, kRgb565, 1);
  EXPECT_EQ(find_scroll(dot.view(), dot.view(), {0, 0, 1, 1}), std::nullopt);
}

}  // namespace
}  // namespace amtgate::rfb
