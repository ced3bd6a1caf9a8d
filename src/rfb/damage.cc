#include "amtgate/rfb/damage.h"

#include <algorithm>

namespace amtgate::rfb {

void Damage::resize(Size size) {
  size_ = size;
  columns_ = (size.width + kCell - 1) / kCell;
  rows_ = (size.height + kCell - 1) / kCell;
  cells_.assign(std::size_t{columns_} * rows_, false);
  in_row_.assign(rows_, 0);
  dirty_ = 0;
  next_row_ = 0;
}

Damage::Cells Damage::cells_of(const Rect& area) const {
  const unsigned right = std::min<unsigned>(area.x + area.width, size_.width);
  const unsigned bottom = std::min<unsigned>(area.y + area.height, size_.height);
  if (area.x >= right || area.y >= bottom) return {0, 0, 0, 0};
  return {area.x / kCell, area.y / kCell, (right + kCell - 1) / kCell, (bottom + kCell - 1) / kCell};
}

void Damage::add(const Rect& area) {
  const Cells c = cells_of(area);
  for (unsigned row = c.top; row < c.bottom; ++row) {
    for (unsigned column = c.left; column < c.right; ++column) set({column, row}, true);
  }
}

void Damage::remove(const Rect& area) {
  if (dirty_ == 0) return;
  const Cells c = cells_of(area);
  for (unsigned row = c.top; row < c.bottom; ++row) {
    for (unsigned column = c.left; column < c.right; ++column) set({column, row}, false);
  }
}

void Damage::set(Cell c, bool dirty) {
  std::vector<bool>::reference cell = cells_[std::size_t{c.row} * columns_ + c.column];
  if (cell == dirty) return;
  cell = dirty;
  const int more = dirty ? 1 : -1;
  in_row_[c.row] = static_cast<std::uint16_t>(in_row_[c.row] + more);
  dirty_ += static_cast<std::size_t>(more);
}

bool Damage::touches(const Rect& area) const {
  if (dirty_ == 0) return false;
  const Cells c = cells_of(area);
  for (unsigned row = c.top; row < c.bottom; ++row) {
    for (unsigned column = c.left; column < c.right && in_row_[row] != 0; ++column) {
      if (dirty({column, row})) return true;
    }
  }
  return false;
}

void Damage::copy(const Rect& to, int dy) {
  if (dirty_ == 0) return;
  const Damage before = *this;
  each_cell(to, [&](Cell cell, const Rect& at) {
    set(cell, before.touches({at.x, static_cast<std::uint16_t>(at.y + dy), at.width, at.height}));
  });
}

Rect Damage::around(const Rect& area) const {
  if (dirty_ == 0) return {};
  const Cells c = cells_of(area);
  unsigned left = columns_, right = 0, top = rows_, bottom = 0;
  for (unsigned row = c.top; row < c.bottom; ++row) {
    for (unsigned column = c.left; column < c.right && in_row_[row] != 0; ++column) {
      if (!dirty({column, row})) continue;
      left = std::min(left, column);
      right = std::max(right, column);
      top = std::min(top, row);
      bottom = row;
    }
  }
  return right < left ? Rect{} : pixels_of({left, right, top, bottom - top + 1});
}

Rect Damage::pixels_of(const Span& span) const {
  const unsigned x = span.first * kCell, y = span.top * kCell;
  const unsigned right = std::min<unsigned>((span.last + 1) * kCell, size_.width);
  const unsigned bottom = std::min<unsigned>((span.top + span.rows) * kCell, size_.height);
  return {static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y), static_cast<std::uint16_t>(right - x),
          static_cast<std::uint16_t>(bottom - y)};
}

void Damage::flush(std::vector<Span>& open, std::vector<Rect>& out) const {
  for (const Span& span : open) out.push_back(pixels_of(span));
  open.clear();
}

void Damage::take(const Rect& area, std::size_t max_pixels, std::vector<Rect>& out) {
  const Cells c = cells_of(area);
  if (dirty_ == 0 || c.left == c.right) return;
  const std::size_t max_cells = std::max<std::size_t>(max_pixels / (kCell * kCell), 1);
  std::size_t taken = 0;
  std::vector<Span> open, row_spans;
  const unsigned height = c.bottom - c.top;
  const unsigned start = next_row_ >= c.top && next_row_ < c.bottom ? next_row_ : c.top;
  for (unsigned i = 0; i < height && dirty_ != 0; ++i) {
    const unsigned row = c.top + (start - c.top + i) % height;
    if (taken >= max_cells) {
      next_row_ = row;
      break;
    }
    if (in_row_[row] == 0) {
      flush(open, out);
      continue;
    }
    row_spans.clear();
    for (unsigned column = c.left; column < c.right; ++column) {
      std::vector<bool>::reference cell = cells_[std::size_t{row} * columns_ + column];
      if (!cell) continue;
      cell = false;
      --in_row_[row];
      --dirty_;
      ++taken;
      if (!row_spans.empty() && row_spans.back().last + 1 == column) {
        row_spans.back().last = column;
      } else {
        row_spans.push_back({column, column, row, 1});
      }
    }
    const bool continues =
        open.size() == row_spans.size() && !open.empty() && open.front().top + open.front().rows == row &&
        std::equal(open.begin(), open.end(), row_spans.begin(),
                   [](const Span& a, const Span& b) { return a.first == b.first && a.last == b.last; });
    if (continues) {
      for (Span& span : open) ++span.rows;
    } else {
      flush(open, out);
      open.swap(row_spans);
    }
  }
  flush(open, out);
}

}  // namespace amtgate::rfb
