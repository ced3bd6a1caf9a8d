#include "amtgate/rfb/rectangle_encoder.h"

#include <algorithm>
#include <utility>

#include "amtgate/base/writer.h"
#include "amtgate/rfb/pixel_translation.h"
#include "amtgate/rfb/server_messages.h"
#include "deflate_stream.h"
#include "hextile.h"
#include "rre.h"
#include "tight.h"
#include "tile_encoding.h"

namespace amtgate::rfb {
namespace {

/// Longest rectangle in one piece of zlib data: viewers take it whole before they draw it.
constexpr std::size_t kMaxDeflatedArea = std::size_t{1} << 20U;

/// zlib, where the viewer has no wish: libvncserver's.
constexpr unsigned kZlibLevel = 5;
/// zlib's levels for the compress levels 0 to 9 of ZRLE. Below 4 zlib no longer looks for a better match: a tenth
/// more bytes for little time. (libvncserver takes 6 whatever a viewer says.)
constexpr int kZrleLevels[] = {4, 4, 4, 4, 4, 5, 5, 6, 7, 9};
constexpr unsigned kDefaultZrleLevel = 4;

/// Pixels of so many rows make a deflate block: a Huffman code of their own is worth more than it costs.
constexpr unsigned kZlibRows = 32;

/// Calls `call` with pieces of `area` that are at most `width` x `height`; returns how many there were.
template <class Call>
std::size_t each_piece(const Rect& area, unsigned width, unsigned height, Call call) {
  std::size_t count = 0;
  for (unsigned y = 0; y < area.height; y += height) {
    for (unsigned x = 0; x < area.width; x += width, ++count) {
      call(Rect{static_cast<std::uint16_t>(area.x + x), static_cast<std::uint16_t>(area.y + y),
                static_cast<std::uint16_t>(std::min<unsigned>(width, area.width - x)),
                static_cast<std::uint16_t>(std::min<unsigned>(height, area.height - y))});
    }
  }
  return count;
}

/// Rows of a piece for zlib and ZRLE: whole tiles.
unsigned deflated_rows(unsigned width) {
  constexpr unsigned kTile = TileWriter::kMaxSide;
  return std::max(kTile, static_cast<unsigned>(kMaxDeflatedArea / width) / kTile * kTile);
}

}  // namespace

struct RectangleEncoder::State {
  PixelFormat format = kRgb888;
  ViewerEncodings encodings;
  PixelTranslation translation = *PixelTranslation::make(kRgb565, kRgb888);
  PixelTranslation rgb = *PixelTranslation::make(kRgb565, kRgbBytes);  // for Tight
  DeflateStream zlib, zrle;
  TightEncoder tight;
  Buffer pixels;  // some rows, translated
  std::vector<Rect> lossy;

  static constexpr PixelFormat kRgbBytes{32, 24, false, true, 255, 255, 255, 0, 8, 16};

  /// Makes the translations fit.
  void translate(const PixelFormat& from) {
    if (translation.from() == from && translation.to() == format) return;
    translation = *PixelTranslation::make(from, format);
    if (rgb.from() != from) rgb = *PixelTranslation::make(from, kRgbBytes);
  }

  void raw(Buffer& out, const PixelView& view, const Rect& area) const {
    encode_rectangle_header(out, area, kRaw);
    translation.append(out, view, area);
  }

  /// RFC 6143 has no number 6; rfbproto: BE32 length, then RAW's bytes through a stream.
  void deflated(Buffer& out, const PixelView& view, const Rect& area) {
    encode_rectangle_header(out, area, kZlib);
    const std::size_t at = out.size();
    Writer(out).be32(0);
    each_piece(area, area.width, kZlibRows, [&](const Rect& rows) {
      pixels.clear();
      translation.append(pixels, view, rows);
      zlib.add_blocks(out, pixels, pixels.size());
    });
    zlib.flush(out);
    const std::size_t length = out.size() - at - 4;
    for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
  }

  std::size_t encode(Buffer& out, const PixelView& view, const Rect& area, std::optional<unsigned> quality) {
    switch (encodings.pixels) {
      case kRre: return encode_rre(out, view, area, translation);
      case kCoRre:
        return each_piece(area, kMaxRreSide, kMaxRreSide,
                          [&](const Rect& r) { encode_corre(out, view, r, translation); });
      case kHextile:
        encode_rectangle_header(out, area, kHextile);
        encode_hextile(out, view, area, translation);
        return 1;
      case kTrle:
        encode_rectangle_header(out, area, kTrle);
        encode_trle(out, view, area, translation);
        return 1;
      case kZlib:
        zlib.set_level(static_cast<int>(encodings.compress_level.value_or(kZlibLevel)));
        return each_piece(area, area.width, deflated_rows(area.width),
                          [&](const Rect& r) { deflated(out, view, r); });
      case kZrle:
        zrle.set_level(kZrleLevels[encodings.compress_level.value_or(kDefaultZrleLevel)]);
        return each_piece(area, area.width, deflated_rows(area.width), [&](const Rect& r) {
          encode_rectangle_header(out, r, kZrle);
          encode_zrle(out, view, r, translation, zrle);
        });
      case kTight: return tight.encode(out, view, area, translation, rgb, {encodings.compress_level, quality}, lossy);
      default: raw(out, view, area); return 1;
    }
  }

  std::size_t encode_part(Buffer& out, const PixelView& view, const Rect& wanted, std::optional<unsigned> quality) {
    lossy.clear();
    const Rect area = clip(wanted, view.size);
    if (area.empty()) return 0;
    translate(view.format);
    return encode(out, view, area, quality);
  }
};

RectangleEncoder::RectangleEncoder() : state_(std::make_unique<State>()) {}
RectangleEncoder::~RectangleEncoder() = default;
RectangleEncoder::RectangleEncoder(RectangleEncoder&&) noexcept = default;
RectangleEncoder& RectangleEncoder::operator=(RectangleEncoder&&) noexcept = default;

Result<void> RectangleEncoder::set_format(const PixelFormat& format) {
  if (!valid(format)) return Error{Errc::Unsupported, "pixel format of " + to_string(format)};
  state_->format = format;
  return {};
}
const PixelFormat& RectangleEncoder::format() const {
  return state_->format;
}
void RectangleEncoder::set_encodings(std::span<const std::int32_t> encodings) {
  state_->encodings = sort_encodings(encodings);
}
const ViewerEncodings& RectangleEncoder::encodings() const {
  return state_->encodings;
}

const std::vector<Rect>& RectangleEncoder::lossy() const {
  return state_->lossy;
}

std::size_t RectangleEncoder::encode(Buffer& out, const PixelView& view, const Rect& wanted) {
  return state_->encode_part(out, view, wanted, encodings().quality_level);
}
std::size_t RectangleEncoder::encode_exactly(Buffer& out, const PixelView& view, const Rect& wanted) {
  return state_->encode_part(out, view, wanted, std::nullopt);
}

}  // namespace amtgate::rfb
