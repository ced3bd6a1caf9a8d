#include "amtgate/rfb/letterbox.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/rfb/pictures.h"
#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

unsigned number_at(const PixelView& v, unsigned x, unsigned y) {
  const std::uint8_t* p = v.at(x, y);
  return v.bytes_per_pixel() == 1 ? p[0] : static_cast<unsigned>(p[0] | p[1] << 8);
}

Screen blank(Size size, const PixelFormat& format) {
  Screen s;
  EXPECT_TRUE(s.set_format(format));
  EXPECT_TRUE(s.resize(size));
  return s;
}

bool contains(const Rect& r, unsigned x, unsigned y) {
  return x >= r.x && y >= r.y && x < r.x + 0U + r.width && y < r.y + 0U + r.height;
}

struct Row {
  Size screen, picture;
  Rect window;
};
const Row kWindows[] = {
    {{800, 600}, {800, 600}, {0, 0, 800, 600}},
    {{720, 400}, {1024, 768}, {152, 184, 720, 400}},
    {{3, 3}, {4, 4}, {0, 0, 3, 3}},
    {{1, 1}, {5, 5}, {2, 2, 1, 1}},
    {{1920, 1080}, {1024, 768}, {0, 96, 1024, 576}},
    {{1024, 1280}, {1024, 768}, {205, 0, 614, 768}},
    {{3840, 2160}, {1920, 1080}, {0, 0, 1920, 1080}},
    {{1024, 768}, {1, 1}, {0, 0, 1, 1}},
    {{8192, 1}, {100, 100}, {0, 49, 100, 1}},
    {{1, 8192}, {100, 100}, {49, 0, 1, 100}},
    {{8192, 8192}, {1, 8192}, {0, 4095, 1, 1}},
    {{0, 0}, {100, 100}, {}},
    {{100, 100}, {0, 0}, {}},
    {{100, 0}, {50, 50}, {}},
};

TEST(Letterbox, StandsInTheMiddle) {
  for (const Row& row : kWindows) {
    const Letterbox box(row.screen, row.picture);
    EXPECT_EQ(box.window(), row.window) << row.screen.width << "x" << row.screen.height << " in " << row.picture.width
                                        << "x" << row.picture.height << ": " << box.window().x << ","
                                        << box.window().y << " " << box.window().width << "x" << box.window().height;
    const Rect all = box.to_picture(whole(row.screen));
    if (row.window.empty()) {
      EXPECT_TRUE(all.empty());
    } else {
      EXPECT_EQ(all, row.window);
    }
    // No point of the picture, nor of the world, is outside of the screen.
    for (const unsigned v : {0U, 1U, 48U, 50U, 99U, 1023U, 65535U}) {
      std::uint16_t x = static_cast<std::uint16_t>(v), y = static_cast<std::uint16_t>(65535 - v);
      box.to_screen(x, y);
      EXPECT_LT(x, std::max<unsigned>(row.screen.width, 1));
      EXPECT_LT(y, std::max<unsigned>(row.screen.height, 1));
    }
  }
}

TEST(Letterbox, PointsWhereThePictureIs) {
  const Letterbox same({4, 2}, {8, 6});  // at 2,2
  const auto at = [](const Letterbox& box, unsigned px, unsigned py) {
    std::uint16_t x = static_cast<std::uint16_t>(px), y = static_cast<std::uint16_t>(py);
    box.to_screen(x, y);
    return std::pair<unsigned, unsigned>(x, y);
  };
  EXPECT_EQ(at(same, 2, 2), std::pair(0U, 0U));
  EXPECT_EQ(at(same, 5, 3), std::pair(3U, 1U));
  EXPECT_EQ(at(same, 0, 0), std::pair(0U, 0U)) << "the bars are the nearest edge";
  EXPECT_EQ(at(same, 7, 5), std::pair(3U, 1U));
  const Letterbox half({100, 80}, {50, 50});  // 50x40 at 0,5
  EXPECT_EQ(at(half, 0, 5), std::pair(0U, 0U));
  EXPECT_EQ(at(half, 49, 44), std::pair(98U, 78U));
  EXPECT_EQ(at(half, 25, 0), std::pair(50U, 0U));
}

TEST(Letterbox, ThereAndBack) {
  std::mt19937 random(3);
  for (int run = 0; run < 500; ++run) {
    const auto side = [&] { return static_cast<std::uint16_t>(1 + random() % 400); };
    const Size screen{side(), side()}, picture{side(), side()};
    const Letterbox box(screen, picture);
    std::uint16_t x = static_cast<std::uint16_t>(random() % picture.width);
    std::uint16_t y = static_cast<std::uint16_t>(random() % picture.height);
    if (!contains(box.window(), x, y)) continue;
    const unsigned from_x = x, from_y = y;
    box.to_screen(x, y);
    EXPECT_TRUE(contains(box.to_picture({x, y, 1, 1}), from_x, from_y))
        << screen.width << "x" << screen.height << " in " << picture.width << "x" << picture.height << " at "
        << from_x << "," << from_y;
  }
}

