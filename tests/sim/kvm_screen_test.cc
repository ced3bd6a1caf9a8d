#include "amtgate/sim/kvm_screen.h"

#include <gtest/gtest.h>

namespace amtgate::sim {
namespace {

TEST(KvmPicture, BarsOfKnownValues) {
  const KvmPicture p({800, 600}, 0);
  const std::uint16_t want[] = {0xffff, 0xffe0, 0x07ff, 0x07e0, 0xf81f, 0xf800, 0x001f, 0x0000};
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(p.pixel(i * 100 + 50, 100), want[i]) << i;
  EXPECT_EQ(p.pixel(0, 310), 0x0000) << "the ramp begins black";
  EXPECT_EQ(p.pixel(799, 310), 0xffff) << "and ends white";
  EXPECT_EQ(p.pixel(800, 0), 0) << "black outside";
}

TEST(KvmPicture, PpmIsEightBitsAColour) {
  const Buffer ppm = KvmPicture({16, 8}, 0).ppm();
  EXPECT_TRUE(as_text(ppm).starts_with("P6\n16 8\n255\n"));
  EXPECT_EQ(ppm.size(), 12 + 16 * 8 * 3u);
  const Bytes yellow = Bytes(ppm).subspan(12 + 2 * 3, 3);
  EXPECT_EQ(yellow[0], 255);
  EXPECT_EQ(yellow[1], 255);
  EXPECT_EQ(yellow[2], 0);
}

TEST(KvmPicture, EveryFormatHasItsBytes) {
  const KvmPicture p({8, 8}, 0);
  const auto one = [&](unsigned short x, const rfb::PixelFormat& f) {
    Buffer out;
    p.read({x, 0, 1, 1}, f, out);
    return out;
  };
  EXPECT_EQ(one(5, rfb::kRgb565), (Buffer{0x00, 0xf8}));
  EXPECT_EQ(one(5, rfb::kRgb332), Buffer{0xe0});
  EXPECT_EQ(one(6, rfb::kRgb332), Buffer{0x03});
  EXPECT_EQ(one(0, rfb::kGrey8), Buffer{0xff});
  EXPECT_EQ(one(0, rfb::kGrey4), Buffer{0x0f});
}

TEST(KvmPicture, ChangesOnlyWhereTheBoxIs) {
  const rfb::Size sizes[] = {{640, 480}, {720, 400}, {1, 1}, {8, 8}, {65, 129}};
  for (const rfb::Size size : sizes) {
    for (std::uint32_t frame = 0; frame < 70; ++frame) {
      const KvmPicture a(size, frame), b(size, frame + 1);
      for (unsigned y = 0; y < size.height; y += 7) {
        for (unsigned x = 0; x < size.width; x += 5) {
          const rfb::Rect dot{static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y), 1, 1};
          if (a.pixel(x, y) != b.pixel(x, y)) {
            EXPECT_TRUE(changed(size, dot, frame, frame + 1));
          }
        }
      }
    }
  }
  EXPECT_TRUE(changed({640, 480}, {0, 0, 640, 480}, 0, 1));
  EXPECT_FALSE(changed({640, 480}, {0, 0, 640, 240}, 0, 1));
  EXPECT_FALSE(changed({640, 480}, {0, 0, 640, 480}, 5, 5));
}

TEST(KvmScreen, MovesWithTimeOnly) {
  const TimePoint start{};
  KvmScreen s({640, 480}, milliseconds(100), start);
  EXPECT_EQ(s.frame(), 0u);
  s.tick(start + milliseconds(250));
  EXPECT_EQ(s.frame(), 2u);
  EXPECT_EQ(*s.next_frame(), start + milliseconds(300));
  s.tick(start + milliseconds(50));
  EXPECT_EQ(s.frame(), 2u);
  KvmScreen still({640, 480}, milliseconds(0), start);
  still.tick(start + milliseconds(250));
  EXPECT_EQ(still.frame(), 0u);
  EXPECT_FALSE(still.next_frame());
}

}  // namespace
}  // namespace amtgate::sim
