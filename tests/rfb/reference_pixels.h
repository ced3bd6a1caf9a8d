// What a device's pixel should look like to a viewer, written down from the formats alone: slow, plain, in doubles.
#pragma once

#include <cmath>
#include <cstdint>

#include "amtgate/rfb/pixel_format.h"

namespace amtgate::test {

struct Shown {
  double red = 0, green = 0, blue = 0;  // 0 to 1
};

/// What a device's pixel shows.
inline Shown shown(unsigned number, const rfb::PixelFormat& f) {
  const auto part = [&](unsigned max, unsigned shift) { return max ? double(number >> shift & max) / max : 0; };
  Shown c{part(f.red_max, f.red_shift), part(f.green_max, f.green_shift), part(f.blue_max, f.blue_shift)};
  if (f.green_max == 0) c.green = c.blue = c.red;
  return c;
}

inline unsigned nearest(double v, unsigned max) {
  return static_cast<unsigned>(std::floor(v * max + 0.5 + 1e-9));
}

/// The pixel of a true-colour format that is nearest to `c`, as a number.
inline std::uint32_t reference_pixel(const Shown& c, const rfb::PixelFormat& f) {
  if (f.green_max == 0 && f.blue_max == 0) {
    const double luma = nearest(0.299 * c.red + 0.587 * c.green + 0.114 * c.blue, 255) / 255.0;
    return nearest(c.red == c.green && c.red == c.blue ? c.red : luma, f.red_max) << f.red_shift;
  }
  return nearest(c.red, f.red_max) << f.red_shift | nearest(c.green, f.green_max) << f.green_shift |
         nearest(c.blue, f.blue_max) << f.blue_shift;
}

}  // namespace amtgate::test
