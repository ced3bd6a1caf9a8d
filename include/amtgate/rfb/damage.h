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
  /// Cells that touch it are clean.
  void remove(const Rect& area);
  /// Whether one that touches it is dirty.
  bool touches(const Rect& area) const;
  /// As if the pixels `dy` rows below `to` (negative: above) had been copied there: a cell is dirty where one that it
  /// came from was. `to` consists of whole cells, and what it comes from is on the screen.
  void copy(const Rect& to, int dy);

  struct Cell {
    unsigned column = 0, row = 0;
  };
  std::size_t cells() const { return dirty_; }
  bool dirty(Cell c) const { return cells_[std::size_t{c.row} * columns_ + c.column]; }
  void set(Cell c, bool dirty);
  /// Calls `call(cell, its pixels)` for each cell that touches `area`, row by row.
  template <class Call>
  void each_cell(const Rect& area, Call call) const {
    const Cells c = cells_of(area);
    for (unsigned row = c.top; row < c.bottom; ++row) {
      for (unsigned column = c.left; column < c.right; ++column)
        call(Cell{column, row}, pixels_of({column, column, row, 1}));
    }
  }
  /// The same for the dirty ones; `call` may clean them.
  template <class Call>
  void each_dirty(const Rect& area, Call call) const {
    const Cells c = cells_of(area);
    for (unsigned row = c.top; row < c.bottom; ++row) {
      for (unsigned column = c.left; column < c.right && in_row_[row] != 0; ++column) {
        if (dirty({column, row})) call(Cell{column, row}, pixels_of({column, column, row, 1}));
      }
    }
  }
  /// The smallest rectangle around the dirty cells that touch `area`.
  Rect around(const Rect& area) const;

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
  std::vector<std::uint16_t> in_row_;  // dirty cells
  std::size_t dirty_ = 0;
  unsigned next_row_ = 0;
};

}  // namespace amtgate::rfb
