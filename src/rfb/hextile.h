// Hextile (RFC 6143 section 7.7.4): tiles of 16x16, each raw or a background with rectangles on it.
#pragma once

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/pixel_translation.h"

namespace amtgate::rfb {

/// Appends the body of a rectangle; never more than RAW and a byte a tile.
void encode_hextile(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t);

}  // namespace amtgate::rfb
