#include "numbers.h"

namespace amtgate::rfb {

void load_numbers(const PixelView& view, const Rect& area, std::uint16_t* out) {
  for (unsigned y = 0; y < area.height; ++y, out += area.width) {
    const std::uint8_t* row = view.at(area.x, area.y + y);
    if (view.bytes_per_pixel() == 2) {
      std::memcpy(out, row, std::size_t{2} * area.width);
    } else {
      for (unsigned x = 0; x < area.width; ++x) out[x] = row[x];
    }
  }
}

bool only(const PixelView& view, const Rect& area, unsigned number) {
  if (number_at(view, area.x, area.y) != number) return false;
  // A row is of one number if it is the same as itself one pixel further on.
  const std::size_t bytes = view.bytes_per_pixel(), row = area.width * bytes;
  const std::uint8_t* first = view.at(area.x, area.y);
  if (std::memcmp(first, first + bytes, row - bytes) != 0) return false;
  for (unsigned y = 1; y < area.height; ++y) {
    if (std::memcmp(first, view.at(area.x, area.y + y), row) != 0) return false;
  }
  return true;
}

}  // namespace amtgate::rfb
