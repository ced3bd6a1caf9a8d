#include "amtgate/rfb/scroll.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

namespace amtgate::rfb {
namespace {

/// What is looked at: so many strips of the area, each so many pixels wide. Eight letters tell most lines apart.
constexpr unsigned kStrips = 6;
constexpr unsigned kStripWidth = 64;
/// Rows that are compared together: half a line of text. Single rows of letters are found in every line.
constexpr unsigned kBlock = 8;
/// Fewer blocks of rows than this are a coincidence; so many of one distance, and most of all, need no more strips.
constexpr unsigned kMinVotes = 12;
constexpr unsigned kSureVotes = 96;
/// When so many strips and blocks of them have been looked at and hardly any agree, nothing has scrolled.
constexpr unsigned kEnoughStrips = 3;
constexpr unsigned kEnoughBlocks = 64;
constexpr unsigned kHardlyAny = 8;  // one in so many

constexpr std::uint64_t kPrime = 0x9e3779b97f4a7c15;

std::uint64_t row_hash(const std::uint8_t* p, std::size_t bytes) {
  // Two sums beside each other: a multiplication takes longer than to begin the next.
  std::uint64_t a = bytes, b = kPrime;
  for (; bytes >= 16; p += 16, bytes -= 16) {
    std::uint64_t x = 0, y = 0;
    std::memcpy(&x, p, 8);
    std::memcpy(&y, p + 8, 8);
    a = (std::rotl(a, 23) ^ x) * kPrime;
    b = (std::rotl(b, 29) ^ y) * kPrime;
  }
  for (; bytes > 0; ++p, --bytes) a = (std::rotl(a, 9) ^ *p) * kPrime;
  return a ^ std::rotl(b, 32) ^ a >> 29;
}

/// Hashes of the rows from `top` on, and of the blocks that begin at them.
struct Rows {
  std::vector<std::uint64_t> row, block;

  void read(const PixelView& v, const Rect& strip) {
    row.resize(strip.height);
    for (unsigned y = 0; y < strip.height; ++y) {
      row[y] = row_hash(v.at(strip.x, strip.y + y), strip.width * v.bytes_per_pixel());
    }
    block.clear();
    if (strip.height < kBlock) return;
    block.resize(strip.height - kBlock + 1);
    // A polynomial, so that each is made of the one before: what leaves it has the highest power.
    std::uint64_t highest = 1, sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) sum = sum * kPrime + row[i];
    for (std::size_t i = 1; i < kBlock; ++i) highest *= kPrime;
    for (std::size_t y = 0; y < block.size(); ++y) {
      block[y] = sum;
      if (y + kBlock < row.size()) sum = (sum - row[y] * highest) * kPrime + row[y + kBlock];
    }
  }
  /// Nothing but equal rows says nothing of where it was.
  bool plain(std::size_t y) const {
    return std::all_of(row.begin() + static_cast<std::ptrdiff_t>(y) + 1,
                       row.begin() + static_cast<std::ptrdiff_t>(y + kBlock),
                       [&](std::uint64_t h) { return h == row[y]; });
  }
};

/// Where blocks begin that are there once.
class Places {
 public:
  void index(const Rows& rows) {
    const std::size_t size = std::bit_ceil(2 * rows.block.size() + 2);
    slots_.assign(size, {0, kNone});
    for (std::size_t y = 0; y < rows.block.size(); ++y) {
      if (rows.plain(y)) continue;
      Slot& s = slot(rows.block[y]);
      s = {rows.block[y], s.at == kNone ? static_cast<int>(y) : kTwice};
    }
  }
  static constexpr int kNone = -1, kTwice = -2;
  /// Or one of these.
  int find(std::uint64_t block) { return slot(block).at; }

 private:
  struct Slot {
    std::uint64_t block;
    int at;
  };
  Slot& slot(std::uint64_t block) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = (block >> 20) & mask;
    while (slots_[i].at != kNone && slots_[i].block != block) i = (i + 1) & mask;
    return slots_[i];
  }
  std::vector<Slot> slots_;
};

}  // namespace

std::optional<int> find_scroll(const PixelView& was, const PixelView& is, const Rect& area) {
  if (area.height < kBlock || area.empty()) return std::nullopt;
  const int height = is.size.height;
  std::vector<unsigned> votes(2 * static_cast<std::size_t>(height) + 1);
  Rows old_rows, new_rows;
  Places places;
  const unsigned width = std::min<unsigned>(kStripWidth, area.width);
  const unsigned strips = std::min(kStrips, area.width / width);
  unsigned all = 0;  // that say something
  auto best = votes.begin();
  for (unsigned i = 0; i < strips; ++i) {
    const auto x = static_cast<std::uint16_t>(area.x + (area.width - width) * i / std::max(1U, strips - 1));
    // What has scrolled into the area may come from outside of it.
    old_rows.read(was, {x, 0, static_cast<std::uint16_t>(width), was.size.height});
    new_rows.read(is, {x, area.y, static_cast<std::uint16_t>(width), area.height});
    places.index(old_rows);
    for (std::size_t y = 0; y < new_rows.block.size(); ++y) {
      if (new_rows.block[y] == old_rows.block[area.y + y]) continue;
      const int from = places.find(new_rows.block[y]), to = static_cast<int>(area.y + y);
      if (from == Places::kTwice || from == to || new_rows.plain(y)) continue;
      ++all;
      if (from >= 0)
        ++votes[static_cast<std::size_t>(height) + static_cast<std::size_t>(from) - static_cast<std::size_t>(to)];
    }
    best = std::max_element(votes.begin(), votes.end());
    if (*best >= kSureVotes && *best * 2 > all) break;
    if (i + 1 >= kEnoughStrips && all >= kEnoughBlocks && *best * kHardlyAny < all) return std::nullopt;
  }
  if (*best < kMinVotes) return std::nullopt;
  return static_cast<int>(best - votes.begin()) - height;
}

}  // namespace amtgate::rfb
