#include "amtgate/rfb/device_tiles.h"

#include <algorithm>

namespace amtgate::rfb {
namespace {

constexpr unsigned kSolid = 1, kMaxPacked = 16, kPaletteRuns = 128;

/// AMT may leave out the bits that end a row of packed pixels at a byte; a viewer may not.
bool rows_end_at_bytes(const Rect& area, Bytes tile, std::size_t bytes_per_pixel) {
  const std::size_t colours = tile[0];
  const unsigned bits = colours <= 2 ? 1 : colours <= 4 ? 2 : 4;
  return tile.size() == 1 + colours * bytes_per_pixel + (area.width * bits + 7) / 8 * area.height;
}

bool passes(const Rect& area, Bytes tile, std::size_t bytes_per_pixel) {
  if (tile.empty() || tile.size() > DeviceTiles::kMaxBytes) return false;
  const unsigned sub = tile[0];
  if (sub == kSolid || sub > kPaletteRuns + 1) return true;
  return sub > kSolid && sub <= kMaxPacked && rows_end_at_bytes(area, tile, bytes_per_pixel);
}

}  // namespace

std::size_t palette_size(std::uint8_t sub_encoding) {
  return sub_encoding > kPaletteRuns ? sub_encoding - kPaletteRuns : sub_encoding;
}

void DeviceTiles::resize(Size size) {
  size_ = size;
  columns_ = (size.width + kSide - 1) / kSide;
  tiles_.clear();
}

bool DeviceTiles::fills_a_place(const Rect& area) const {
  return area.x % kSide == 0 && area.y % kSide == 0 &&
         area.width == std::min<unsigned>(kSide, size_.width - area.x) &&
         area.height == std::min<unsigned>(kSide, size_.height - area.y);
}

void DeviceTiles::forget(const Rect& area) {
  if (tiles_.empty() || area.empty()) return;
  for (unsigned y = area.y / kSide * kSide; y < area.y + area.height; y += kSide) {
    for (unsigned x = area.x / kSide * kSide; x < area.x + area.width; x += kSide) tiles_[place(x, y)].clear();
  }
}

void DeviceTiles::put(const Rect& area, Bytes tile, std::size_t bytes_per_pixel) {
  if (area.empty() || !fills_a_place(area) || !passes(area, tile, bytes_per_pixel)) return forget(area);
  if (tiles_.empty()) tiles_.resize(columns_ * ((size_.height + kSide - 1) / kSide));
  tiles_[place(area.x, area.y)].assign(tile.begin(), tile.end());
}

Bytes DeviceTiles::find(const Rect& area) const {
  return tiles_.empty() || area.empty() || !fills_a_place(area) ? Bytes{} : tiles_[place(area.x, area.y)];
}

}  // namespace amtgate::rfb
