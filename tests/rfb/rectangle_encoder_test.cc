#include "amtgate/rfb/rectangle_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "amtgate/rfb/pixel_translation.h"
#include "amtgate/rfb/server_messages.h"
#include "tests/rfb/pictures.h"
#include "tests/rfb/reference_pixels.h"
#include "tests/rfb/viewer_formats.h"
#include "tests/support/feed.h"
#include "tests/support/rfb_viewer.h"

namespace amtgate::rfb {
namespace {

using test::Picture;
using test::RfbViewer;
using test::ViewerColour;

constexpr PixelFormat kDevices[] = {kRgb565, kRgb332, kGrey8, kGrey4};
constexpr PixelFormat kMapped{8, 8, false, false, 0, 0, 0, 0, 0, 0};
constexpr PixelFormat kMapped4{8, 4, false, false, 0, 0, 0, 0, 0, 0};

struct NamedEncoding {
  const char* name;
  std::int32_t number;
};
constexpr NamedEncoding kEncodings[] = {{"Raw", kRaw},   {"RRE", kRre},   {"CoRRE", kCoRre}, {"Hextile", kHextile},
                                        {"zlib", kZlib}, {"TRLE", kTrle}, {"ZRLE", kZrle},   {"Tight", kTight}};

unsigned number_at(const PixelView& v, unsigned x, unsigned y) {
  const std::uint8_t* p = v.at(x, y);
  return v.bytes_per_pixel() == 1 ? p[0] : static_cast<unsigned>(p[0] | p[1] << 8);
}

/// What a viewer of `format` should show of a pixel.
class Reference {
 public:
  Reference(const PixelFormat& from, const PixelFormat& to)
      : from_(from), to_(to), map_(*PixelTranslation::make(from, to)) {
    if (!to.true_colour) {
      const std::vector<MapColour> map = colour_map(to);
      for (std::size_t i = 0; i < map.size(); ++i) colours_[i] = {map[i].red, map[i].green, map[i].blue};
    }
  }
  ViewerColour operator()(unsigned number) const {
    // pixel_translation_test looks after the choice in a map.
    const std::uint32_t pixel =
        to_.true_colour ? test::reference_pixel(test::shown(number, from_), to_) : map_.pixel(number);
    return RfbViewer::colour(pixel, to_, colours_);
  }

 private:
  PixelFormat from_, to_;
  PixelTranslation map_;
  std::array<ViewerColour, 256> colours_{};
};

/// An encoder and a viewer at its other end.
class Joined {
 public:
  Joined(Size size, const PixelFormat& format) : viewer_(size, format) { set_format(format); }

  void set_format(const PixelFormat& format) {
    ASSERT_TRUE(encoder_.set_format(format));
    viewer_.set_format(format);
    if (format.true_colour) return;
    Buffer map;
    encode_colour_map(map, colour_map(format));
    ASSERT_TRUE(viewer_.feed(map)) << viewer_.error();
  }
  void set_encodings(const std::vector<std::int32_t>& list) { encoder_.set_encodings(list); }

  /// Sends `area` and says how many bytes that took.
  std::size_t send(const PixelView& view, const Rect& area) {
    Buffer body, out;
    const std::size_t count = encoder_.encode(body, view, area);
    encode(out, UpdateBegin{static_cast<std::uint16_t>(count)});
    append(out, body);
    EXPECT_TRUE(viewer_.feed(out)) << viewer_.error();
    EXPECT_TRUE(viewer_.idle()) << "rectangles are not what was counted";
    return body.size();
  }
  /// The viewer shows `area` of `view` as it should.
  void expect(const PixelView& view, const Rect& area) const {
    const Reference reference(view.format, encoder_.format());
    for (unsigned y = area.y; y < area.y + area.height; ++y) {
      for (unsigned x = area.x; x < area.x + area.width; ++x) {
        const ViewerColour want = reference(number_at(view, x, y)), got = viewer_.at(x, y);
        ASSERT_TRUE(got == want) << x << ',' << y << ": " << got.red << '/' << got.green << '/' << got.blue
                                 << " in place of " << want.red << '/' << want.green << '/' << want.blue;
      }
    }
  }
  RfbViewer& viewer() { return viewer_; }
  RectangleEncoder& encoder() { return encoder_; }

