// The typeface of captions: fixed width, printable ASCII, drawn for amtgate.
#pragma once

#include <array>
#include <cstdint>

namespace amtgate::rfb {

inline constexpr unsigned kGlyphWidth = 7;
inline constexpr unsigned kGlyphHeight = 12;

/// Rows from the top; in each the leftmost pixel is bit 6, the rightmost bit 0. The ink leaves the outer columns
/// free, so glyphs are set side by side without a gap; capitals stand in rows 1 to 9, rows 10 and 11 are for
/// descenders.
using Glyph = std::array<std::uint8_t, kGlyphHeight>;

/// Anything but 0x20 to 0x7e looks like '?'.
const Glyph& caption_glyph(char c);

}  // namespace amtgate::rfb
