// Picture: a screen or a part of one, in memory and as PNG, and how two of them compare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/rfb/geometry.h"

namespace amtgate::cli {

struct Picture {
  rfb::Size size;
  Buffer rgb;  // red, green and blue of each pixel, row by row

  /// Pictures that are read have no longer sides, and files are no longer; both are beyond what screens come to.
  static constexpr unsigned kMaxSide = 8192;
  static constexpr std::size_t kMaxFile = 64U << 20U;

  bool operator==(const Picture&) const = default;
};

/// A PNG file's bytes. Errors: System (no memory).
Result<std::string> to_png(const Picture& picture);
/// Any PNG; what is transparent stands on black. Errors: BadValue (no PNG), TooLarge (kMaxSide).
Result<Picture> from_png(std::string_view png);

/// "640x480+0+0", as X11 names a part of a screen. Errors: BadValue.
Result<rfb::Rect> parse_region(std::string_view text);

/// That part; nothing where it is not all inside.
std::optional<Picture> part_of(const Picture& picture, const rfb::Rect& area);

/// Pixels in which two pictures of one size differ: in any of red, green and blue by more than `tolerance` of 255.
/// Both are first brought to the 65536 colours that AMT has, so that a picture of other origin compares equal.
std::size_t different_pixels(const Picture& a, const Picture& b, unsigned tolerance);

}  // namespace amtgate::cli
