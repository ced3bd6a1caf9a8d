// ZRLE as AMT speaks it: one tile of at most 64x64 in a rectangle, as BE32 length and then deflate data, in one of
// four framings. Sources: MeshCommander and ui-toolkit (decoders), captures in ui-toolkit's tests, noVNC, TigerVNC.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::rfb {

/// AMT never draws larger tiles, and its clients end the session at one.
inline constexpr unsigned kMaxTileSide = 64;
/// Longest deflate data of a tile that is taken. The longest tile that anybody makes is 3 bytes a pixel (runs of one,
/// 12,289 bytes) and does not grow by more than a few bytes in a stored block.
inline constexpr std::size_t kMaxTileData = 32U << 10U;
/// Longest tile after inflating: as above, at 2 bytes a pixel, with room for oddities.
inline constexpr std::size_t kMaxTileBytes = 16U << 10U;

/// How the tiles of a connection are wrapped.
enum class ZrleForm : std::uint8_t {
  Stored,      // every tile one stored block, no zlib header: `00 LEN NLEN tile` (compression off)
  Zlib,        // one zlib stream, `78 9c` first, a sync flush behind every tile
  ZlibStored,  // `78 01` before the first stored block only
  RawDeflate,  // as Zlib, without the header
};

/// Decodes all four, also when the device changes over in mid-connection: one raw inflate state; where data begin
/// with a zlib header it is skipped, and a state that is not fresh is begun again (no raw block of a stream made by
/// zlib begins like a header).
class ZrleDecoder {
 public:
  ZrleDecoder();
  ~ZrleDecoder();
  ZrleDecoder(ZrleDecoder&&) noexcept;
  ZrleDecoder& operator=(ZrleDecoder&&) noexcept;

  /// Writes width * height pixels, row by row, as they are on the wire (1 or 2 bytes, little-endian) to `pixels`.
  /// Errors: TooLarge (a tile side, kMaxTileData, kMaxTileBytes), BadValue (deflate or tile data that are wrong).
  /// After an error in deflate the stream is lost: ask for the screen again with RAW only, or reset() at a new
  /// header.
  Result<void> decode(Bytes data, unsigned width, unsigned height, std::size_t bytes_per_pixel, MutableBytes pixels);
  void reset();

  /// The last tile that was decoded, as decode_tile() takes it; until the next decode().
  Bytes tile() const { return Bytes(tile_).first(tile_size_); }

  /// Bytes that stood behind complete tiles so far; a healthy device sends none.
  std::uint64_t surplus_bytes() const { return surplus_; }

 private:
  struct Inflate;
  std::unique_ptr<Inflate> inflate_;
  Buffer tile_;
  std::size_t tile_size_ = 0;
  std::uint64_t surplus_ = 0;
};

/// Decodes the bytes of one tile: sub-encodings 0, 1, 2..16, 128, 130..255. Rows of a packed palette may be padded to
/// bytes (RFC 6143) or not (AMT's own clients): whichever fits the number of bytes. Returns the bytes consumed.
/// Errors: BadValue (a sub-encoding that does not exist, too few bytes, an index outside its palette, a run past the
/// end).
Result<std::size_t> decode_tile(Bytes tile, unsigned width, unsigned height, std::size_t bytes_per_pixel,
                                MutableBytes pixels);

/// The five shapes of a tile.
enum class TileKind : std::uint8_t { Raw, Solid, Packed, PlainRuns, PaletteRuns };

/// Appends the tile in the shortest shape, or in `kind` if it can be had (Solid needs one colour, Packed 2 to 16,
/// PaletteRuns 2 to 127), and returns the shape taken. A packed palette is chosen only where rows end at a byte,
/// since decoders differ there; asked for by `kind`, its rows are padded as RFC 6143 says. `pixels` holds width *
/// height of bytes_per_pixel 1 or 2.
TileKind encode_tile(Buffer& out, Bytes pixels, unsigned width, unsigned height, std::size_t bytes_per_pixel,
                     std::optional<TileKind> kind = std::nullopt);

/// Wraps tiles in one of the four forms. One for a connection.
class ZrleEncoder {
 public:
  explicit ZrleEncoder(ZrleForm form);
  ~ZrleEncoder();
  ZrleEncoder(ZrleEncoder&&) noexcept;
  ZrleEncoder& operator=(ZrleEncoder&&) noexcept;

  /// Appends BE32 length and data for one tile.
  void encode(Buffer& out, Bytes pixels, unsigned width, unsigned height, std::size_t bytes_per_pixel,
              std::optional<TileKind> kind = std::nullopt);
  ZrleForm form() const { return form_; }

 private:
  struct Deflate;
  void wrap(Buffer& out, Bytes tile);

  ZrleForm form_;
  bool first_ = true;
  std::unique_ptr<Deflate> deflate_;
  Buffer tile_;
};

}  // namespace amtgate::rfb
