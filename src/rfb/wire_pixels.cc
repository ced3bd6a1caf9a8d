#include "wire_pixels.h"

#include <algorithm>
#include <array>

namespace amtgate::rfb {

WirePixels WirePixels::compact(const PixelTranslation& t) {
  const PixelFormat& f = t.to();
  if (f.bits_per_pixel == 32) {
    std::uint32_t bits = std::uint32_t{f.red_max} << f.red_shift | std::uint32_t{f.green_max} << f.green_shift |
                         std::uint32_t{f.blue_max} << f.blue_shift;
    if (f.big_endian) bits = __builtin_bswap32(bits);
    if (bits <= 0xffffff) return {t, 3, 0};
    if ((bits & 0xff) == 0) return {t, 3, 8};
  }
  return whole(t);
}

WirePixels WirePixels::tight(const PixelTranslation& t, const PixelTranslation& rgb) {
  const PixelFormat& f = t.to();
  if (f.bits_per_pixel == 32 && f.depth == 24 && f.red_max == 255 && f.green_max == 255 && f.blue_max == 255) {
    return {rgb, 3, 0};
  }
  return whole(t);
}

std::uint8_t* WirePixels::put(std::uint8_t* out, const PixelView& view, const Rect& area) const {
  for (unsigned y = 0; y < area.height; ++y) {
    const std::uint8_t* in = view.at(area.x, area.y + y);
    if (bytes_ == t_->bytes_per_pixel()) {
      t_->translate(in, out, area.width);
      out += std::size_t{area.width} * bytes_;
      continue;
    }
    std::array<std::uint32_t, 256> some;
    for (unsigned left = area.width; left > 0;) {
      const unsigned n = std::min<unsigned>(left, some.size());
      t_->translate(in, reinterpret_cast<std::uint8_t*>(some.data()), n);
      for (unsigned i = 0; i < n; ++i, out += 3) {
        const std::uint32_t pixel = some[i] >> skip_;
        std::memcpy(out, &pixel, sizeof pixel);
      }
      in += n * view.bytes_per_pixel();
      left -= n;
    }
  }
  return out;
}

}  // namespace amtgate::rfb
