// PixelTranslation: a device's pixels in the format that a viewer has asked for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/rfb/pixel_format.h"
#include "amtgate/rfb/screen.h"

namespace amtgate::rfb {

/// An entry of a colour map; full scale is 65535.
struct MapColour {
  std::uint16_t red = 0, green = 0, blue = 0;
  bool operator==(const MapColour&) const = default;
};

/// The colours of a viewer's colour-map format, 2^depth of them (depth 1 to 7; anything else counts as 8): a cube of
/// n * n * n colours (n = 6 at depth 8) with the red level as the most significant digit, the greys that fit behind
/// it; at depth 1 and 2 greys only. The same for every device, so that it has to be sent once for a SetPixelFormat.
std::vector<MapColour> colour_map(const PixelFormat& format);

/// SetColourMapEntries (RFC 6143 section 7.6.2) with `colours` as entries 0 and on, at most 65535:
///   0 type 1 | 1 padding | 2 first, 4 count (BE16) | 6 red, green, blue (BE16 each)
void encode_colour_map(Buffer& out, const std::vector<MapColour>& colours);

/// How a component v becomes its part of a pixel of at most 16 bits: ((v * multiplier + add) >> shift) * factor.
struct ComponentScale {
  std::uint16_t multiplier = 0, add = 0, factor = 0;
  std::uint8_t shift = 0;
};
/// From one of AMT's formats to any valid() one. True colour: every component is round(v * to_max / from_max), so
/// full scale becomes full scale. A format without green and blue is grey, as AMT's are: it gets the luminance (ITU-R
/// BT.601: 0.299, 0.587, 0.114) rounded to 8 bits, and that rounded to its maximum. A colour map gets the nearest
/// level of its cube in each component, or its nearest grey where the device is grey or the map has only greys.
/// Small (2 KiB) and quick to make: no table is larger than 256 entries.
class PixelTranslation {
 public:
  /// Errors: Unsupported (`from` is no device_format(), or `to` not valid()).
  static Result<PixelTranslation> make(const PixelFormat& from, const PixelFormat& to);

  const PixelFormat& from() const { return from_; }
  const PixelFormat& to() const { return to_; }
  /// Of the viewer's pixels: 1, 2 or 4.
  std::size_t bytes_per_pixel() const { return to_.bytes_per_pixel(); }

  /// One pixel: the number in `from` to the viewer's bytes, the first on the wire as the lowest of the number.
  std::uint32_t pixel(unsigned number) const {
    if (kind_ == Kind::Table) return table_[number & 0xff];
    if (kind_ == Kind::Same) return number;
    const std::uint32_t sum = red_[number >> 11 & 31] + green_[number >> 5 & 63] + blue_[number & 31];
    return kind_ == Kind::Sum ? sum : table_[sum >> kLumaBits];
  }

  /// `count` pixels, `count * bytes_per_pixel()` bytes to `out`. Does not overlap.
  void translate(const std::uint8_t* in, std::uint8_t* out, std::size_t count) const {
    translate_(*this, in, out, count);
  }
  /// Appends the pixels of `area`, which lies inside `view`, row by row without gaps.
  void append(Buffer& out, const PixelView& view, const Rect& area) const;

 private:
  enum class Kind : std::uint8_t {
    Same,   // the bytes as they are
    Table,  // 8-bit pixels: table_
    Sum,    // RGB565: red_ + green_ + blue_ is the pixel
    Luma,   // RGB565 to grey: the sum is the luminance in 8.23 bits, table_ has the pixels
  };
  using Loop = void (*)(const PixelTranslation& t, const std::uint8_t* in, std::uint8_t* out, std::size_t count);
  static constexpr unsigned kLumaBits = 23;

  PixelTranslation() = default;
  template <class Out>
  static void loop(const PixelTranslation& t, const std::uint8_t* in, std::uint8_t* out, std::size_t count);
  static Loop pick_loop(const PixelTranslation& t);
  static Loop scaled_loop(const PixelFormat& to);

  Kind kind_ = Kind::Same;
  Loop translate_ = nullptr;
  PixelFormat from_, to_;
  std::array<ComponentScale, 3> scales_;
  std::array<std::uint32_t, 32> red_{}, blue_{};
  std::array<std::uint32_t, 64> green_{};
  std::array<std::uint32_t, 256> table_{};
};

}  // namespace amtgate::rfb
