// Sizes and rectangles on a screen, in pixels.
#pragma once

#include <algorithm>
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

inline Rect whole(Size s) {
  return {0, 0, s.width, s.height};
}

/// The smallest rectangle around both; an empty one counts for nothing. A side beyond 65535 is cut.
inline Rect around(const Rect& a, const Rect& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  const unsigned x = std::min(a.x, b.x), y = std::min(a.y, b.y);
  const unsigned right = std::max(a.x + 0U + a.width, b.x + 0U + b.width);
  const unsigned bottom = std::max(a.y + 0U + a.height, b.y + 0U + b.height);
  return {static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y),
          static_cast<std::uint16_t>(std::min(right - x, 0xffffU)),
          static_cast<std::uint16_t>(std::min(bottom - y, 0xffffU))};
}

}  // namespace amtgate::rfb
