// PixelFormat: how a pixel lies in its bytes, and the few formats that AMT takes.
#pragma once

#include <cstdint>
#include <string>

#include "amtgate/base/bytes.h"
#include "amtgate/base/reader.h"

namespace amtgate::rfb {

/// RFC 6143 section 7.4, 16 bytes:
///   0 bits per pixel | 1 depth | 2 big-endian flag | 3 true-colour flag | 4 red, 6 green, 8 blue maximum (BE16)
///   10 red, 11 green, 12 blue shift | 13..15 padding
/// Flags are true when not zero. Nothing is checked here: a device may send anything, see valid().
struct PixelFormat {
  std::uint8_t bits_per_pixel = 0;
  std::uint8_t depth = 0;
  bool big_endian = false;
  bool true_colour = true;
  std::uint16_t red_max = 0, green_max = 0, blue_max = 0;
  std::uint8_t red_shift = 0, green_shift = 0, blue_shift = 0;

  std::size_t bytes_per_pixel() const { return bits_per_pixel / 8U; }
  bool operator==(const PixelFormat&) const = default;
};

inline constexpr std::size_t kPixelFormatSize = 16;

/// AMT's own format; what ServerInit announces.
inline constexpr PixelFormat kRgb565{16, 16, false, true, 31, 63, 31, 11, 5, 0};
/// What AMT takes at 8 bits on every generation.
inline constexpr PixelFormat kRgb332{8, 8, false, true, 7, 7, 3, 5, 2, 0};
/// AMT 16 and later, where GrayscalePixelFormatSupported is set. Source: MeshCommander amt-desktop.
inline constexpr PixelFormat kGrey8{8, 8, false, true, 255, 0, 0, 0, 0, 0};
inline constexpr PixelFormat kGrey4{8, 4, false, true, 15, 0, 0, 0, 0, 0};

/// What a server announces that can make any format: 32 bits, little-endian. Most viewers draw in it themselves.
inline constexpr PixelFormat kRgb888{32, 24, false, true, 255, 255, 255, 16, 8, 0};

/// Reads 16 bytes; past the end `in.failed()` is set.
PixelFormat read_pixel_format(Reader& in);
/// Appends 16 bytes.
void write_pixel_format(Buffer& out, const PixelFormat& format);

/// 8, 16 or 32 bits a pixel, and in true colour every maximum is 2^n - 1 and lies inside the pixel.
bool valid(const PixelFormat& format);
/// Pixels of `a` and `b` have the same bytes for the same colour: the depth, the byte order of a one-byte pixel, and
/// the maxima and shifts of a colour map do not count.
bool same_pixels(const PixelFormat& a, const PixelFormat& b);
/// "RGB565", "RGB332", "grey 8", "grey 4" for AMT's own, otherwise like
/// "32 bits a pixel, depth 24, 255/255/255 at 16/8/0, little-endian".
std::string to_string(const PixelFormat& format);

}  // namespace amtgate::rfb
