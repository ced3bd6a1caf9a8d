// Vector loops for what nearly every viewer wants: RGB565 to 8 bits a component in 4 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace amtgate::rfb {

class PixelTranslation;
using Rgb565Loop = void (*)(const PixelTranslation& unused, const std::uint8_t* in, std::uint8_t* out,
                            std::size_t count);

/// The loop that puts red, green and blue at these bytes (0 to 3, each another) and 0 at the fourth; null for an
/// order that nobody uses.
Rgb565Loop rgb565_loop(unsigned red, unsigned green, unsigned blue);

}  // namespace amtgate::rfb
