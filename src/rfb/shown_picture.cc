#include "amtgate/rfb/shown_picture.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "amtgate/rfb/scroll.h"

namespace amtgate::rfb {
namespace {

/// Cells that a scroll has to mend: 4096 pixels are a line of text of 32 letters. And one in so many of all.
constexpr std::size_t kMinCells = 16;
constexpr std::size_t kMinPart = 16;
/// Cells that have to be damaged before it is looked for: more than one of AMT's tiles, which comes at every key.
constexpr std::size_t kMinDamage = 2 * kMinCells;

/// Searches in vain before one in two is left out, then two in three, and so on: a video does not scroll.
constexpr unsigned kMisses = 4;
constexpr unsigned kMaxPause = 7;

/// The stretch of `gains` with the largest sum, both ends included; empty where no gain is.
struct Stretch {
  std::size_t first = 0, last = 0;
  long sum = 0;
};
Stretch best_stretch(const std::vector<long>& gains) {
  Stretch best, now;
  for (std::size_t i = 0; i < gains.size(); ++i) {
    if (now.sum <= 0) now = {i, i, 0};
    now.sum += gains[i];
    now.last = i;
    if (now.sum > best.sum) best = now;
  }
  return best;
}

}  // namespace

void ShownPicture::forget() {
  unknown_.add_all();
}

bool ShownPicture::fit(const PixelView& view) {
  if (view.size == size_ && view.format == format_ && !pixels_.empty()) return true;
  size_ = view.size;
  format_ = view.format;
  stride_ = size_.width * view.bytes_per_pixel();
  const std::size_t bytes = stride_ * size_.height;
  pixels_ = Buffer(bytes <= kMaxBytes ? bytes : 0);
  unknown_.resize(size_);
  unknown_.add_all();
  return !pixels_.empty();
}

void ShownPicture::put(const PixelView& view, const Rect& area) {
  const std::size_t bytes = area.width * view.bytes_per_pixel();
  std::uint8_t* to = pixels_.data() + area.y * stride_ + area.x * view.bytes_per_pixel();
  for (unsigned y = 0; y < area.height; ++y, to += stride_) std::memcpy(to, view.at(area.x, area.y + y), bytes);
  unknown_.remove(area);
}

/// Whether the viewer has what `area` of the view shows, `dy` rows below.
bool ShownPicture::has(const PixelView& view, const Rect& area, int dy) const {
  const int from = area.y + dy;
  if (from < 0 || from + area.height > size_.height) return false;
  if (unknown_.touches({area.x, static_cast<std::uint16_t>(from), area.width, area.height})) return false;
  const std::size_t bytes = area.width * view.bytes_per_pixel();
  const std::uint8_t* was = pixels().at(area.x, static_cast<unsigned>(from));
  for (unsigned y = 0; y < area.height; ++y, was += stride_) {
    if (std::memcmp(was, view.at(area.x, area.y + y), bytes) != 0) return false;
  }
  return true;
}

void ShownPicture::drop_known(const PixelView& view, const Rect& area, Damage& damage) const {
  damage.each_dirty(area, [&](Damage::Cell cell, const Rect& pixels) {
    if (has(view, pixels, 0)) damage.set(cell, false);
  });
}

std::optional<ShownPicture::Copy> ShownPicture::scroll(const PixelView& view, const Rect& area, Damage& damage) {
  if (damage.cells() < kMinDamage) return std::nullopt;
  const Rect around = damage.around(area);
  if (around.empty()) return std::nullopt;
  if (pause_ > 0) {
    --pause_;
    return std::nullopt;
  }
  std::optional<Copy> copy;
  if (const std::optional<int> dy = find_scroll(pixels(), view, around)) copy = choose(view, around, *dy, damage);
  if (copy) {
    misses_ = 0;
    move(*copy);
  } else {
    ++misses_;
    pause_ = misses_ < kMisses ? 0 : std::min(misses_ - kMisses + 1, kMaxPause);
  }
  return copy;
}

/// The part of `area` where a copy mends most: cells that are damaged and right behind the copy count for it, those
/// that are right and would not be against. What it makes of them is set in `damage`.
std::optional<ShownPicture::Copy> ShownPicture::choose(const PixelView& view, const Rect& area, int dy,
                                                       Damage& damage) const {
  struct Place {
    Damage::Cell cell;
    Rect pixels;
    bool right;  // behind the copy
    int gain;
  };
  std::vector<Place> places;  // row by row
  damage.each_cell(area, [&](Damage::Cell cell, const Rect& pixels) {
    const bool right = has(view, pixels, dy), dirty = damage.dirty(cell);
    places.push_back({cell, pixels, right, right && dirty ? 1 : !right && !dirty ? -1 : 0});
  });
  const std::size_t across = places.back().cell.column - places.front().cell.column + 1U;
  const auto at = [&](std::size_t x, std::size_t y) -> const Place& { return places[y * across + x]; };
  Stretch rows{0, places.size() / across - 1, 0}, columns;
  // Once to find the columns, then the rows of these, then the columns of those rows: a scrolled window stands out
  // from what is beside and above it.
  for (int i = 0; i < 2; ++i) {
    std::vector<long> gains(across);
    for (std::size_t y = rows.first; y <= rows.last; ++y) {
      for (std::size_t x = 0; x < across; ++x) gains[x] += at(x, y).gain;
    }
    columns = best_stretch(gains);
    if (columns.sum <= 0) return std::nullopt;
    gains.assign(places.size() / across, 0);
    for (std::size_t y = 0; y < gains.size(); ++y) {
      for (std::size_t x = columns.first; x <= columns.last; ++x) gains[y] += at(x, y).gain;
    }
    rows = best_stretch(gains);
    if (rows.sum <= 0) return std::nullopt;
  }
  if (rows.sum < static_cast<long>(std::max(kMinCells, damage.cells() / kMinPart))) return std::nullopt;
  for (std::size_t y = rows.first; y <= rows.last; ++y) {
    for (std::size_t x = columns.first; x <= columns.last; ++x) damage.set(at(x, y).cell, !at(x, y).right);
  }
  const Rect &first = at(columns.first, rows.first).pixels, &last = at(columns.last, rows.last).pixels;
  return Copy{{first.x, first.y, static_cast<std::uint16_t>(last.x + last.width - first.x),
               static_cast<std::uint16_t>(last.y + last.height - first.y)},
              dy};
}

void ShownPicture::move(const Copy& copy) {
  const std::size_t bytes = copy.to.width * format_.bytes_per_pixel();
  std::uint8_t* const left = pixels_.data() + copy.to.x * format_.bytes_per_pixel();
  for (unsigned i = 0; i < copy.to.height; ++i) {
    // The row that is read must not have been written yet.
    const unsigned y = copy.to.y + (copy.dy > 0 ? i : copy.to.height - 1U - i);
    std::memcpy(left + y * stride_, left + static_cast<std::size_t>(static_cast<int>(y) + copy.dy) * stride_, bytes);
  }
  unknown_.copy(copy.to, copy.dy);
}

}  // namespace amtgate::rfb
