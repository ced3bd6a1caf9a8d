// Damage: what of a screen a viewer has not been shown yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "amtgate/rfb/geometry.h"

namespace amtgate::rfb {

/// A bit for each cell of kCell x kCell pixels: a fixed size whatever is drawn, so that a viewer which does not read
/// costs nothing but a late picture. 1 KiB for 1920x1080.
class Damage {
 public:
  /// A quarter of AMT's tile in each direction: the cursor of a text console does not drag a whole tile along.
  static constexpr unsigned kCell = 16;

  /// Everything clean.
  void resize(Size size);
  Size size() const { return size_; }
  bool empty() const { return dirty_ == 0; }

  /// What lies outside the screen is ignored.
  void add(const Rect& area);
  void add_all() { add({0, 0, size_.width, size_.height}); }

  /// Takes dirty cells that touch `area` out, row by row until `max_pixels` are reached (the row that reaches them is
  /// taken whole), and appends rectangles that cover them: neighbours in a row are joined, and equal rows below each
  /// other. They do not overlap, and end at the screen's edges. Begins where the last take() stopped, so that no part
  /// of a busy screen has to wait for ever.
  void take(const Rect& area, std::size_t max_pixels, std::vector<Rect>& out);

 private:
  struct Span {
    unsigned first, last;  // cells of a row, both included
    unsigned top;          // row of cells
    unsigned rows;
  };
  struct Cells {
    unsigned left, top, right, bottom;  // right and bottom not included
  };
  /// Empty (left == right) where nothing is covered.
  Cells cells_of(const Rect& area) const;
  void flush(std::vector<Span>& open, std::vector<Rect>& out) const;
  Rect pixels_of(const Span& span) const;

  Size size_;
  unsigned columns_ = 0, rows_ = 0;
  std::vector<bool> cells_;
  std::size_t dirty_ = 0;
  unsigned next_row_ = 0;
};

}  // namespace amtgate::rfb
