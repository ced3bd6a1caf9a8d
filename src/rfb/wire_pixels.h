// WirePixels: pixels as they stand in the bodies of rectangles: whole, or without the byte that is always 0.
#pragma once

#include <cstdint>
#include <cstring>

#include "amtgate/rfb/pixel_translation.h"

namespace amtgate::rfb {

class WirePixels {
 public:
  /// What put() may write behind the pixel that it puts.
  static constexpr std::size_t kSlack = 3;

  /// PIXEL: as the viewer's format says.
  static WirePixels whole(const PixelTranslation& t) { return {t, static_cast<unsigned>(t.bytes_per_pixel()), 0}; }
  /// CPIXEL of TRLE and ZRLE (RFC 6143 section 7.7.5): in 32 bits, true colour, without the last byte on the wire, or
  /// else the first, if no component has a bit in it. The depth is not asked, as no viewer does that we know of
  /// (TigerVNC, libvncclient).
  static WirePixels compact(const PixelTranslation& t);
  /// TPIXEL of Tight: red, green, blue in 3 bytes where the viewer has 32 bits, depth 24 and 8 a component; there
  /// `rgb` is what is translated with.
  static WirePixels tight(const PixelTranslation& t, const PixelTranslation& rgb);

  unsigned bytes() const { return bytes_; }
  const PixelTranslation& translation() const { return *t_; }

  /// Writes one pixel and returns where the next one goes. There has to be room for kSlack bytes more.
  std::uint8_t* put(std::uint8_t* out, unsigned number) const {
    const std::uint32_t pixel = t_->pixel(number) >> skip_;
    std::memcpy(out, &pixel, sizeof pixel);
    return out + bytes_;
  }
  /// The same for all of `area`, which lies inside `view`.
  std::uint8_t* put(std::uint8_t* out, const PixelView& view, const Rect& area) const;

 private:
  WirePixels(const PixelTranslation& t, unsigned bytes, unsigned skip) : t_(&t), bytes_(bytes), skip_(skip) {}

  const PixelTranslation* t_;
  unsigned bytes_;
  unsigned skip_;  // bits
};

}  // namespace amtgate::rfb
