#include "rre.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "amtgate/base/writer.h"
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

}  // namespace

bool encode_rre(Buffer& out, RreKind kind, const PixelView& view, const Rect& area, const PixelTranslation& t) {
  assert(area.width <= kMaxRreSide && area.height <= kMaxRreSide);
  std::array<std::uint16_t, std::size_t{kMaxRreSide} * kMaxRreSide> tile;
  load_numbers(view, area, tile.data());
  const std::size_t count = std::size_t{area.width} * area.height;
  const unsigned background = most_frequent(tile.data(), count);
  const WirePixels pixels = WirePixels::whole(t);
  const std::size_t start = out.size(), raw = count * pixels.bytes();
  std::uint8_t pixel[8];
  const auto put_pixel = [&](unsigned number) {
    pixels.put(pixel, number);
    append(out, Bytes(pixel, pixels.bytes()));
  };
  Writer w(out);
  w.be32(0);
  put_pixel(background);
  std::uint32_t found = 0;
  const bool shorter = out.size() - start < raw && each_subrectangle(tile.data(), area.width, area.height, background,
                                                                     [&](unsigned x, unsigned y, unsigned width,
                                                                         unsigned height, unsigned number) {
                                                                       put_pixel(number);
                                                                       if (kind == RreKind::Rre) {
                                                                         w.be16(x).be16(y).be16(width).be16(height);
                                                                       } else {
                                                                         w.u8(x).u8(y).u8(width).u8(height);
                                                                       }
                                                                       ++found;
                                                                       return out.size() - start < raw;
                                                                     });
  if (!shorter) {
    out.resize(start);
    return false;
  }
  for (unsigned i = 0; i < 4; ++i) out[start + i] = static_cast<std::uint8_t>(found >> (24 - 8 * i));
  return true;
}

}  // namespace amtgate::rfb
