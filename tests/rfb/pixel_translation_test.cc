#include "amtgate/rfb/pixel_translation.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/rfb/reference_pixels.h"
#include "tests/rfb/viewer_formats.h"
#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

constexpr PixelFormat kDevices[] = {kRgb565, kRgb332, kGrey8, kGrey4};

/// The bytes that a viewer should get for `c`.
Buffer expected(const test::Shown& c, const PixelFormat& f) {
  const std::uint32_t pixel = test::reference_pixel(c, f);
  Buffer out;
  for (unsigned i = 0; i < f.bits_per_pixel; i += 8) {
    out.push_back(static_cast<std::uint8_t>(pixel >> (f.big_endian ? f.bits_per_pixel - 8 - i : i)));
  }
  return out;
}

Buffer every_pixel(const PixelFormat& f) {
  Buffer out;
  const unsigned count = f.depth == 4 ? 16 : 1U << f.bits_per_pixel;
  for (unsigned i = 0; i < count; ++i) {
    out.push_back(static_cast<std::uint8_t>(i));
    if (f.bits_per_pixel == 16) out.push_back(static_cast<std::uint8_t>(i >> 8));
  }
  return out;
}

PixelTranslation make(const PixelFormat& from, const PixelFormat& to) {
  Result<PixelTranslation> r = PixelTranslation::make(from, to);
  EXPECT_TRUE(r) << r.error().detail;
  return *r;
}

// Each of the device's pixels, in every device's format, to every viewer's: the nearest there is.
TEST(PixelTranslation, RoundsExactly) {
  for (const PixelFormat& from : kDevices) {
    const Buffer in = every_pixel(from);
    const std::size_t count = in.size() / from.bytes_per_pixel();
    for (const test::NamedFormat& to : test::kTrueColours) {
      SCOPED_TRACE(to_string(from) + " to " + to.name);
      const PixelTranslation t = make(from, to.format);
      const std::size_t bytes = to.format.bytes_per_pixel();
      Buffer out(count * bytes);
      t.translate(in.data(), out.data(), count);
      Buffer pieces(out.size());  // of 15: shorter than the widest vectors, 8 and then each alone
      for (std::size_t at = 0; at < count; at += 15) {
        t.translate(in.data() + at * from.bytes_per_pixel(), pieces.data() + at * bytes,
                    std::min<std::size_t>(15, count - at));
      }
      EXPECT_EQ(out, pieces);
      for (unsigned i = 0; i < count; ++i) {
        Buffer want = expected(test::shown(i, from), to.format),
               got(out.begin() + i * bytes, out.begin() + (i + 1) * bytes);
        if (same_pixels(from, to.format)) want.assign(in.begin() + i * bytes, in.begin() + (i + 1) * bytes);
        ASSERT_EQ(to_hex(got), to_hex(want)) << "pixel " << i;
        const std::uint32_t one = t.pixel(i);
        for (std::size_t b = 0; b < bytes; ++b) ASSERT_EQ(one >> 8 * b & 0xff, want[b]) << "pixel " << i;
      }
    }
  }
}

TEST(PixelTranslation, FullScaleBecomesFullScale) {
  const Buffer white = test::hex("ffff");
  for (const test::NamedFormat& to : test::kTrueColours) {
    const PixelFormat& f = to.format;
    const std::uint32_t all = std::uint32_t{f.red_max} << f.red_shift | std::uint32_t{f.green_max} << f.green_shift |
                              std::uint32_t{f.blue_max} << f.blue_shift;
    Buffer out(f.bytes_per_pixel());
    make(kRgb565, f).translate(white.data(), out.data(), 1);
    std::uint32_t got = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      got |= std::uint32_t{out[i]} << 8 * (f.big_endian ? out.size() - 1 - i : i);
    }
    EXPECT_EQ(got, all) << to.name;
  }
}

