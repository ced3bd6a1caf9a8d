#include "hextile.h"

#include <algorithm>
#include <array>
#include <optional>

#include "subrectangles.h"
#include "wire_pixels.h"

namespace amtgate::rfb {
namespace {

constexpr unsigned kSide = 16;
constexpr unsigned kRawTile = 1, kBackground = 2, kForeground = 4, kAnySubrects = 8, kColoured = 16;

/// A tile's bytes, at most those of RAW: what would be longer is raw.
class Tile {
 public:
  explicit Tile(const WirePixels& pixels) : pixels_(pixels) {}
  void u8(unsigned v) { *end_++ = static_cast<std::uint8_t>(v); }
  void pixel(unsigned number) { end_ = pixels_.put(end_, number); }
  void area(const PixelView& view, const Rect& area) { end_ = pixels_.put(end_, view, area); }
  std::size_t size() const { return static_cast<std::size_t>(end_ - bytes_.data()); }
  std::uint8_t& operator[](std::size_t i) { return bytes_[i]; }
  void clear() { end_ = bytes_.data(); }
  Bytes bytes() const { return Bytes(bytes_).first(size()); }

 private:
  const WirePixels& pixels_;
  std::array<std::uint8_t, std::size_t{kSide} * kSide * 4 + 16> bytes_;
  std::uint8_t* end_ = bytes_.data();
};

class Hextile {
 public:
  Hextile(const PixelView& view, const PixelTranslation& t) : view_(view), pixels_(WirePixels::whole(t)) {}

  void put(Buffer& out, const Rect& area) {
    const std::size_t count = std::size_t{area.width} * area.height;
    load_numbers(view_, area, numbers_.data());
    palette_.clear();
    std::array<std::size_t, 3> seen{};
    bool two = true;
    for (const std::uint16_t *p = numbers_.data(), *end = p + count; p < end && two;) {
      const std::size_t run = run_at(p, end), index = palette_.add(*p);
      two = index < 2;
      seen[std::min<std::size_t>(index, 2)] += run;
      p += run;
    }
    const unsigned background = palette_[seen[1] > seen[0] ? 1 : 0];
    Tile tile(pixels_);
    tile.u8(0);
    unsigned how = 0;
    if (background != background_) {
      how |= kBackground;
      tile.pixel(background);
      background_ = background;
    }
    if (palette_.size() > 1 || !two) {
      how |= kAnySubrects | (two ? 0 : kColoured);
      if (two) {
        const unsigned foreground = palette_[seen[1] > seen[0] ? 0 : 1];
        if (foreground != foreground_) {
          how |= kForeground;
          tile.pixel(foreground);
          foreground_ = foreground;
        }
      } else {
        foreground_.reset();  // undefined behind a coloured tile
      }
      if (!subrectangles(tile, area, background, two)) {
        tile.clear();
        tile.u8(kRawTile);
        tile.area(view_, area);
        append(out, tile.bytes());
        background_.reset();  // both undefined behind a raw tile
        foreground_.reset();
        return;
      }
    }
    tile[0] = static_cast<std::uint8_t>(how);
    append(out, tile.bytes());
  }

 private:
  /// False where that would be longer than raw.
  bool subrectangles(Tile& tile, const Rect& area, unsigned background, bool two) {
    const std::size_t limit = 1 + std::size_t{area.width} * area.height * pixels_.bytes();
    const std::size_t each = 2 + (two ? 0 : pixels_.bytes());
    const std::size_t at = tile.size();
    unsigned count = 0;
    tile.u8(0);
    const bool fits = each_subrectangle(numbers_.data(), area.width, area.height, background,
                                        [&](unsigned x, unsigned y, unsigned w, unsigned h, unsigned number) {
                                          if (tile.size() + each > limit || count == 255) return false;
                                          if (!two) tile.pixel(number);
                                          tile.u8(x << 4 | y);
                                          tile.u8((w - 1) << 4 | (h - 1));
                                          ++count;
                                          return true;
                                        });
    tile[at] = static_cast<std::uint8_t>(count);
    return fits && tile.size() <= limit;
  }

  const PixelView& view_;
  WirePixels pixels_;
  NumberPalette<2> palette_;
  std::array<std::uint16_t, std::size_t{kSide} * kSide> numbers_;
  std::optional<unsigned> background_, foreground_;
};

}  // namespace

void encode_hextile(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t) {
  Hextile hextile(view, t);
  for (unsigned y = 0; y < area.height; y += kSide) {
    for (unsigned x = 0; x < area.width; x += kSide) {
      hextile.put(out, {static_cast<std::uint16_t>(area.x + x), static_cast<std::uint16_t>(area.y + y),
                        static_cast<std::uint16_t>(std::min<unsigned>(kSide, area.width - x)),
                        static_cast<std::uint16_t>(std::min<unsigned>(kSide, area.height - y))});
    }
  }
}

}  // namespace amtgate::rfb
