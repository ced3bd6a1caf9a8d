// What the encoders look at: a device's pixels as numbers, without asking for their colours. Palettes and runs are
// found here once, in 16 bits at most, and only then translated.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/screen.h"

namespace amtgate::rfb {

/// The pixels of `area`, which lies inside `view`, row by row without gaps, to `out`.
void load_numbers(const PixelView& view, const Rect& area, std::uint16_t* out);

/// Whether all pixels of `area`, which lies inside `view` and is not empty, are `number`.
bool only(const PixelView& view, const Rect& area, unsigned number);
/// The pixel at x, y as a number.
inline unsigned number_at(const PixelView& view, unsigned x, unsigned y) {
  const std::uint8_t* p = view.at(x, y);
  return view.bytes_per_pixel() == 1 ? p[0] : static_cast<unsigned>(p[0] | p[1] << 8);
}

/// The first numbers of some that are different, in order of appearance, up to kMax.
template <std::size_t kMax>
class NumberPalette {
 public:
  static constexpr std::size_t kFull = ~std::size_t{0};

  NumberPalette() { slots_.fill(kNone); }
  void clear() {
    for (std::size_t i = 0; i < size_; ++i) slots_[used_[i]] = kNone;
    size_ = 0;
  }
  /// Index of `number`, added if it is new; kFull where there is no room for it.
  std::size_t add(unsigned number) {
    std::size_t slot = number * 0x9e3779b1U >> (32 - kBits);
    for (; slots_[slot] != kNone; slot = (slot + 1) % slots_.size()) {
      if (numbers_[slots_[slot]] == number) return slots_[slot];
    }
    if (size_ == kMax) return kFull;
    slots_[slot] = static_cast<std::uint16_t>(size_);
    used_[size_] = static_cast<std::uint16_t>(slot);
    numbers_[size_] = static_cast<std::uint16_t>(number);
    return size_++;
  }
  /// Index of `number`; kFull where it is not among them.
  std::size_t find(unsigned number) const {
    for (std::size_t slot = number * 0x9e3779b1U >> (32 - kBits); slots_[slot] != kNone;
         slot = (slot + 1) % slots_.size()) {
      if (numbers_[slots_[slot]] == number) return slots_[slot];
    }
    return kFull;
  }
  std::size_t size() const { return size_; }
  unsigned operator[](std::size_t i) const { return numbers_[i]; }

 private:
  static constexpr unsigned kBits = std::bit_width(4 * kMax - 1);  // a quarter full at most: few collisions
  static constexpr std::uint16_t kNone = 0xffff;

  std::array<std::uint16_t, std::size_t{1} << kBits> slots_;
  std::array<std::uint16_t, kMax> numbers_, used_;
  std::size_t size_ = 0;
};

/// Length of the run that begins at `at`, which is before `end`.
inline std::size_t run_at(const std::uint16_t* at, const std::uint16_t* end) {
  const std::uint16_t first = *at;
  const std::uint16_t* p = at + 1;
  const std::uint64_t four = first * 0x0001000100010001ULL;
  for (; end - p >= 4; p += 4) {
    std::uint64_t v;
    std::memcpy(&v, p, sizeof v);
    if (v != four)
      return static_cast<std::size_t>(p - at) + static_cast<std::size_t>(std::countr_zero(v ^ four)) / 16;
  }
  while (p < end && *p == first) ++p;
  return static_cast<std::size_t>(p - at);
}

}  // namespace amtgate::rfb
