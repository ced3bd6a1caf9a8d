#include "amtgate/rfb/caption.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "src/rfb/caption_font.h"

namespace amtgate::rfb {
namespace {

const PixelFormat kFormats[] = {kRgb565, kRgb332, kGrey8, kGrey4};

/// A screen full of noise, so that nothing of it is put back by chance.
Screen noise(Size size, const PixelFormat& format = kRgb565) {
  Screen s;
  EXPECT_TRUE(s.resize(size));
  EXPECT_TRUE(s.set_format(format));
  Buffer pixels(std::size_t{size.width} * size.height * format.bytes_per_pixel());
  std::mt19937 random(size.width);
  for (std::uint8_t& b : pixels) b = static_cast<std::uint8_t>(random());
  if (format == kGrey4) {
    for (std::uint8_t& b : pixels) b &= 15;
  }
  EXPECT_TRUE(s.put({0, 0, size.width, size.height}, pixels));
  return s;
}

Buffer all(const Screen& s) {
  const PixelView v = s.view();
  return {v.data, v.data + v.stride * v.size.height};
}

unsigned number(const Screen& s, unsigned x, unsigned y) {
  const std::uint8_t* at = s.view().at(x, y);
  return s.format().bytes_per_pixel() == 2 ? at[0] + 256U * at[1] : at[0];
}

/// The largest number of a format: white.
unsigned white(const PixelFormat& f) {
  return (1U * f.red_max << f.red_shift) + (1U * f.green_max << f.green_shift) + (1U * f.blue_max << f.blue_shift);
}

/// The words that can be seen in `area`, lines ending in '|': finds each glyph again by its white pixels.
std::string read(const Screen& s, const Rect& area, unsigned scale = 1) {
  std::map<Glyph, char> letters;
  for (char c = 0x20; c <= 0x7e; ++c) letters[caption_glyph(c)] = c;
  const unsigned ink = white(s.format()), edge = 10 * scale, pitch = 14 * scale, cell = kGlyphWidth * scale;
  const unsigned columns = (area.width - 2 * edge) / cell;
  std::string out;
  for (unsigned top = area.y + 7 * scale; top + kGlyphHeight * scale < area.y + area.height; top += pitch) {
    // A line stands in the middle: it may begin half a cell further.
    std::string best;
    for (const unsigned shift : {0U, kGlyphWidth / 2 * scale}) {
      std::string line;
      for (unsigned i = 0; i < columns && area.x + edge + shift + (i + 1) * cell <= area.x + area.width - edge; ++i) {
        Glyph glyph{};
        for (unsigned y = 0; y < kGlyphHeight; ++y) {
          for (unsigned x = 0; x < kGlyphWidth; ++x) {
            const bool set = number(s, area.x + edge + shift + i * cell + x * scale, top + y * scale) == ink;
            glyph[y] = static_cast<std::uint8_t>(glyph[y] << 1 | (set ? 1 : 0));
          }
        }
        const auto found = letters.find(glyph);
        if (found == letters.end()) {
          line.clear();
          break;
        }
        line += found->second;
      }
      const std::size_t first = line.find_first_not_of(' '), last = line.find_last_not_of(' ');
      if (first != line.npos) best = line.substr(first, last - first + 1);
    }
    out += best + "|";
  }
  return out;
}

void expect_inside(const Rect& area, const Size& size) {
  EXPECT_LE(area.x + area.width, size.width);
  EXPECT_LE(area.y + area.height, size.height);
}

TEST(CaptionFont, GlyphsDifferAndLeaveTheSidesFree) {
  std::set<Glyph> seen;
  for (char c = 0x20; c <= 0x7e; ++c) {
    SCOPED_TRACE(c);
    const Glyph& glyph = caption_glyph(c);
    EXPECT_TRUE(seen.insert(glyph).second) << "looks like another";
    bool ink = false;
    for (const std::uint8_t row : glyph) {
      EXPECT_EQ(row & 0b1000001, 0) << "touches its neighbour";
      ink |= row != 0;
    }
    EXPECT_EQ(ink, c != ' ');
  }
  for (const char c : {'\0', '\t', '\x1f', '\x7f', '\x80', '\xff'}) EXPECT_EQ(caption_glyph(c), caption_glyph('?'));
}

TEST(CaptionFont, IsDrawnUpright) {
  const Glyph l{0,         0b0100000, 0b0100000, 0b0100000, 0b0100000, 0b0100000,
                0b0100000, 0b0100000, 0b0100000, 0b0111110, 0,         0};
  EXPECT_EQ(caption_glyph('L'), l);
}

TEST(DrawCaption, CanBeReadInEveryFormat) {
  for (const PixelFormat& format : kFormats) {
    SCOPED_TRACE(to_string(format));
    Screen s = noise({1024, 768}, format);
    const Buffer before = all(s);
    const Rect area = draw_caption(s, "pc1 is restarting, waiting 0:12");
    EXPECT_EQ(area, (Rect{393, 666, 31 * 7 + 20, 26}));
    EXPECT_EQ(read(s, area), "pc1 is restarting, waiting 0:12|");
    EXPECT_LT(number(s, area.x, area.y), number(s, area.x + 1U, area.y + 1U)) << "border";
    EXPECT_LT(number(s, area.x + 2U, area.y + 2U), number(s, area.x + 1U, area.y + 1U)) << "box";

    // Nothing outside of it has changed.
    Screen was;
    ASSERT_TRUE(was.resize(s.size()));
    ASSERT_TRUE(was.set_format(format));
    ASSERT_TRUE(was.put({0, 0, 1024, 768}, before));
    for (unsigned y = 0; y < 768; ++y) {
      for (unsigned x = 0; x < 1024; ++x) {
        const bool inside = x >= area.x && x < area.x + area.width && y >= area.y && y < area.y + area.height;
        ASSERT_TRUE(inside || number(s, x, y) == number(was, x, y)) << x << "," << y;
      }
    }
  }
}

TEST(DrawCaption, IsTwiceAsLargeOnAWideScreen) {
  Screen s = noise({1600, 900});
  EXPECT_EQ(draw_caption(s, "waiting").height, 26);
  s = noise({1601, 900});
  EXPECT_EQ(draw_caption(s, "waiting").height, 52);
  s = noise({4096, 2160});
  const Rect area = draw_caption(s, "waiting\nfor AMT");
  EXPECT_EQ(area.height, 80);
  EXPECT_EQ(read(s, area, 2), "waiting|for AMT|");
}

TEST(DrawCaption, BreaksLinesBehindWordsAndCutsTheRest) {
  const struct {
    Size size;
    std::string text, want;
  } rows[] = {
      {{160, 100}, "pc1 is restarting, waiting 0:12", "pc1 is restarting,|waiting 0:12|"},
      {{160, 100}, "0123456789abcdefghij", "0123456789abcdefgh|ij|"},
      {{160, 100}, "0123456789abcdefg h", "0123456789abcdefg|h|"},
      {{160, 100}, "0123456789abcdefgh   i", "0123456789abcdefgh|i|"},
      {{160, 100}, "a\nb\n\nc", "a|b||c|"},
      {{160, 100}, "a\nb\nc\nd\ne", "a|b|c|d...|"},
      {{160, 100}, "a\nb\nc\n0123456789abcdefghij", "a|b|c|0123456789abcde...|"},
      {{160, 60}, "pc1 is still restarting, waiting 0:12", "pc1 is still|restarting,...|"},
      {{160, 30}, "pc1 is restarting, waiting 0:12", "pc1 is restarti...|"},
      {{60, 100}, "restarting", "rest|arti|ng|"},
      {{35, 30}, "restarting", ".|"},
      {{640, 480}, "caf\xc3\xa9\t\x1b[31m", "caf????[31m|"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    Screen s = noise(row.size);
    const Rect area = draw_caption(s, row.text);
    expect_inside(area, row.size);
    EXPECT_EQ(read(s, area), row.want);
  }
}

TEST(DrawCaption, LongTextsStaySmall) {
  Screen s = noise({1280, 1024});
  const Rect area = draw_caption(s, std::string(1U << 20U, 'x'));
  EXPECT_EQ(area.width, 64 * 7 + 20);
  EXPECT_EQ(area.height, 4 * 14 - 2 + 14);
  const std::string x(64, 'x');
  EXPECT_EQ(read(s, area), x + "|" + x + "|" + x + "|" + x.substr(3) + "...|");
}

TEST(DrawCaption, StaysInsideOfAnyScreen) {
  const std::string text = "pc1 is restarting, waiting 0:12";
  for (const unsigned width : {1U, 2U, 3U, 19U, 20U, 27U, 28U, 160U, 1599U, 1601U, 8192U}) {
    for (const unsigned height : {1U, 2U, 3U, 13U, 14U, 25U, 26U, 100U, 500U}) {
      SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height));
      const Size size{static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)};
      Screen s = noise(size, kRgb332);
      const Rect area = draw_caption(s, text);
      EXPECT_FALSE(area.empty());
      expect_inside(area, size);
    }
  }
  Screen none;
  EXPECT_TRUE(draw_caption(none, text).empty());
  Screen s = noise({160, 100});
  const Buffer before = all(s);
  EXPECT_TRUE(draw_caption(s, "").empty());
  EXPECT_EQ(all(s), before);
}

