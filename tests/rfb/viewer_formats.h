// Pixel formats that viewers ask for (reference: what stock viewers send), and odd ones that RFB allows.
#pragma once

#include "amtgate/rfb/pixel_format.h"

namespace amtgate::test {

struct NamedFormat {
  const char* name;
  rfb::PixelFormat format;
};

inline constexpr NamedFormat kTrueColours[] = {
    {"TigerVNC, most", {32, 24, false, true, 255, 255, 255, 16, 8, 0}},
    {"noVNC, libvncclient", {32, 24, false, true, 255, 255, 255, 0, 8, 16}},
    {"32 bits big-endian", {32, 24, true, true, 255, 255, 255, 16, 8, 0}},
    {"32 bits big-endian, reversed", {32, 24, true, true, 255, 255, 255, 0, 8, 16}},
    {"32 bits, high bytes", {32, 24, false, true, 255, 255, 255, 24, 16, 8}},
    {"32 bits, high bytes reversed", {32, 24, false, true, 255, 255, 255, 8, 16, 24}},
    {"32 bits, high bytes big-endian", {32, 24, true, true, 255, 255, 255, 24, 16, 8}},
    {"32 bits, a gap in the middle", {32, 24, false, true, 255, 255, 255, 24, 8, 0}},
    {"32 bits, not at bytes", {32, 24, false, true, 255, 255, 255, 20, 11, 3}},
    {"32 bits, 10 a component", {32, 30, false, true, 1023, 1023, 1023, 20, 10, 0}},
    {"32 bits, 10 a component, big-endian", {32, 30, true, true, 1023, 1023, 1023, 20, 10, 0}},
    {"32 bits, depth 32", {32, 32, false, true, 255, 255, 255, 16, 8, 0}},
    {"16 bits in 32", {32, 16, false, true, 31, 63, 31, 11, 5, 0}},
    {"RGB565", {16, 16, false, true, 31, 63, 31, 11, 5, 0}},
    {"RGB565 big-endian", {16, 16, true, true, 31, 63, 31, 11, 5, 0}},
    {"BGR565", {16, 16, false, true, 31, 63, 31, 0, 5, 11}},
    {"Remmina 16", {16, 15, false, true, 31, 31, 31, 11, 6, 1}},
    {"libvncclient 16", {16, 15, false, true, 31, 31, 31, 0, 5, 10}},
    {"RGB555 big-endian", {16, 15, true, true, 31, 31, 31, 10, 5, 0}},
    {"16 bits, 4 a component", {16, 12, false, true, 15, 15, 15, 8, 4, 0}},
    {"RGB332", {8, 8, false, true, 7, 7, 3, 5, 2, 0}},
    {"BGR233", {8, 8, false, true, 7, 7, 3, 0, 3, 6}},
    {"noVNC 64 colours", {8, 6, false, true, 3, 3, 3, 0, 2, 4}},
    {"TigerVNC 64 colours", {8, 6, false, true, 3, 3, 3, 4, 2, 0}},
    {"TigerVNC 8 colours", {8, 3, false, true, 1, 1, 1, 2, 1, 0}},
    {"grey 8", {8, 8, false, true, 255, 0, 0, 0, 0, 0}},
    {"grey 4", {8, 4, false, true, 15, 0, 0, 0, 0, 0}},
    {"grey 16", {16, 16, false, true, 65535, 0, 0, 0, 0, 0}},
};

}  // namespace amtgate::test
