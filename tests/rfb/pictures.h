// Screens as encoders meet them, made from a seed.
#pragma once

#include <random>

#include "amtgate/rfb/screen.h"

namespace amtgate::test {

enum class Picture { Black, Text, Desktop, Photo, Noise, Stripes };
inline constexpr Picture kPictures[] = {Picture::Black, Picture::Text,  Picture::Desktop,
                                        Picture::Photo, Picture::Noise, Picture::Stripes};

inline const char* name(Picture p) {
  constexpr const char* kNames[] = {"black", "text", "desktop", "photo", "noise", "stripes"};
  return kNames[static_cast<int>(p)];
}

/// A pixel of `format` from components of 0 to 255.
inline unsigned device_pixel(const rfb::PixelFormat& f, unsigned r, unsigned g, unsigned b) {
  if (f.green_max == 0) return (r + g + b) / 3 * f.red_max / 255;
  return r * f.red_max / 255 << f.red_shift | g * f.green_max / 255 << f.green_shift |
         b * f.blue_max / 255 << f.blue_shift;
}

/// `format` is one of AMT's.
inline rfb::Screen picture(Picture what, rfb::Size size, const rfb::PixelFormat& format, unsigned seed) {
  std::mt19937 random(seed);
  const auto any = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  rfb::Screen screen;
  EXPECT_TRUE(screen.set_format(format));
  EXPECT_TRUE(screen.resize(size));
  const unsigned w = size.width, h = size.height;
  std::vector<unsigned> pixels(std::size_t{w} * h);
  const auto box = [&](unsigned x, unsigned y, unsigned bw, unsigned bh, unsigned pixel) {
    for (unsigned j = y; j < std::min(h, y + bh); ++j) {
      for (unsigned i = x; i < std::min(w, x + bw); ++i) pixels[std::size_t{j} * w + i] = pixel;
    }
  };
  const auto text = [&](unsigned x, unsigned y, unsigned columns, unsigned ink) {
    for (unsigned c = 0; c < columns; ++c) {
      if (any(6) == 0) continue;
      for (unsigned j = 2; j < 13; ++j) {
        for (unsigned i = 0; i < 7; ++i) {
          if (any(3) == 0) box(x + 8 * c + i, y + j, 1, 1, ink);
        }
      }
    }
  };
  switch (what) {
    case Picture::Black: break;
    case Picture::Text:
      for (unsigned y = 0; y + 16 <= h; y += 16) {
        const unsigned ink = any(5) == 0 ? device_pixel(format, 85 * any(4), 85 * any(4), 85 * any(4))
                                         : device_pixel(format, 170, 170, 170);
        text(0, y, any(w / 8 + 1), ink);
      }
      break;
    case Picture::Desktop:
      box(0, 0, w, h, device_pixel(format, 20, 80, 120));
      for (unsigned i = 0; i < 6; ++i) {
        const unsigned x = any(w), y = any(h), bw = w / 4 + any(w / 2 + 1), bh = h / 4 + any(h / 2 + 1);
        box(x, y, bw, bh, device_pixel(format, 200, 200, 205));
        box(x, y, bw, 14, device_pixel(format, any(256), any(256), any(256)));
        for (unsigned row = y + 20; row + 16 < y + bh; row += 16) text(x + 4, row, any(bw / 8 + 1), 0);
      }
      break;
    case Picture::Photo:
      for (unsigned y = 0; y < h; ++y) {
        for (unsigned x = 0; x < w; ++x) {
          const unsigned n = any(12);
          pixels[std::size_t{y} * w + x] = device_pixel(format, std::min(255U, (x * 200 / w) + n),
                                                        std::min(255U, (y * 220 / h) + n), (x * y / 37 + n) & 255);
        }
      }
      break;
    case Picture::Noise:
      for (unsigned& p : pixels) p = device_pixel(format, any(256), any(256), any(256));
      break;
    case Picture::Stripes:
      for (unsigned y = 0; y < h; ++y) {
        for (unsigned x = 0; x < w; ++x) {
          const unsigned n = (x / 3 + y / 2) % 23;
          pixels[std::size_t{y} * w + x] = device_pixel(format, n * 11, 255 - n * 10, n * 7);
        }
      }
      break;
  }
  Buffer bytes;
  for (const unsigned p : pixels) {
    bytes.push_back(static_cast<std::uint8_t>(p));
    if (format.bits_per_pixel == 16) bytes.push_back(static_cast<std::uint8_t>(p >> 8));
  }
  EXPECT_TRUE(screen.put({0, 0, size.width, size.height}, bytes));
  return screen;
}

}  // namespace amtgate::test