TEST(Caption, PutsBackWhatWasUnderIt) {
  for (const PixelFormat& format : kFormats) {
    for (const Size size : {Size{1, 1}, Size{160, 100}, Size{1920, 1080}}) {
      SCOPED_TRACE(to_string(format) + ", " + std::to_string(size.width));
      Screen s = noise(size, format);
      const Buffer before = all(s);
      Caption caption;
      EXPECT_TRUE(caption.clear(s).empty()) << "nothing was shown";
      const Rect shown = caption.show(s, "pc1 is restarting");
      EXPECT_TRUE(caption.shown());
      EXPECT_NE(all(s), before);
      EXPECT_EQ(caption.clear(s), shown);
      EXPECT_FALSE(caption.shown());
      EXPECT_EQ(all(s), before);
      EXPECT_TRUE(caption.clear(s).empty());
    }
  }
}

TEST(Caption, ChangesItsText) {
  Screen s = noise({640, 480});
  const Buffer before = all(s);
  Caption caption;
  const Rect large = caption.show(s, "pc1 is restarting\nwaiting 0:12");
  EXPECT_TRUE(caption.show(s, "pc1 is restarting\nwaiting 0:12").empty()) << "it is there already";
  EXPECT_EQ(caption.show(s, "pc1 is restarting\nwaiting 0:13"), large);
  EXPECT_EQ(caption.show(s, "back"), large) << "the larger one was taken away";
  Screen fresh = noise({640, 480});
  const Rect small = draw_caption(fresh, "back");
  EXPECT_EQ(all(s), all(fresh));
  EXPECT_EQ(caption.show(s, "pc1 is restarting\nwaiting 0:12"), large);
  EXPECT_EQ(caption.show(s, ""), large);
  EXPECT_FALSE(caption.shown());
  EXPECT_EQ(all(s), before);
  EXPECT_EQ(caption.show(s, "back"), small);
}

TEST(Caption, ForgetsWhenTheScreenIsAnother) {
  Screen s = noise({640, 480});
  Caption caption;
  caption.show(s, "pc1 is restarting");
  ASSERT_TRUE(s.resize({100, 50}));
  Buffer now = all(s);
  EXPECT_TRUE(caption.clear(s).empty());
  EXPECT_EQ(all(s), now);

  caption.show(s, "restarting");
  ASSERT_TRUE(s.set_format(kRgb332));
  now = all(s);
  const Rect area = caption.show(s, "restarting");
  EXPECT_FALSE(area.empty()) << "the same text, drawn anew";
  EXPECT_EQ(read(s, area), "restarting|");
  EXPECT_EQ(caption.clear(s), area);
  EXPECT_EQ(all(s), now);

  caption.show(s, "restarting");
  now = all(s);
  caption.forget();
  EXPECT_TRUE(caption.clear(s).empty());
  EXPECT_EQ(all(s), now);
  ASSERT_TRUE(s.resize({0, 0}));
  EXPECT_TRUE(caption.show(s, "restarting").empty());
  EXPECT_FALSE(caption.shown());
}

}  // namespace
}  // namespace amtgate::rfb
