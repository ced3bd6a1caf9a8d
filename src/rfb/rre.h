// RRE and CoRRE (RFC 6143 section 7.7.3; CoRRE from the rfbproto community description): a background and rectangles.
#pragma once

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/pixel_translation.h"

namespace amtgate::rfb {

/// Sides of what rectangles are looked for in at a time. CoRRE's coordinates are bytes; RRE's could be larger, but
/// then the time to find rectangles would no longer be bounded by the number of pixels.
inline constexpr unsigned kMaxRreSide = 64;

/// Appends `area` as RRE rectangles with their headers, or as RAW where that is no longer; returns how many. The
/// body: BE32 number of rectangles, background pixel; for each a pixel, then x y w h (BE16 each). Neighbours with the
/// same background are one rectangle.
std::size_t encode_rre(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t);

/// Appends `area`, at most kMaxRreSide a side, as one CoRRE rectangle (as RRE; x y w h are a byte each), or as RAW.
void encode_corre(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t);

}  // namespace amtgate::rfb
