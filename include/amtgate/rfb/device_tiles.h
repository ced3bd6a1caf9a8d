// DeviceTiles: which parts of a screen are as the device made them, tile by tile, with the bytes that it made: where
// a viewer wants the same tile, its palette is translated and the rest goes through as it came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/geometry.h"

namespace amtgate::rfb {

/// On a grid of kSide from the screen's upper left corner, where AMT's tiles lie, too. A tile here has the shape of a
/// ZRLE tile (RFC 6143 section 7.7.6): a solid colour, a packed palette whose rows end at a byte, or runs of a
/// palette; its palette in the device's pixels, low byte first.
class DeviceTiles {
 public:
  static constexpr unsigned kSide = 64;
  /// Sub-encoding, 16 colours at 2 bytes, 4 bits a pixel. A longer one is not worth its room.
  static constexpr std::size_t kMaxBytes = 1 + 16 * 2 + kSide * kSide / 2;

  /// None is known.
  void resize(Size size);
  /// What was drawn over `area` is none of the device's tiles; all that touch it are forgotten.
  void forget(const Rect& area);
  /// The device drew `area`, which lies inside the size, with `tile`: bytes that decode_tile() has taken whole, of
  /// pixels of `bytes_per_pixel`. Forgets the others that touch it; keeps this one where it fills a place of the grid
  /// and has one of the shapes above.
  void put(const Rect& area, Bytes tile, std::size_t bytes_per_pixel);
  /// The bytes of the tile that is all of `area`, until the next put() or forget(); empty where none is known.
  Bytes find(const Rect& area) const;

 private:
  bool fills_a_place(const Rect& area) const;
  std::size_t place(unsigned x, unsigned y) const { return std::size_t{y} / kSide * columns_ + x / kSide; }

  Size size_;
  std::size_t columns_ = 0;
  std::vector<Buffer> tiles_;  // none until the first is kept
};

/// Colours in the palette of such a tile, by its first byte.
std::size_t palette_size(std::uint8_t sub_encoding);

}  // namespace amtgate::rfb
