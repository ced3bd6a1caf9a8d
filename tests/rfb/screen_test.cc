#include "amtgate/rfb/screen.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

std::string rows(const Screen& s) {
  const PixelView v = s.view();
  std::string out;
  for (unsigned y = 0; y < v.size.height; ++y) {
    out += to_hex(Bytes(v.at(0, y), v.size.width * v.bytes_per_pixel())) + "\n";
  }
  return out;
}

TEST(Clip, LeavesWhatIsInside) {
  const Size size{10, 5};
  EXPECT_EQ(clip({0, 0, 10, 5}, size), (Rect{0, 0, 10, 5}));
  EXPECT_EQ(clip({8, 4, 10, 5}, size), (Rect{8, 4, 2, 1}));
  EXPECT_EQ(clip({3, 1, 65535, 65535}, size), (Rect{3, 1, 7, 4}));
  EXPECT_TRUE(clip({10, 0, 1, 1}, size).empty());
  EXPECT_TRUE(clip({0, 65535, 1, 65535}, size).empty());
  EXPECT_TRUE(clip({0, 0, 0, 5}, size).empty());
}

TEST(Screen, PutsInside) {
  Screen s;
  ASSERT_TRUE(s.resize({3, 2}));
  ASSERT_TRUE(s.put({1, 0, 2, 2}, test::hex("0102 0304 0506 0708")));
  EXPECT_EQ(rows(s), "000001020304\n000005060708\n");
  ASSERT_TRUE(s.put({0, 1, 3, 1}, test::hex("1111 2222 3333")));
  EXPECT_EQ(rows(s), "000001020304\n111122223333\n");
  ASSERT_TRUE(s.put({3, 2, 0, 0}, {}));
}

TEST(Screen, RefusesWhatIsOutside) {
  Screen s;
  EXPECT_EQ(s.put({0, 0, 1, 1}, test::hex("ffff")).error().code, Errc::BadValue);
  ASSERT_TRUE(s.resize({3, 2}));
  EXPECT_EQ(s.put({2, 0, 2, 1}, test::hex("ffff ffff")).error().code, Errc::BadValue);
  EXPECT_EQ(s.put({0, 2, 1, 1}, test::hex("ffff")).error().code, Errc::BadValue);
  EXPECT_EQ(s.put({65535, 65535, 65535, 65535}, {}).error().code, Errc::BadValue);
  EXPECT_EQ(s.put({0, 0, 2, 1}, test::hex("ffff ff")).error().code, Errc::BadValue) << "a byte short";
  EXPECT_EQ(s.put({0, 0, 1, 1}, test::hex("ffff ff")).error().code, Errc::BadValue) << "a byte too many";
  EXPECT_EQ(rows(s), "000000000000\n000000000000\n");
}

TEST(Screen, ResizeKeepsWhatIsInBoth) {
  Screen s;
  ASSERT_TRUE(s.resize({2, 2}));
  ASSERT_TRUE(s.put({0, 0, 2, 2}, test::hex("0102 0304 0506 0708")));
  ASSERT_TRUE(s.resize({3, 1}));
  EXPECT_EQ(rows(s), "010203040000\n");
  ASSERT_TRUE(s.resize({1, 3}));
  EXPECT_EQ(rows(s), "0102\n0000\n0000\n");
  ASSERT_TRUE(s.resize({0, 0}));
  EXPECT_EQ(rows(s), "");
}

TEST(Screen, Limits) {
  Screen s;
  ASSERT_TRUE(s.resize({4096, 2160}));
  EXPECT_EQ(s.resize({8193, 1}).error().code, Errc::TooLarge);
  EXPECT_EQ(s.resize({1, 8193}).error().code, Errc::TooLarge);
  EXPECT_EQ(s.resize({8192, 8192}).error().code, Errc::TooLarge) << "128 MiB";
  EXPECT_EQ(s.size(), (Size{4096, 2160}));
  ASSERT_TRUE(s.set_format(kRgb332));
  ASSERT_TRUE(s.resize({8192, 8192}));
  EXPECT_EQ(s.set_format(kRgb565).error().code, Errc::TooLarge);
  EXPECT_EQ(s.format(), kRgb332);
}

TEST(Screen, ChangesFormat) {
  Screen s;
  ASSERT_TRUE(s.resize({4, 1}));
  ASSERT_TRUE(s.put({0, 0, 4, 1}, test::hex("0000 ffff 00f8 1f00")));  // black, white, red, blue
  ASSERT_TRUE(s.set_format(kRgb332));
  EXPECT_EQ(rows(s), "00ffe003\n");
  ASSERT_TRUE(s.set_format(kGrey8));
  EXPECT_EQ(rows(s), "00ff4c1d\n");
  ASSERT_TRUE(s.set_format(kGrey4));
  EXPECT_EQ(rows(s), "000f0402\n");
  ASSERT_TRUE(s.set_format(kRgb565));
  EXPECT_EQ(rows(s), "0000ffff28420421\n");
  EXPECT_EQ(s.set_format(kRgb888).error().code, Errc::Unsupported);
  EXPECT_EQ(rows(s), "0000ffff28420421\n");
}

}  // namespace
}  // namespace amtgate::rfb
