#include "rre.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "amtgate/base/writer.h"
#include "amtgate/rfb/server_messages.h"
#include "subrectangles.h"
#include "wire_pixels.h"

namespace amtgate::rfb {
namespace {

/// The number that is most frequent; of the first 16 different ones, which is enough to find a background.
unsigned most_frequent(const std::uint16_t* tile, std::size_t count) {
  NumberPalette<16> palette;
  std::array<std::size_t, 16> seen{};
  for (const std::uint16_t *p = tile, *end = tile + count; p < end;) {
    const std::size_t run = run_at(p, end), index = palette.add(*p);
    if (index != palette.kFull) seen[index] += run;
    p += run;
  }
  return palette[static_cast<std::size_t>(std::max_element(seen.begin(), seen.end()) - seen.begin())];
}

enum class Kind : std::uint8_t { Rre, CoRre };

/// A piece of the picture that rectangles are looked for in.
struct Tile {
  Tile(const PixelView& view, const Rect& place) : area(place) {
    assert(area.width <= kMaxRreSide && area.height <= kMaxRreSide);
    load_numbers(view, area, numbers.data());
    background = most_frequent(numbers.data(), count());
  }
  std::size_t count() const { return std::size_t{area.width} * area.height; }

  Rect area;
  std::array<std::uint16_t, std::size_t{kMaxRreSide} * kMaxRreSide> numbers;
  unsigned background;
};

void put_pixel(Buffer& out, const WirePixels& pixels, unsigned number) {
  std::uint8_t pixel[4 + WirePixels::kSlack];
  pixels.put(pixel, number);
  append(out, Bytes(pixel, pixels.bytes()));
}

/// Appends what is in the tile, which begins at `x0`, `y0` of its rectangle, and returns how many that are. Empty
/// where it is no shorter than RAW with `head` bytes in front; then `out` is as it was.
std::optional<std::uint32_t> put_tile(Buffer& out, Kind kind, Tile& tile, unsigned x0, unsigned y0, std::size_t head,
                                      const WirePixels& pixels) {
  const std::size_t start = out.size(), raw = tile.count() * pixels.bytes();
  std::uint32_t found = 0;
  Writer w(out);
  const bool shorter =
      head < raw && each_subrectangle(tile.numbers.data(), tile.area.width, tile.area.height, tile.background,
                                      [&](unsigned x, unsigned y, unsigned width, unsigned height, unsigned number) {
                                        put_pixel(out, pixels, number);
                                        if (kind == Kind::Rre) {
                                          w.be16(x0 + x).be16(y0 + y).be16(width).be16(height);
                                        } else {
                                          w.u8(x).u8(y).u8(width).u8(height);
                                        }
                                        ++found;
                                        return out.size() - start + head < raw;
                                      });
  if (shorter) return found;
  out.resize(start);
  return std::nullopt;
}

void put_be32(Buffer& out, std::size_t at, std::uint32_t n) {
  for (unsigned i = 0; i < 4; ++i) out[at + i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
}
void put_be16(Buffer& out, std::size_t at, unsigned n) {
  out[at] = static_cast<std::uint8_t>(n >> 8);
  out[at + 1] = static_cast<std::uint8_t>(n);
}

void put_raw(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t) {
  encode_rectangle_header(out, area, kRaw);
  t.append(out, view, area);
}

/// Makes one RRE rectangle of tiles with the same background that lie side by side, and of whole rows of them.
class RreArea {
 public:
  RreArea(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t)
      : out_(out), view_(view), area_(area), t_(t), pixels_(WirePixels::whole(t)) {}

  std::size_t encode() {
    for (unsigned y = 0; y < area_.height; y += kMaxRreSide) {
      // A row that goes on with the rectangle above it has to do so to its end.
      const std::size_t at = out_.size();
      const std::optional<Open> above = open_;
      const bool whole = above && above->area.width == area_.width;
      if (whole && row(y, true)) {
        open_->area.height = static_cast<std::uint16_t>(open_->area.height + row_height(y));
        continue;
      }
      if (whole) {
        out_.resize(at);
        open_ = above;
      }
      finish();
      row(y, false);
    }
    finish();
    return rectangles_;
  }

 private:
  struct Open {
    Rect area;
    std::size_t at;  // of its header
    std::uint32_t found;
    unsigned background;
  };

  unsigned row_height(unsigned y) const { return std::min(kMaxRreSide, area_.height - y); }

  /// False: one of the tiles does not go with the rectangle above.
  bool row(unsigned y, bool below) {
    for (unsigned x = 0; x < area_.width; x += kMaxRreSide) {
      const unsigned width = std::min(kMaxRreSide, area_.width - x);
      Tile tile(view_, {static_cast<std::uint16_t>(area_.x + x), static_cast<std::uint16_t>(area_.y + y),
                        static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(row_height(y))});
      if (!open_ || open_->background != tile.background) {
        if (below) return false;
        finish();
      }
      if (!put(tile)) {
        if (below) return false;
        finish();
        put_raw(out_, view_, tile.area, t_);
        ++rectangles_;
      } else if (!below) {
        open_->area.width = static_cast<std::uint16_t>(tile.area.x + tile.area.width - open_->area.x);
      }
    }
    return true;
  }

  bool put(Tile& tile) {
    const std::size_t body = 4 + pixels_.bytes();
    if (open_) {
      const auto found = put_tile(out_, Kind::Rre, tile, tile.area.x - 0U - open_->area.x,
                                  tile.area.y - 0U - open_->area.y, 0, pixels_);
      if (found) open_->found += *found;
      return found.has_value();
    }
    const std::size_t at = out_.size();
    encode_rectangle_header(out_, tile.area, kRre);
    Writer(out_).be32(0);
    put_pixel(out_, pixels_, tile.background);
    const auto found = put_tile(out_, Kind::Rre, tile, 0, 0, body, pixels_);
    if (found) {
      open_ = Open{tile.area, at, *found, tile.background};
    } else {
      out_.resize(at);
    }
    return found.has_value();
  }

  void finish() {
    if (!open_) return;
    put_be16(out_, open_->at + 4, open_->area.width);
    put_be16(out_, open_->at + 6, open_->area.height);
    put_be32(out_, open_->at + 12, open_->found);
    open_.reset();
    ++rectangles_;
  }

  Buffer& out_;
  const PixelView& view_;
  Rect area_;
  const PixelTranslation& t_;
  WirePixels pixels_;
  std::optional<Open> open_;
  std::size_t rectangles_ = 0;
};

}  // namespace

std::size_t encode_rre(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t) {
  return RreArea(out, view, area, t).encode();
}

void encode_corre(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t) {
  const WirePixels pixels = WirePixels::whole(t);
  Tile tile(view, area);
  const std::size_t at = out.size();
  encode_rectangle_header(out, area, kCoRre);
  Writer(out).be32(0);
  put_pixel(out, pixels, tile.background);
  const auto found = put_tile(out, Kind::CoRre, tile, 0, 0, 4 + pixels.bytes(), pixels);
  if (found) return put_be32(out, at + 12, *found);
  out.resize(at);
  put_raw(out, view, area, t);
}

}  // namespace amtgate::rfb
