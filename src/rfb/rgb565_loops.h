// Vector loops from RGB565: to 8 bits a component in 4 bytes, which nearly every viewer wants, and to 1 or 2 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "amtgate/rfb/pixel_translation.h"

namespace amtgate::rfb {

using Rgb565Loop = void (*)(const PixelTranslation& unused, const std::uint8_t* in, std::uint8_t* out,
                            std::size_t count);

/// The loop that puts red, green and blue at these bytes (0 to 3, each another) and 0 at the fourth; null for an
/// order that nobody uses.
Rgb565Loop rgb565_loop(unsigned red, unsigned green, unsigned blue);

/// The scale that gives round(v * to / from) * factor for every v of 0 to `from`; empty where 16 bits are too few.
std::optional<ComponentScale> component_scale(unsigned from, unsigned to, unsigned factor);

/// Red, green, blue to 2 bytes, low byte first.
void rgb565_to_words(const std::array<ComponentScale, 3>& scales, const std::uint8_t* in, std::uint8_t* out,
                     std::size_t count);
/// High byte first.
void rgb565_to_swapped_words(const std::array<ComponentScale, 3>& scales, const std::uint8_t* in, std::uint8_t* out,
                             std::size_t count);
/// To one byte.
void rgb565_to_bytes(const std::array<ComponentScale, 3>& scales, const std::uint8_t* in, std::uint8_t* out,
                     std::size_t count);

}  // namespace amtgate::rfb
