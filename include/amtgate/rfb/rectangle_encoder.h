// RectangleEncoder: rectangles of a device's screen in the format and encoding that one viewer has asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/pixel_format.h"
#include "amtgate/rfb/screen.h"
#include "amtgate/rfb/viewer_encodings.h"

namespace amtgate::rfb {

/// One for a connection: its zlib streams live as long as that, through every change of format and encoding.
class RectangleEncoder {
 public:
  /// kRgb888 and RAW, until the viewer says otherwise.
  RectangleEncoder();
  ~RectangleEncoder();
  RectangleEncoder(RectangleEncoder&&) noexcept;
  RectangleEncoder& operator=(RectangleEncoder&&) noexcept;

  /// The viewer's SetPixelFormat. A colour map needs encode_colour_map(colour_map(format)) sent before the next
  /// rectangle. Errors: Unsupported (not valid()); then the old one stays.
  Result<void> set_format(const PixelFormat& format);
  const PixelFormat& format() const;
  /// The viewer's SetEncodings.
  void set_encodings(std::span<const std::int32_t> encodings);
  const ViewerEncodings& encodings() const;

  /// No call of encode() appends more rectangles: a FramebufferUpdate counts them in 16 bits.
  static constexpr std::size_t kMaxRectangles = 20000;

  /// Appends `area` (what of it lies inside the view) as complete rectangles, header and body, and returns how many:
  /// none for an empty area. The bytes stay below those of RAW and 1 in 100, at worst.
  std::size_t encode(Buffer& out, const PixelView& view, const Rect& area);
  /// As encode(), without JPEG.
  std::size_t encode_exactly(Buffer& out, const PixelView& view, const Rect& area);
  /// What of the last area went as JPEG.
  const std::vector<Rect>& lossy() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace amtgate::rfb
