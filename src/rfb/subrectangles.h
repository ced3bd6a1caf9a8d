// A tile as a background with rectangles of one colour on it: what RRE, CoRRE and Hextile are made of.
#pragma once

#include <cstddef>
#include <cstdint>

#include "numbers.h"

namespace amtgate::rfb {

/// Calls `put(x, y, width, height, number)` for rectangles that cover all pixels of `tile` (`width` x `height`) but
/// those that are `background`, once each. The wider or the higher of two is taken, whichever is larger. Stops when
/// `put` returns false, and returns that. `tile` is background when it ends.
template <class Put>
bool each_subrectangle(std::uint16_t* tile, unsigned width, unsigned height, unsigned background, Put put) {
  for (unsigned y = 0; y < height; ++y) {
    for (unsigned x = 0; x < width;) {
      std::uint16_t* const corner = tile + std::size_t{y} * width + x;
      const unsigned number = *corner;
      const auto run = static_cast<unsigned>(run_at(corner, tile + std::size_t{y + 1} * width));
      if (number == background) {
        x += run;
        continue;
      }
      const auto row_has = [&](unsigned row, unsigned length) {
        const std::uint16_t* p = corner + std::size_t{row} * width;
        for (unsigned i = 0; i < length; ++i) {
          if (p[i] != number) return false;
        }
        return true;
      };
      unsigned wide = run, low = 1;
      while (y + low < height && row_has(low, wide)) ++low;
      unsigned high = low;
      while (y + high < height && row_has(high, 1)) ++high;
      unsigned narrow = wide;
      if (high > low) {
        for (unsigned row = low; row < high; ++row) {
          unsigned length = 1;
          const std::uint16_t* p = corner + std::size_t{row} * width;
          while (length < narrow && p[length] == number) ++length;
          narrow = length;
        }
      }
      if (std::size_t{narrow} * high > std::size_t{wide} * low) {
        wide = narrow;
        low = high;
      }
      if (!put(x, y, wide, low, number)) return false;
      for (unsigned row = 0; row < low; ++row) {
        std::uint16_t* p = corner + std::size_t{row} * width;
        for (unsigned i = 0; i < wide; ++i) p[i] = static_cast<std::uint16_t>(background);
      }
      x += wide;
    }
  }
  return true;
}

}  // namespace amtgate::rfb
