// Sizes and rectangles on a screen, in pixels.
#pragma once

#include <cstdint>

namespace amtgate::rfb {

struct Size {
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  bool operator==(const Size&) const = default;
};

struct Rect {
  std::uint16_t x = 0;
  std::uint16_t y = 0;
  std::uint16_t width = 0;
  std::uint16_t height = 0;

  bool empty() const { return width == 0 || height == 0; }
  bool intersects(const Rect& o) const {
    return !empty() && !o.empty() && x < o.x + o.width && o.x < x + width && y < o.y + o.height && o.y < y + height;
  }
  bool operator==(const Rect&) const = default;
};

}  // namespace amtgate::rfb
