// RRE and CoRRE (RFC 6143 section 7.7.3; CoRRE from the rfbproto community description): a background and rectangles.
#pragma once

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/pixel_translation.h"

namespace amtgate::rfb {

/// Sides of what is encoded at a time. CoRRE's coordinates are bytes; RRE's could be larger, but then the time to
/// find rectangles would no longer be bounded by the number of pixels.
inline constexpr unsigned kMaxRreSide = 64;

enum class RreKind : std::uint8_t { Rre, CoRre };

/// Appends the body of a rectangle of at most kMaxRreSide a side: BE32 number of rectangles, background pixel; for
/// each a pixel, then x y w h (BE16 each; CoRRE: a byte each). False where that would be no shorter than RAW; then
/// `out` is as it was.
bool encode_rre(Buffer& out, RreKind kind, const PixelView& view, const Rect& area, const PixelTranslation& t);

}  // namespace amtgate::rfb