TEST(Letterbox, UnscaledPixelsAreThose) {
  for (const PixelFormat& format : {kRgb565, kRgb332, kGrey4}) {
    const Size size{7, 5}, room{10, 10};
    const Screen screen = test::picture(test::Picture::Noise, size, format, 4);
    const Letterbox box(size, room);
    Screen picture = blank(room, format);
    box.draw(screen.view(), whole(size), picture);
    const Rect window = box.window();
    EXPECT_EQ(window, (Rect{1, 2, 7, 5}));
    for (unsigned y = 0; y < room.height; ++y) {
      for (unsigned x = 0; x < room.width; ++x) {
        const unsigned want =
            contains(window, x, y) ? number_at(screen.view(), x - window.x, y - window.y) : 0;  // black bars
        EXPECT_EQ(number_at(picture.view(), x, y), want) << x << "," << y;
      }
    }
  }
}

TEST(Letterbox, MeansOfWhatWasThere) {
  // Two by two become one: black and white is grey, in each component for itself.
  Screen screen = blank({4, 2}, kRgb565);
  ASSERT_TRUE(screen.put({0, 0, 4, 2}, test::hex("0000 ffff 00f8 00f8  ffff 0000 1f00 1f00")));
  Screen picture = blank({2, 1}, kRgb565);
  Letterbox({4, 2}, {2, 1}).draw(screen.view(), {0, 0, 4, 2}, picture);
  EXPECT_EQ(to_hex(Bytes(picture.view().at(0, 0), 4)), "10841080") << "16/32/16 and 16/0/16, rounded";

  Screen grey = blank({2, 2}, kGrey4);
  ASSERT_TRUE(grey.put({0, 0, 2, 2}, test::hex("0f 0f 0f 00")));
  Screen dot = blank({1, 1}, kGrey4);
  Letterbox({2, 2}, {1, 1}).draw(grey.view(), {0, 0, 2, 2}, dot);
  EXPECT_EQ(number_at(dot.view(), 0, 0), 11U);
}

TEST(Letterbox, OneColourStaysThat) {
  for (const PixelFormat& format : {kRgb565, kRgb332, kGrey8}) {
    const Size size{129, 77}, room{31, 40};
    Screen screen = blank(size, format);
    const unsigned white = test::device_pixel(format, 255, 255, 255);
    Buffer bytes;
    for (unsigned i = 0; i < size.width * 1U * size.height; ++i) {
      bytes.push_back(static_cast<std::uint8_t>(white));
      if (format.bits_per_pixel == 16) bytes.push_back(static_cast<std::uint8_t>(white >> 8));
    }
    ASSERT_TRUE(screen.put(whole(size), bytes));
    const Letterbox box(size, room);
    Screen picture = blank(room, format);
    box.draw(screen.view(), whole(size), picture);
    for (unsigned y = 0; y < room.height; ++y) {
      for (unsigned x = 0; x < room.width; ++x) {
        EXPECT_EQ(number_at(picture.view(), x, y), contains(box.window(), x, y) ? white : 0U) << x << "," << y;
      }
    }
  }
}

TEST(Letterbox, PartsGiveTheSamePictureAsTheWhole) {
  std::mt19937 random(11);
  for (unsigned run = 0; run < 120; ++run) {
    const auto side = [&] { return static_cast<std::uint16_t>(1 + random() % 90); };
    const Size size{side(), side()}, room{side(), side()};
    const PixelFormat& format = run % 2 ? kRgb565 : kGrey8;
    const Letterbox box(size, room);
    const Screen before = test::picture(test::Picture::Noise, size, format, 2U * run);
    Screen parts = blank(room, format), at_once = blank(room, format);
    box.draw(before.view(), whole(size), parts);
    // A part of the screen changes, and only that is drawn anew.
    Screen after = before;
    const Screen other = test::picture(test::Picture::Noise, size, format, 2U * run + 1);
    const auto x = static_cast<std::uint16_t>(random() % size.width);
    const auto y = static_cast<std::uint16_t>(random() % size.height);
    const Rect area = clip({x, y, side(), side()}, size);
    for (unsigned row = 0; row < area.height; ++row) {
      const Bytes pixels(other.view().at(area.x, area.y + row), area.width * format.bytes_per_pixel());
      ASSERT_TRUE(after.put({area.x, static_cast<std::uint16_t>(area.y + row), area.width, 1}, pixels));
    }
    box.draw(after.view(), area, parts);
    box.draw(after.view(), whole(size), at_once);
    ASSERT_EQ(to_hex(Bytes(parts.view().data, room.height * parts.view().stride)),
              to_hex(Bytes(at_once.view().data, room.height * at_once.view().stride)))
        << size.width << "x" << size.height << " in " << room.width << "x" << room.height << ", " << area.x << ","
        << area.y << " " << area.width << "x" << area.height;
  }
}

}  // namespace
}  // namespace amtgate::rfb
