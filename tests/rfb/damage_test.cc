#include "amtgate/rfb/damage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "amtgate/rfb/screen.h"

namespace amtgate::rfb {
namespace {

constexpr std::size_t kAll = SIZE_MAX;

bool less(const Rect& a, const Rect& b) {
  return a.y != b.y ? a.y < b.y : a.x < b.x;
}

std::vector<Rect> take(Damage& d, const Rect& area, std::size_t max_pixels = kAll) {
  std::vector<Rect> out;
  d.take(area, max_pixels, out);
  return out;
}
std::vector<Rect> take_all(Damage& d) {
  return take(d, {0, 0, d.size().width, d.size().height});
}

/// How often each cell of a screen is covered by `rectangles`, which consist of whole cells.
std::vector<int> cover(Size size, const std::vector<Rect>& rectangles) {
  const unsigned columns = (size.width + Damage::kCell - 1) / Damage::kCell;
  const unsigned rows = (size.height + Damage::kCell - 1) / Damage::kCell;
  std::vector<int> out(std::size_t{columns} * rows);
  for (const Rect& r : rectangles) {
    EXPECT_FALSE(r.empty());
    EXPECT_EQ(r.x % Damage::kCell, 0U);
    EXPECT_EQ(r.y % Damage::kCell, 0U);
    EXPECT_TRUE(r.width % Damage::kCell == 0 || r.x + r.width == size.width) << r.x << "+" << r.width;
    EXPECT_TRUE(r.height % Damage::kCell == 0 || r.y + r.height == size.height) << r.y << "+" << r.height;
    EXPECT_LE(r.x + r.width, size.width);
    EXPECT_LE(r.y + r.height, size.height);
    for (unsigned row = r.y / Damage::kCell; row * Damage::kCell < r.y + 0U + r.height; ++row) {
      for (unsigned column = r.x / Damage::kCell; column * Damage::kCell < r.x + 0U + r.width; ++column) {
        ++out[std::size_t{row} * columns + column];
      }
    }
  }
  return out;
}

/// 1 for each cell that one of `areas` touches.
std::vector<int> touched(Size size, const std::vector<Rect>& areas) {
  const unsigned columns = (size.width + Damage::kCell - 1) / Damage::kCell;
  const unsigned rows = (size.height + Damage::kCell - 1) / Damage::kCell;
  std::vector<int> out;
  for (unsigned row = 0; row < rows; ++row) {
    for (unsigned column = 0; column < columns; ++column) {
      const Rect cell = clip({static_cast<std::uint16_t>(column * Damage::kCell),
                              static_cast<std::uint16_t>(row * Damage::kCell), Damage::kCell, Damage::kCell},
                             size);
      out.push_back(std::any_of(areas.begin(), areas.end(), [&](const Rect& a) { return a.intersects(cell); }));
    }
  }
  return out;
}

TEST(Damage, IsCleanAtFirst) {
  Damage d;
  EXPECT_TRUE(d.empty());
  d.add({0, 0, 100, 100});
  EXPECT_TRUE(d.empty()) << "no screen yet";
  d.resize({100, 100});
  EXPECT_TRUE(d.empty());
  EXPECT_TRUE(take_all(d).empty());
}

struct Row {
  const char* name;
  Size size;
  std::vector<Rect> add, want;
};
const Row kRows[] = {
    {"a pixel", {100, 100}, {{20, 40, 1, 1}}, {{16, 32, 16, 16}}},
    {"the last pixel of an odd size", {33, 17}, {{32, 16, 1, 1}}, {{32, 16, 1, 1}}},
    {"all of an odd size", {33, 17}, {{0, 0, 33, 17}}, {{0, 0, 33, 17}}},
    {"a screen of one pixel", {1, 1}, {{0, 0, 1, 1}}, {{0, 0, 1, 1}}},
    {"two pixels across a border", {64, 64}, {{15, 15, 2, 2}}, {{0, 0, 32, 32}}},
    {"up to a border", {64, 64}, {{0, 0, 16, 16}}, {{0, 0, 16, 16}}},
    {"more than there is", {40, 40}, {{30, 30, 65535, 65535}}, {{16, 16, 24, 24}}},
    {"outside", {40, 40}, {{40, 0, 5, 5}, {0, 40, 5, 5}, {65535, 65535, 65535, 65535}}, {}},
    {"empty", {40, 40}, {{3, 3, 0, 9}, {3, 3, 9, 0}, {}}, {}},
    {"twice", {64, 64}, {{1, 1, 9, 9}, {2, 2, 9, 9}}, {{0, 0, 16, 16}}},
    {"neighbours in a row",
     {64, 64},
     {{0, 0, 1, 1}, {16, 0, 1, 1}, {48, 0, 1, 1}},
     {{0, 0, 32, 16}, {48, 0, 16, 16}}},
    {"equal rows", {64, 64}, {{16, 0, 32, 64}}, {{16, 0, 32, 64}}},
    {"two columns", {64, 64}, {{0, 0, 16, 64}, {32, 0, 16, 64}}, {{0, 0, 16, 64}, {32, 0, 16, 64}}},
    {"rows with a gap", {64, 64}, {{0, 0, 64, 16}, {0, 32, 64, 16}}, {{0, 0, 64, 16}, {0, 32, 64, 16}}},
};

TEST(Damage, JoinsCells) {
  for (const Row& row : kRows) {
    Damage d;
    d.resize(row.size);
    for (const Rect& r : row.add) d.add(r);
    EXPECT_EQ(d.empty(), row.want.empty()) << row.name;
    std::vector<Rect> got = take_all(d);
    std::sort(got.begin(), got.end(), less);
    EXPECT_EQ(got, row.want) << row.name;
    EXPECT_TRUE(d.empty()) << row.name;
  }
}

TEST(Damage, ResizeForgets) {
  Damage d;
  d.resize({64, 64});
  d.add_all();
  d.resize({32, 32});
  EXPECT_TRUE(d.empty());
  EXPECT_EQ(d.size(), (Size{32, 32}));
  d.resize({0, 0});
  d.add_all();
  EXPECT_TRUE(d.empty());
}

TEST(Damage, TakesWhatTouchesTheArea) {
  Damage d;
  d.resize({64, 64});
  d.add_all();
  EXPECT_EQ(take(d, {17, 17, 1, 1}), (std::vector<Rect>{{16, 16, 16, 16}}));
  EXPECT_TRUE(take(d, {17, 17, 1, 1}).empty());
  EXPECT_TRUE(take(d, {}).empty());
  EXPECT_TRUE(take(d, {64, 64, 9, 9}).empty());
  const std::vector<int> rest = cover({64, 64}, take_all(d));
  EXPECT_EQ(std::count(rest.begin(), rest.end(), 1), 15);
  EXPECT_EQ(rest[5], 0);
}

TEST(Damage, CoversExactlyWhatIsDirty) {
  std::mt19937 random(7);
  const auto any = [&](unsigned n) { return static_cast<std::uint16_t>(random() % n); };
  for (int run = 0; run < 300; ++run) {
    const Size size{static_cast<std::uint16_t>(1 + any(300)), static_cast<std::uint16_t>(1 + any(300))};
    Damage d;
    d.resize(size);
    std::vector<Rect> areas;
    for (unsigned n = any(12); n > 0; --n) areas.push_back({any(320), any(320), any(90), any(90)});
    for (const Rect& a : areas) d.add(a);
    std::vector<Rect> got;
    const std::size_t limit = run % 3 == 0 ? kAll : 1U + any(9000);
    for (unsigned i = 0; !d.empty(); ++i) {
      ASSERT_LT(i, 1000U) << "it does not get done";
      for (const Rect& r : take(d, {0, 0, size.width, size.height}, limit)) got.push_back(r);
    }
    EXPECT_EQ(cover(size, got), touched(size, areas)) << "run " << run;
  }
}

TEST(Damage, TakesRowsUpToTheLimit) {
  Damage d;
  d.resize({160, 160});  // ten cells in ten rows
  d.add_all();
  const auto cells = [](const std::vector<Rect>& rectangles) {
    std::size_t n = 0;
    for (const Rect& r : rectangles) n += std::size_t{r.width} * r.height;
    return n / (Damage::kCell * Damage::kCell);
  };
  EXPECT_EQ(cells(take(d, {0, 0, 160, 160}, 0)), 10U) << "a row at least";
  EXPECT_EQ(cells(take(d, {0, 0, 160, 160}, 20 * 256)), 20U);
  EXPECT_EQ(cells(take(d, {0, 0, 160, 160}, 25 * 256)), 30U) << "the row that reaches it is taken whole";
  EXPECT_EQ(cells(take_all(d)), 40U);
}

TEST(Damage, NobodyWaitsForEver) {
  Damage d;
  d.resize({160, 160});
  d.add_all();
  std::vector<bool> seen(10);
  for (int i = 0; i < 10; ++i) {
    for (const Rect& r : take(d, {0, 0, 160, 160}, 1)) {
      for (unsigned row = r.y / 16U; row < (r.y + 0U + r.height) / 16U; ++row) seen[row] = true;
    }
    d.add({0, 0, 160, 32});  // a busy place at the top
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 10);
}

TEST(Damage, MovesWithThePicture) {
  Damage d;
  d.resize({160, 160});
  d.copy({0, 0, 160, 80}, 80);
  EXPECT_TRUE(d.empty());
  d.add({0, 96, 16, 16});
  d.add({32, 0, 16, 16});
  d.copy({0, 0, 160, 64}, 64);
  EXPECT_EQ(take_all(d), (std::vector<Rect>{{0, 32, 16, 16}, {0, 96, 16, 16}}));
  d.add({0, 0, 16, 16});
  d.copy({0, 16, 16, 32}, -8);  // half of the dirty cell is above
  EXPECT_EQ(take_all(d), (std::vector<Rect>{{0, 0, 16, 32}}));
}

TEST(Damage, KnowsItsCells) {
  Damage d;
  d.resize({40, 40});
  EXPECT_TRUE(d.around({0, 0, 40, 40}).empty());
  EXPECT_FALSE(d.touches({0, 0, 40, 40}));
  d.add({17, 17, 1, 1});
  d.set({2, 2}, true);
  EXPECT_EQ(d.cells(), 2U);
  EXPECT_TRUE(d.dirty({1, 1}));
  EXPECT_TRUE(d.touches({31, 31, 1, 1}));
  EXPECT_FALSE(d.touches({32, 16, 8, 16}));
  EXPECT_EQ(d.around({0, 0, 40, 40}), (Rect{16, 16, 24, 24}));
  EXPECT_EQ(d.around({0, 0, 20, 20}), (Rect{16, 16, 16, 16}));
  d.remove({16, 16, 1, 1});
  EXPECT_EQ(take_all(d), (std::vector<Rect>{{32, 32, 8, 8}}));
}

}  // namespace
}  // namespace amtgate::rfb