 private:
  RectangleEncoder encoder_;
  RfbViewer viewer_;
};

std::vector<test::NamedFormat> formats() {
  std::vector<test::NamedFormat> out(std::begin(test::kTrueColours), std::end(test::kTrueColours));
  out.push_back({"colour map", kMapped});
  out.push_back({"colour map of 16", kMapped4});
  return out;
}

class EveryEncoding : public testing::TestWithParam<NamedEncoding> {};

// Each kind of picture, to each format: the whole, then parts at odd places, on the streams of one connection.
TEST_P(EveryEncoding, ShowsWhatTheDeviceShows) {
  const Size size{150, 83};
  for (const test::NamedFormat& format : formats()) {
    Joined joined(size, format.format);
    joined.set_encodings({GetParam().number});
    for (const Picture what : test::kPictures) {
      SCOPED_TRACE(std::string(format.name) + ", " + test::name(what));
      const Screen screen = test::picture(what, size, kRgb565, 11);
      const PixelView view = screen.view();
      for (const Rect& area : {Rect{0, 0, 150, 83}, Rect{3, 5, 1, 1}, Rect{17, 9, 65, 66}, Rect{149, 0, 1, 83}}) {
        const std::size_t bytes = joined.send(view, area);
        joined.expect(view, area);
        const std::size_t raw = std::size_t{area.width} * area.height * format.format.bytes_per_pixel();
        EXPECT_LE(bytes, raw + raw / 100 + 60) << area.width << "x" << area.height;
        if (HasFatalFailure()) return;
      }
    }
    // RRE and CoRRE have no word for pixels that are all different; RAW stands in there.
    const std::int32_t number = GetParam().number;
    const bool stand_in = number == kRre || number == kCoRre;
    std::size_t others = 0;
    for (const RfbViewer::Rectangle& r : joined.viewer().rectangles()) {
      if (r.encoding == number) continue;
      EXPECT_TRUE(stand_in && r.encoding == kRaw) << r.encoding;
      ++others;
    }
    EXPECT_LT(others, joined.viewer().rectangles().size() * 9 / 10);
  }
}

TEST(RectangleEncoder, RreIsOneRectangleWhereTheBackgroundIsOne) {
  const Size size{300, 200};
  Joined joined(size, kRgb888);
  joined.set_encodings({kRre});
  const Rect all{0, 0, 300, 200};
  Screen screen = test::picture(Picture::Text, size, kRgb565, 5);
  joined.send(screen.view(), all);
  EXPECT_EQ(joined.viewer().rectangles().size(), 1U);
  joined.expect(screen.view(), all);
  // A tile of another background: what is above it, left, itself, right, below.
  ASSERT_TRUE(screen.put({128, 64, 64, 64}, Buffer(64 * 64 * 2, 0xff)));
  joined.viewer().rectangles().clear();
  joined.send(screen.view(), all);
  EXPECT_EQ(joined.viewer().rectangles().size(), 5U);
  joined.expect(screen.view(), all);
  // Noise goes as it is.
  const Screen noise = test::picture(Picture::Noise, {64, 64}, kRgb565, 5);
  ASSERT_TRUE(screen.put({128, 64, 64, 64}, Bytes(noise.view().data, 64 * 64 * 2)));
  joined.viewer().rectangles().clear();
  joined.send(screen.view(), all);
  ASSERT_EQ(joined.viewer().rectangles().size(), 5U);
  EXPECT_EQ(joined.viewer().rectangles()[2].encoding, kRaw);
  joined.expect(screen.view(), all);
}

TEST_P(EveryEncoding, EveryDeviceFormat) {
  const Size size{100, 70};
  for (const PixelFormat& device : kDevices) {
    for (const test::NamedFormat& format : {formats()[0], formats()[4], formats()[13], formats().back()}) {
      Joined joined(size, format.format);
      joined.set_encodings({GetParam().number});
      for (const Picture what : test::kPictures) {
        SCOPED_TRACE(to_string(device) + " to " + format.name + ", " + test::name(what));
        const Screen screen = test::picture(what, size, device, 5);
        joined.send(screen.view(), {0, 0, 100, 70});
        joined.expect(screen.view(), {0, 0, 100, 70});
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Larger than a viewer has to take in one rectangle of Tight, and than one piece of zlib.
TEST_P(EveryEncoding, LargeScreens) {
  const Size size{2500, 300};
  Joined joined(size, kRgb888);
  joined.set_encodings({GetParam().number});
  for (const Picture what : {Picture::Desktop, Picture::Photo, Picture::Black}) {
    const Screen screen = test::picture(what, size, kRgb565, 3);
    joined.send(screen.view(), {0, 0, 2500, 300});
    joined.expect(screen.view(), {0, 0, 2500, 300});
  }
}

// zlib's level can be changed between rectangles of a stream.
TEST_P(EveryEncoding, CompressLevels) {
  const Size size{200, 100};
  Joined joined(size, kRgb888);
  for (const unsigned level : {0U, 1U, 9U, 5U, 0U, 2U, 9U, 1U}) {
    joined.set_encodings({GetParam().number, kCompressLevel0 + static_cast<std::int32_t>(level)});
    for (const Picture what : {Picture::Photo, Picture::Text, Picture::Stripes}) {
      const Screen screen = test::picture(what, size, kRgb565, level);
      joined.send(screen.view(), {0, 0, 200, 100});
      joined.expect(screen.view(), {0, 0, 200, 100});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Rfb, EveryEncoding, testing::ValuesIn(kEncodings),
                         [](const auto& p) { return std::string(p.param.name); });

// Whatever a viewer sets, at any time, on the streams of one connection; the device changes too.
TEST(RectangleEncoder, ChangesInMidSession) {
  const Size size{120, 90};
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    Joined joined(size, kRgb888);
    const std::vector<test::NamedFormat> all = formats();
    for (unsigned step = 0; step < 30; ++step) {
      if (random() % 3 == 0) joined.set_format(all[random() % all.size()].format);
      if (random() % 3 == 0) {
        joined.set_encodings({kEncodings[random() % std::size(kEncodings)].number,
                              kCompressLevel0 + static_cast<std::int32_t>(random() % 10)});
      }
      const Screen screen =
          test::picture(test::kPictures[random() % std::size(test::kPictures)], size,
                        kDevices[random() % 8 < 5 ? 0 : random() % 4], static_cast<unsigned>(random()));
      const auto x = static_cast<std::uint16_t>(random() % size.width),
                 y = static_cast<std::uint16_t>(random() % size.height);
      const Rect area =
          clip({x, y, static_cast<std::uint16_t>(1 + random() % 120), static_cast<std::uint16_t>(1 + random() % 90)},
               size);
      joined.send(screen.view(), area);
      joined.expect(screen.view(), area);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(RectangleEncoder, RawWithoutAWord) {
  const Screen screen = test::picture(Picture::Noise, {20, 10}, kRgb565, 1);
  Joined joined({20, 10}, kRgb888);
  EXPECT_EQ(joined.send(screen.view(), {0, 0, 20, 10}), 12 + 20 * 10 * 4u);
  joined.set_encodings({kCopyRect, kDesktopSize});  // none for pixels
  EXPECT_EQ(joined.send(screen.view(), {0, 0, 20, 10}), 12 + 20 * 10 * 4u);
  joined.expect(screen.view(), {0, 0, 20, 10});
}

TEST(RectangleEncoder, TheViewersOrderCounts) {
  RectangleEncoder e;
  e.set_encodings(std::vector<std::int32_t>{kCopyRect, 1000, kHextile, kTight, kRaw});
  EXPECT_EQ(e.encodings().pixels, kHextile);
  e.set_encodings(std::vector<std::int32_t>{kRaw, kCopyRect, kTight});
  EXPECT_EQ(e.encodings().pixels, kRaw);
}

TEST(RectangleEncoder, ClipsToTheScreen) {
  const Screen screen = test::picture(Picture::Noise, {20, 10}, kRgb565, 1);
  RectangleEncoder e;
  Buffer out;
  EXPECT_EQ(e.encode(out, screen.view(), {20, 0, 5, 5}), 0u);
  EXPECT_EQ(e.encode(out, screen.view(), {0, 0, 0, 5}), 0u);
  EXPECT_EQ(e.encode(out, Screen().view(), {0, 0, 5, 5}), 0u);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(e.encode(out, screen.view(), {19, 8, 50, 50}), 1u);
  EXPECT_EQ(out.size(), 12 + 2 * 4u);
}

TEST(RectangleEncoder, RefusesFormatsThatCannotBe) {
  RectangleEncoder e;
  EXPECT_EQ(e.set_format(PixelFormat{}).error().code, Errc::Unsupported);
  EXPECT_EQ(e.set_format({24, 24, false, true, 255, 255, 255, 16, 8, 0}).error().code, Errc::Unsupported);
  EXPECT_EQ(e.format(), kRgb888);
}

// JPEG loses something, so it comes only to those who ask for it, and only where there is much to show.
TEST(RectangleEncoder, JpegOnlyOnDemand) {
  const Size size{320, 200};
  const Screen photo = test::picture(Picture::Photo, size, kRgb565, 1);
  const Screen text = test::picture(Picture::Text, size, kRgb565, 1);
  Joined joined(size, kRgb888);
  const auto jpegs = [&](const Screen& screen) {
    Buffer out;
    joined.encoder().encode(out, screen.view(), {0, 0, 320, 200});
    const std::uint8_t begin[] = {0xff, 0xd8, 0xff};
    return std::search(out.begin(), out.end(), std::begin(begin), std::end(begin)) != out.end();
  };
  joined.set_encodings({kTight, kCompressLevel0 + 2});
  EXPECT_FALSE(jpegs(photo));
  joined.set_encodings({kTight, kQualityLevel0 + 5});
  EXPECT_TRUE(jpegs(photo));
  EXPECT_FALSE(jpegs(text));
  joined.set_encodings({kZrle, kQualityLevel0 + 5});
  EXPECT_FALSE(jpegs(photo));
  joined.set_encodings({kTight, kQualityLevel0 + 5});
  ASSERT_TRUE(joined.encoder().set_format(kRgb332));
  EXPECT_FALSE(jpegs(photo)) << "8 bits a pixel";
}

// What JPEG would spoil stays as it is, and does not keep it from what is above and below in the same rectangle.
TEST(RectangleEncoder, JpegBesideNoise) {
  const Size size{320, 192};
  Screen screen = test::picture(Picture::Photo, size, kRgb565, 1);
  Joined photo(size, kRgb888);
  photo.set_encodings({kTight, kQualityLevel0 + 5});
  const std::size_t alone = photo.send(screen.view(), {0, 0, 320, 192});
  const Rect band{0, 96, 320, 16};
  const Screen noise = test::picture(Picture::Noise, {320, 16}, kRgb565, 1);
  ASSERT_TRUE(screen.put(band, Bytes(noise.view().data, std::size_t{320} * 16 * 2)));
  Joined both(size, kRgb888);
  both.set_encodings({kTight, kQualityLevel0 + 5});
  EXPECT_LT(both.send(screen.view(), {0, 0, 320, 192}), alone + std::size_t{320} * 16 * 3 + 2000);
  const Reference reference(kRgb565, kRgb888);
  for (unsigned y = band.y; y < 112; ++y) {
    for (unsigned x = 0; x < size.width; ++x) {
      ASSERT_EQ(both.viewer().at(x, y), reference(number_at(screen.view(), x, y))) << x << " " << y;
    }
  }
}

// At the highest quality no component is far off, and a better quality is never smaller.
TEST(RectangleEncoder, JpegQuality) {
  const Size size{320, 200};
  const Screen screen = test::picture(Picture::Photo, size, kRgb565, 1);
  std::size_t last = 0;
  for (std::int32_t level = 0; level <= 9; ++level) {
    Joined joined(size, kRgb888);
    joined.set_encodings({kTight, kQualityLevel0 + level});
    const std::size_t bytes = joined.send(screen.view(), {0, 0, 320, 200});
    EXPECT_GE(bytes, last);
    last = bytes;
    const Reference reference(kRgb565, kRgb888);
    double off = 0;
    for (unsigned y = 0; y < size.height; ++y) {
      for (unsigned x = 0; x < size.width; ++x) {
        const ViewerColour want = reference(number_at(screen.view(), x, y)), got = joined.viewer().at(x, y);
        off += std::abs(want.red - got.red) + std::abs(want.green - got.green) + std::abs(want.blue - got.blue);
      }
    }
    off /= 3.0 * 257 * size.width * size.height;
    EXPECT_LT(off, level == 9 ? 1.5 : 25) << "level " << level;
  }
}

// Areas of one colour cost next to nothing in the encodings that have a word for them.
TEST(RectangleEncoder, OneColourIsShort) {
  const Size size{1920, 1080};
  const Screen screen = test::picture(Picture::Black, size, kRgb565, 1);
  for (const NamedEncoding& e : kEncodings) {
    if (e.number == kRaw || e.number == kZlib) continue;
    Joined joined(size, kRgb888);
    joined.set_encodings({e.number});
    EXPECT_LT(joined.send(screen.view(), {0, 0, 1920, 1080}), e.number == kTight ? 20u : 40000u) << e.name;
  }
}

// Bytes of an update may be cut anywhere: that is what the test's own viewer is trusted for in other tests.
TEST(RfbViewer, TakesBytesAsTheyCome) {
  const Size size{40, 33};
  for (const NamedEncoding& e : kEncodings) {
    RectangleEncoder encoder;
    encoder.set_encodings(std::vector<std::int32_t>{e.number, kQualityLevel0 + 3});
    Buffer all, body;
    for (const Picture what : test::kPictures) {
      const Screen screen = test::picture(what, size, kRgb565, 2);
      body.clear();
      const std::size_t count = encoder.encode(body, screen.view(), {0, 0, 40, 33});
      encode(all, UpdateBegin{static_cast<std::uint16_t>(count)});
      append(all, body);
    }
    test::feed_all_ways(all, [&](const std::vector<Bytes>& chunks) {
      RfbViewer viewer(size, kRgb888);
      for (const Bytes chunk : chunks) EXPECT_TRUE(viewer.feed(chunk)) << viewer.error();
      EXPECT_TRUE(viewer.idle());
      std::string out = std::to_string(viewer.updates()) + " " + std::to_string(viewer.rectangles().size());
      for (const ViewerColour& c : viewer.frame()) out += ' ' + std::to_string(c.red ^ c.green << 1 ^ c.blue << 2);
      return out;
    });
  }
}

TEST(RfbViewer, KnowsPseudoRectangles) {
  RfbViewer viewer({4, 4}, kRgb888);
  Buffer in = test::hex("00 00 0006");
  const auto header = [&](Rect area, std::int32_t encoding) { encode_rectangle_header(in, area, encoding); };
  header({0, 0, 8, 6}, kDesktopSize);
  header({0, 0, 0, 0}, kQemuExtendedKey);
  header({1, 2, 3, 2}, kCursor);
  append(in, Buffer(3 * 2 * 4 + 2));
  header({0, 0, 0, 0}, kDesktopName);
  append(in, test::hex("00000003 616263"));
  header({0, 0, 10, 7}, kExtendedDesktopSize);
  append(in, test::hex("01 000000 00000000 0000 0000 000a 0007 00000000"));
  header({0, 0, 0, 0}, kLastRect);
  append(in, test::hex("02  03 000000 00000002 6869"));
  ASSERT_TRUE(viewer.feed(in)) << viewer.error();
  EXPECT_TRUE(viewer.idle());
  EXPECT_EQ(viewer.size(), (Size{10, 7}));
  EXPECT_EQ(viewer.name(), "abc");
  EXPECT_TRUE(viewer.qemu_keys());
  EXPECT_EQ(viewer.cursors(), 1u);
  EXPECT_EQ(viewer.bells(), 1u);
  EXPECT_EQ(viewer.cut_texts(), std::vector<std::string>{"hi"});
  EXPECT_EQ(viewer.updates(), 1u);
  EXPECT_FALSE(viewer.feed(test::hex("77")));
  EXPECT_EQ(viewer.error(), "message of type 119");
}

}  // namespace
}  // namespace amtgate::rfb
