// KvmScreen: what the simulated machine shows. A picture of known values that depends on its size and a frame number
// only: eight colour bars, a grey ramp, a field of noise, and a lane in which a box moves.
#pragma once

#include <cstdint>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/time.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/pixel_format.h"

namespace amtgate::sim {

/// One picture. From top to bottom: bars (half the height: white, yellow, cyan, green, magenta, red, blue, black),
/// ramp (an eighth), noise (an eighth), lane (the rest, black, with a white box in a red frame).
class KvmPicture {
 public:
  /// What is in the way of the picture: nothing; black alone; black with the box into which a code is typed.
  enum class Cover : std::uint8_t { None, Black, Prompt };

  KvmPicture(rfb::Size size, std::uint32_t frame, Cover cover = Cover::None);

  rfb::Size size() const { return size_; }
  std::uint32_t frame() const { return frame_; }
  /// RGB565. Black outside the picture.
  std::uint16_t pixel(unsigned x, unsigned y) const;
  /// The pixels of `area`, row by row, in `format` (one of AMT's four), as on the wire.
  void read(rfb::Rect area, const rfb::PixelFormat& format, Buffer& out) const;
  rfb::Rect box() const { return box_; }
  /// The whole picture as binary PPM, 8 bits a colour, each value as `format` leaves it and expanded so that its
  /// largest becomes 255. Compare viewers' screenshots with some tolerance: some expand 31 to 248.
  Buffer ppm(const rfb::PixelFormat& format = rfb::kRgb565) const;

 private:
  rfb::Size size_;
  std::uint32_t frame_;
  Cover cover_;
  rfb::Rect box_;
  unsigned ramp_top_, noise_top_, lane_top_;
};

/// Whether the pixels of `area` differ between two frames of one size.
bool changed(rfb::Size size, rfb::Rect area, std::uint32_t frame_a, std::uint32_t frame_b);

/// The screen of a machine, shared by its sessions: a mode, and a frame number that grows with time.
class KvmScreen {
 public:
  /// A `frame_time` of zero: nothing moves.
  KvmScreen(rfb::Size size, milliseconds frame_time, TimePoint now);

  rfb::Size size() const { return size_; }
  std::uint32_t frame() const { return frame_; }
  KvmPicture::Cover cover() const { return cover_; }
  void set_cover(KvmPicture::Cover cover) { cover_ = cover; }
  KvmPicture picture() const { return {size_, frame_, cover_}; }
  /// The machine changes its mode, as on every boot.
  void set_mode(rfb::Size size) { size_ = size; }
  /// Moves the picture on. Errors: none. Sessions call it too; time never goes back.
  void tick(TimePoint now);
  /// When the next frame begins; nothing moves: never.
  std::optional<TimePoint> next_frame() const;

 private:
  rfb::Size size_;
  milliseconds frame_time_;
  TimePoint start_;
  std::uint32_t frame_ = 0;
  KvmPicture::Cover cover_ = KvmPicture::Cover::None;
};

}  // namespace amtgate::sim
