#include "amtgate/rfb/device_tiles.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "amtgate/rfb/rectangle_encoder.h"
#include "amtgate/rfb/screen.h"
#include "amtgate/rfb/server_messages.h"
#include "amtgate/rfb/zrle.h"
#include "tests/rfb/pictures.h"
#include "tests/rfb/shown.h"
#include "tests/rfb/viewer_formats.h"
#include "tests/support/feed.h"
#include "tests/support/rfb_viewer.h"

namespace amtgate::rfb {
namespace {

using test::Picture;
using test::RfbViewer;

constexpr Size kSize{150, 83};  // places of 64x64, 22x64, 64x19, 22x19

Buffer solid(unsigned pixel) {
  return {1, static_cast<std::uint8_t>(pixel), static_cast<std::uint8_t>(pixel >> 8)};
}

/// As the device draws `area` of `picture`.
void draw(Screen& screen, const PixelView& picture, const Rect& area, std::optional<TileKind> kind) {
  Buffer pixels, tile;
  for (unsigned y = area.y; y < area.y + area.height; ++y) {
    const std::uint8_t* row = picture.at(area.x, y);
    pixels.insert(pixels.end(), row, row + area.width * picture.bytes_per_pixel());
  }
  encode_tile(tile, pixels, area.width, area.height, picture.bytes_per_pixel(), kind);
  ASSERT_TRUE(screen.put_tile(area, pixels, tile));
}

/// What a ZRLE viewer of `format` shows behind all of `view`.
std::unique_ptr<RfbViewer> shown(const PixelView& view, const PixelFormat& format) {
  RectangleEncoder encoder;
  auto viewer = std::make_unique<RfbViewer>(view.size, format);
  EXPECT_TRUE(encoder.set_format(format));
  encoder.set_encodings(std::array<std::int32_t, 1>{kZrle});
  Buffer body, out;
  encode(out, UpdateBegin{static_cast<std::uint16_t>(encoder.encode(body, view, whole(view.size)))});
  append(out, body);
  EXPECT_TRUE(viewer->feed(out)) << viewer->error();
  EXPECT_TRUE(viewer->idle());
  return viewer;
}

TEST(DeviceTiles, KeepsWhatFillsAPlace) {
  DeviceTiles tiles;
  tiles.resize(kSize);
  for (const Rect& area : {Rect{0, 0, 64, 64}, Rect{64, 0, 64, 64}, Rect{128, 0, 22, 64}, Rect{128, 64, 22, 19}}) {
    EXPECT_TRUE(tiles.find(area).empty());
    tiles.put(area, solid(area.x + 1U), 2);
    EXPECT_EQ(to_hex(tiles.find(area)), to_hex(solid(area.x + 1U)));
  }
  EXPECT_TRUE(tiles.find({0, 0, 64, 63}).empty());
  EXPECT_TRUE(tiles.find({16, 0, 64, 64}).empty());
  for (const Rect& area : {Rect{0, 64, 64, 18}, Rect{1, 64, 63, 19}, Rect{0, 64, 0, 0}}) {
    tiles.put(area, solid(7), 2);
    EXPECT_TRUE(tiles.find(area).empty());
  }
}

TEST(DeviceTiles, ForgetsWhatIsDrawnOver) {
  DeviceTiles tiles;
  tiles.resize(kSize);
  const Rect left{0, 0, 64, 64}, middle{64, 0, 64, 64}, below{0, 64, 64, 19};
  for (const Rect& area : {left, middle, below}) tiles.put(area, solid(1), 2);
  tiles.forget({63, 10, 1, 1});
  EXPECT_TRUE(tiles.find(left).empty());
  EXPECT_FALSE(tiles.find(middle).empty());
  tiles.put(left, solid(1), 2);
  tiles.put({60, 60, 10, 10}, solid(2), 2);  // the device's own, beside the grid
  for (const Rect& area : {left, middle, below}) EXPECT_TRUE(tiles.find(area).empty());
  tiles.put(left, solid(1), 2);
  tiles.put(left, Buffer(1 + 64 * 64 * 2), 2);  // RAW
  EXPECT_TRUE(tiles.find(left).empty());
  tiles.put(left, solid(1), 2);
  tiles.resize({64, 64});
  EXPECT_TRUE(tiles.find(left).empty());
}

// A viewer would read the next row too early where AMT does not fill a row's last byte.
TEST(DeviceTiles, OnlyPackedRowsThatEndAtBytes) {
  DeviceTiles tiles;
  tiles.resize(kSize);
  const Rect narrow{128, 64, 22, 19};
  Buffer tile = test::hex("02 0000 ffff");
  tile.resize(tile.size() + (22 * 19 + 7) / 8);
  tiles.put(narrow, tile, 2);
  EXPECT_TRUE(tiles.find(narrow).empty());
  tile.resize(5 + 3 * 19);
  tiles.put(narrow, tile, 2);
  EXPECT_FALSE(tiles.find(narrow).empty());
}

TEST(DeviceTiles, GoThroughToAViewer) {
  Screen screen;
  ASSERT_TRUE(screen.resize({64, 64}));
  // Pixels and tile disagree, as they never do: what arrives is the tile.
  const Buffer white(64 * 64 * 2, 0xff);
  for (const char* tile : {"01 00f8", "82 00f8 0000 80 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff 0d 01 01"}) {
    ASSERT_TRUE(screen.put_tile({0, 0, 64, 64}, white, test::hex(tile)));
    const auto viewer = shown(screen.view(), kRgb888);
    EXPECT_EQ(viewer->at(5, 5).red, 0xffff) << tile;
    EXPECT_EQ(viewer->at(5, 5).green, 0) << tile;
  }
}

// Whatever the device draws, in whatever shape and order: what the viewer shows is what the pixels are.
TEST(DeviceTiles, ShowWhatThePixelsAre) {
  std::mt19937 random(5);
  const auto any = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  constexpr std::optional<TileKind> kKinds[] = {std::nullopt,     TileKind::Raw,       TileKind::Solid,
                                                TileKind::Packed, TileKind::PlainRuns, TileKind::PaletteRuns};
  for (const PixelFormat& device : {kRgb565, kRgb332, kGrey4}) {
    Screen screen;
    ASSERT_TRUE(screen.set_format(device));
    ASSERT_TRUE(screen.resize(kSize));
    for (unsigned round = 0; round < 60; ++round) {
      const Screen picture = test::picture(test::kPictures[any(std::size(test::kPictures))], kSize, device, round);
      for (unsigned y = 0; y < kSize.height; y += 64) {
        for (unsigned x = 0; x < kSize.width; x += 64) {
          if (any(4) == 0) continue;
          const bool aside = any(5) == 0;
          draw(screen, picture.view(),
               clip({static_cast<std::uint16_t>(x + (aside ? any(20) : 0)), static_cast<std::uint16_t>(y),
                     static_cast<std::uint16_t>(aside ? 1 + any(64) : 64), 64},
                    kSize),
               kKinds[any(std::size(kKinds))]);
        }
      }
      const test::NamedFormat& format = test::kTrueColours[any(std::size(test::kTrueColours))];
      const auto viewer = shown(screen.view(), format.format);
      ASSERT_EQ(test::difference(*viewer, format.format, screen.view()), "") << format.name << " round " << round;
    }
  }
}

}  // namespace
}  // namespace amtgate::rfb
