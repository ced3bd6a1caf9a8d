// Whether a picture has scrolled: a text console that boots, a window with a list in it.
#pragma once

#include <optional>

#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/screen.h"

namespace amtgate::rfb {

/// How far below their place in `is` most rows of `area` that have changed lie in `was` (above it: negative, never
/// 0); empty where there is no such distance. A guess from hashes of some columns of it, which the caller has to
/// check pixel by pixel. Both have one size and format; `area` lies inside.
std::optional<int> find_scroll(const PixelView& was, const PixelView& is, const Rect& area);

}  // namespace amtgate::rfb
