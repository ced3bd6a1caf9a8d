// Screen: the gateway's copy of a device's screen, kept in the device's own pixels; and PixelView, how encoders see
// it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/rfb/device_tiles.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/pixel_format.h"

namespace amtgate::rfb {

/// One of the four formats that AMT can be set to: RGB565, RGB332, grey 8, grey 4.
bool device_format(const PixelFormat& format);

/// Pixels of a device in memory, row by row from the top, in a device_format(). Owns nothing.
struct PixelView {
  const std::uint8_t* data = nullptr;
  std::size_t stride = 0;  // bytes from one row to the next
  PixelFormat format = kRgb565;
  Size size;
  const DeviceTiles* tiles = nullptr;  // of the same pixels; null: not known

  std::size_t bytes_per_pixel() const { return format.bytes_per_pixel(); }
  const std::uint8_t* at(unsigned x, unsigned y) const { return data + y * stride + x * bytes_per_pixel(); }
};

/// `area` without what lies outside `size`; empty where nothing is left.
Rect clip(const Rect& area, const Size& size);

class Screen {
 public:
  /// A bound for what a device can make us keep. AMT's largest is 8192x4320, which has room at 16 bits a pixel, too:
  /// it is that for a moment when the machine changes its size.
  static constexpr unsigned kMaxSide = 8192;
  static constexpr std::size_t kMaxBytes = 72U << 20U;

  /// No pixels, RGB565.
  Screen() = default;

  /// Keeps what is in both sizes; the rest is black. Errors: TooLarge (kMaxSide, kMaxBytes), then nothing changed.
  Result<void> resize(Size size);
  /// What is there keeps its colours as far as the new format has them. Errors: Unsupported (not a device_format()),
  /// TooLarge; then nothing changed.
  Result<void> set_format(const PixelFormat& format);
  /// `pixels` are those of `area`, row by row without gaps, in format(). Errors: BadValue (outside of the screen, or
  /// not as many bytes as that); then nothing changed.
  Result<void> put(const Rect& area, Bytes pixels);
  /// The same, where the device made them as `tile` (DeviceTiles::put()).
  Result<void> put_tile(const Rect& area, Bytes pixels, Bytes tile);

  Size size() const { return size_; }
  const PixelFormat& format() const { return format_; }
  /// Until the next resize() or set_format(), and as long as this is not moved.
  PixelView view() const;

 private:
  std::size_t stride() const { return size_.width * format_.bytes_per_pixel(); }

  Size size_;
  PixelFormat format_ = kRgb565;
  Buffer pixels_;
  DeviceTiles tiles_;
};

}  // namespace amtgate::rfb