// Any number of pixels, at any address: the vector loop and what is left over do the same, and nothing beyond.
TEST(PixelTranslation, AnyLength) {
  Buffer in(2 * 50 + 1);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::uint8_t>(37 * i + 11);
  for (const test::NamedFormat& to : test::kTrueColours) {
    const PixelTranslation t = make(kRgb565, to.format);
    const std::size_t bytes = t.bytes_per_pixel();
    for (std::size_t n = 0; n <= 50; ++n) {
      Buffer out(n * bytes + 4, 0xa5);
      t.translate(in.data() + 1, out.data(), n);
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t one = t.pixel(in[2 * i + 1] | in[2 * i + 2] << 8U);
        for (std::size_t b = 0; b < bytes; ++b) ASSERT_EQ(out[i * bytes + b], one >> 8 * b & 0xff) << to.name;
      }
      for (std::size_t i = n * bytes; i < out.size(); ++i) ASSERT_EQ(out[i], 0xa5) << to.name;
    }
  }
}

PixelFormat mapped(unsigned depth) {
  return {8, static_cast<std::uint8_t>(depth), false, false, 0, 0, 0, 0, 0, 0};
}

TEST(ColourMap, HasWhatItsDepthAllows) {
  for (unsigned depth = 1; depth <= 8; ++depth) {
    const std::vector<MapColour> map = colour_map(mapped(depth));
    EXPECT_EQ(map.size(), 1U << depth);
    EXPECT_EQ(map.front(), (MapColour{0, 0, 0}));
    EXPECT_NE(std::find(map.begin(), map.end(), MapColour{65535, 65535, 65535}), map.end()) << depth;
  }
  EXPECT_EQ(colour_map(mapped(0)).size(), 256u);
  EXPECT_EQ(colour_map(mapped(24)).size(), 256u);
}

// No component is further from what it should be than half a step of the cube (greys: of the ramp).
TEST(ColourMap, NearestLevels) {
  constexpr unsigned kSides[] = {0, 2, 4, 2, 2, 3, 4, 5, 6};
  for (const PixelFormat& from : kDevices) {
    const unsigned count = static_cast<unsigned>(every_pixel(from).size() / from.bytes_per_pixel());
    for (unsigned depth = 1; depth <= 8; ++depth) {
      const std::vector<MapColour> map = colour_map(mapped(depth));
      const PixelTranslation t = make(from, mapped(depth));
      for (unsigned i = 0; i < count; ++i) {
        const unsigned index = t.pixel(i);
        ASSERT_LT(index, map.size());
        test::Shown c = test::shown(i, from);
        if (depth <= 2) c.red = c.green = c.blue = 0.299 * c.red + 0.587 * c.green + 0.114 * c.blue;
        const double step = 0.5 / (kSides[depth] - 1) + (depth <= 2 ? 0.003 : 1e-4);
        ASSERT_NEAR(map[index].red / 65535.0, c.red, step) << to_string(from) << " depth " << depth << ' ' << i;
        ASSERT_NEAR(map[index].green / 65535.0, c.green, step) << to_string(from) << " depth " << depth << ' ' << i;
        ASSERT_NEAR(map[index].blue / 65535.0, c.blue, step) << to_string(from) << " depth " << depth << ' ' << i;
      }
    }
  }
}

TEST(ColourMap, GreyDevicesGetTheGreysBehindTheCube) {
  const std::vector<MapColour> map = colour_map(mapped(8));
  const PixelTranslation t = make(kGrey8, mapped(8));
  for (unsigned i = 0; i < 256; ++i) {
    EXPECT_NEAR(map[t.pixel(i)].red / 65535.0, i / 255.0, 0.5 / 41 + 1e-4) << i;
  }
}

TEST(ColourMap, Message) {
  Buffer out;
  encode_colour_map(out, {{0, 0, 0}, {65535, 258, 3}});
  EXPECT_EQ(to_hex(out),
            "010000000002"
            "000000000000"
            "ffff01020003");
}

TEST(PixelTranslation, RefusesOtherDevices) {
  EXPECT_FALSE(PixelTranslation::make(kRgb888, kRgb565));
  EXPECT_FALSE(PixelTranslation::make(kRgb565, PixelFormat{}));
}

TEST(PixelTranslation, AppendsARectangle) {
  const Buffer pixels = test::hex(
      "0000 1f00 e007 00f8"
      "ffff 0000 1f00 e007");
  const PixelView view{pixels.data(), 8, kRgb565, {4, 2}};
  Buffer out = test::hex("77");
  make(kRgb565, kRgb888).append(out, view, {1, 0, 2, 2});
  EXPECT_EQ(to_hex(out),
            "77"
            "ff000000"
            "00ff0000"
            "00000000"
            "ff000000");
}

}  // namespace
}  // namespace amtgate::rfb
