// TRLE and ZRLE (RFC 6143 sections 7.7.5 and 7.7.6) towards viewers: tiles of any size of rectangle, in any of a
// viewer's pixels. (AMT's own ZRLE, one tile a rectangle, is in amtgate/rfb/zrle.h.)
#pragma once

#include <array>
#include <cstdint>

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/pixel_translation.h"
#include "deflate_stream.h"
#include "numbers.h"
#include "wire_pixels.h"

namespace amtgate::rfb {

/// Makes the bytes of tiles, one after the other, each in the shortest shape that there is.
class TileWriter {
 public:
  static constexpr unsigned kMaxSide = 64;

  /// Trle: a tile may refer to the palette of the one before it. Zrle: the shape that is shortest behind deflate.
  enum class Kind : std::uint8_t { Trle, Zrle };
  TileWriter(const WirePixels& pixels, Kind kind) : pixels_(pixels), kind_(kind) {}

  /// The bytes of the tile `area` (at most kMaxSide a side) of `view`; until the next call.
  Bytes tile(const PixelView& view, const Rect& area);

 private:
  static constexpr std::size_t kPixels = std::size_t{kMaxSide} * kMaxSide;
  static constexpr std::size_t kMaxPalette = 127, kMaxPacked = 16;
  struct Run {
    std::uint16_t number, length;
    std::uint16_t index;  // in palette_, as long as that is not overflowed
  };

  /// The device's own tile, if it is worth it; else empty.
  Bytes passed_on(const PixelView& view, const Rect& area);
  void find_runs(std::size_t count);
  bool last_palette_serves(bool packed) const;
  std::uint8_t* write_palette(std::uint8_t* out) const;
  std::uint8_t* write_packed(std::uint8_t* out, const Rect& area);

  const WirePixels& pixels_;
  Kind kind_;
  NumberPalette<kMaxPalette> palette_, last_;
  bool last_packed_ = false;
  bool overflowed_ = false;
  std::size_t runs_ = 0;
  std::array<std::uint16_t, kPixels> numbers_;
  std::array<Run, kPixels> run_;
  std::array<std::uint8_t, kPixels> indices_;
  std::array<std::uint8_t, 1 + kPixels * 4 + WirePixels::kSlack> bytes_;
};

/// Appends the body of a rectangle in TRLE: tiles of 16x16.
void encode_trle(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t);
/// Appends the body of a rectangle in ZRLE: BE32 length, then tiles of 64x64 through `stream`.
void encode_zrle(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t,
                 DeflateStream& stream);

}  // namespace amtgate::rfb
