#include "rgb565_loops.h"

#include <algorithm>
#include <cstring>

namespace amtgate::rfb {
namespace {

// Vectors as GCC and clang have them on every machine: SSE2, NEON, or plain registers.
template <std::size_t kBytes>
struct Vector {
  using Type __attribute__((vector_size(kBytes))) = std::uint16_t;
};
using Words = Vector<16>::Type;
constexpr std::size_t kLanes = 8;

// Always inlined: then they are compiled for what their caller may use, and no vector is passed by value.
#define AMTGATE_INLINE [[gnu::always_inline]] inline

// round(v * 255 / 31) and round(v * 255 / 63), exact for every v (the test asks for all), and within 16 bits.
template <class T>
AMTGATE_INLINE void from5(T& v) {
  v = (v * 527 + 23) >> 6;
}
template <class T>
AMTGATE_INLINE void from6(T& v) {
  v = (v * 259 + 33) >> 6;
}

/// Adds `v` (0 to 255) at byte kByte of a pixel to the pixel's half kHalf.
template <unsigned kByte, unsigned kHalf, class T>
AMTGATE_INLINE void add_to_half(T& sum, const T& v) {
  if constexpr (kByte / 2 == kHalf) sum |= kByte % 2 == 0 ? v : v << 8;
}

template <class T>
AMTGATE_INLINE void components(const T& pixel, T& r, T& g, T& b) {
  r = pixel >> 11;
  g = pixel >> 5 & 63;
  b = pixel & 31;
  from5(r);
  from6(g);
  from5(b);
}

/// As many pixels as go into vectors of kBytes; moves `in`, `out` and `count` on.
template <std::size_t kBytes, unsigned kRed, unsigned kGreen, unsigned kBlue>
AMTGATE_INLINE void vectors(const std::uint8_t*& in, std::uint8_t*& out, std::size_t& count) {
  using V = typename Vector<kBytes>::Type;
  for (; count >= kBytes / 2; count -= kBytes / 2) {
    V v, r, g, b, low{}, high{}, first, second;
    std::memcpy(&v, in, kBytes);
    components(v, r, g, b);
    add_to_half<kRed, 0>(low, r), add_to_half<kGreen, 0>(low, g), add_to_half<kBlue, 0>(low, b);
    add_to_half<kRed, 1>(high, r), add_to_half<kGreen, 1>(high, g), add_to_half<kBlue, 1>(high, b);
    if constexpr (kBytes == 16) {
      first = __builtin_shufflevector(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
      second = __builtin_shufflevector(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
    } else {
      first = __builtin_shufflevector(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      second = __builtin_shufflevector(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    std::memcpy(out, &first, kBytes);
    std::memcpy(out + kBytes, &second, kBytes);
    in += kBytes;
    out += 2 * kBytes;
  }
}

template <unsigned kRed, unsigned kGreen, unsigned kBlue>
void loop(const PixelTranslation&, const std::uint8_t* in, std::uint8_t* out, std::size_t count) {
  vectors<16, kRed, kGreen, kBlue>(in, out, count);
  for (; count > 0; --count, in += 2, out += 4) {
    std::uint16_t v;
    std::memcpy(&v, in, sizeof v);
    std::uint32_t r, g, b;
    components<std::uint32_t>(v, r, g, b);
    const std::uint32_t pixel = r << 8 * kRed | g << 8 * kGreen | b << 8 * kBlue;
    std::memcpy(out, &pixel, sizeof pixel);
  }
}

#ifdef __x86_64__
template <unsigned kRed, unsigned kGreen, unsigned kBlue>
[[gnu::target("avx2")]] void wide_loop(const PixelTranslation& unused, const std::uint8_t* in, std::uint8_t* out,
                                       std::size_t count) {
  vectors<32, kRed, kGreen, kBlue>(in, out, count);
  loop<kRed, kGreen, kBlue>(unused, in, out, count);
}
#endif

/// The one for this processor.
template <unsigned kRed, unsigned kGreen, unsigned kBlue>
Rgb565Loop best_loop() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) return &wide_loop<kRed, kGreen, kBlue>;
#endif
  return &loop<kRed, kGreen, kBlue>;
}

/// `T` is Words or one number.
template <class T>
inline T scaled(T v, const ComponentScale& s) {
  const T product = v * s.multiplier + s.add;
  return (product >> s.shift) * s.factor;
}
template <class T>
inline T scaled(T pixel, const std::array<ComponentScale, 3>& s) {
  return scaled<T>(pixel >> 11, s[0]) + scaled<T>(pixel >> 5 & 63, s[1]) + scaled<T>(pixel & 31, s[2]);
}

/// Calls `eight` for 8 pixels at a time, then `one` for each that is left.
template <class Eight, class One>
inline void each(const std::array<ComponentScale, 3>& scales, const std::uint8_t* in, std::size_t count, Eight eight,
                 One one) {
  const std::array<ComponentScale, 3> s = scales;  // what is written cannot change it
  for (; count >= kLanes; count -= kLanes, in += sizeof(Words)) {
    Words v;
    std::memcpy(&v, in, sizeof v);
    eight(scaled(v, s));
  }
  for (; count > 0; --count, in += 2) {
    std::uint16_t v;
    std::memcpy(&v, in, sizeof v);
    one(scaled<std::uint32_t>(v, s));
  }
}

}  // namespace

std::optional<ComponentScale> component_scale(unsigned from, unsigned to, unsigned factor) {
  if (to == 0) return ComponentScale{};
  for (unsigned shift = 0; shift <= 10; ++shift) {
    const unsigned near = (to << shift) / from;
    for (unsigned multiplier = near; multiplier <= near + 1; ++multiplier) {
      // What may be added lies between these, so that every v comes out right.
      std::int64_t least = 0, most = 65535 - std::int64_t{from} * multiplier;
      for (unsigned v = 0; v <= from; ++v) {
        const std::int64_t want = (2 * v * to + from) / (2 * from), product = std::int64_t{v} * multiplier;
        least = std::max(least, (want << shift) - product);
        most = std::min(most, ((want + 1) << shift) - 1 - product);
      }
      if (least > most) continue;
      return ComponentScale{static_cast<std::uint16_t>(multiplier), static_cast<std::uint16_t>(least),
                            static_cast<std::uint16_t>(factor), static_cast<std::uint8_t>(shift)};
    }
  }
  return std::nullopt;
}

void rgb565_to_words(const std::array<ComponentScale, 3>& scales, const std::uint8_t* in, std::uint8_t* out,
                     std::size_t count) {
  each(
      scales, in, count,
      [&out](Words v) {
        std::memcpy(out, &v, sizeof v);
        out += sizeof v;
      },
      [&out](std::uint32_t v) {
        *out++ = static_cast<std::uint8_t>(v);
        *out++ = static_cast<std::uint8_t>(v >> 8);
      });
}

void rgb565_to_swapped_words(const std::array<ComponentScale, 3>& scales, const std::uint8_t* in, std::uint8_t* out,
                             std::size_t count) {
  each(
      scales, in, count,
      [&out](Words v) {
        const Words swapped = v << 8 | v >> 8;
        std::memcpy(out, &swapped, sizeof swapped);
        out += sizeof swapped;
      },
      [&out](std::uint32_t v) {
        *out++ = static_cast<std::uint8_t>(v >> 8);
        *out++ = static_cast<std::uint8_t>(v);
      });
}

void rgb565_to_bytes(const std::array<ComponentScale, 3>& scales, const std::uint8_t* in, std::uint8_t* out,
                     std::size_t count) {
  each(
      scales, in, count,
      [&out](Words v) {
        using Octets = std::uint8_t __attribute__((vector_size(8)));
        const Octets low = __builtin_convertvector(v, Octets);
        std::memcpy(out, &low, sizeof low);
        out += sizeof low;
      },
      [&out](std::uint32_t v) { *out++ = static_cast<std::uint8_t>(v); });
}

Rgb565Loop rgb565_loop(unsigned red, unsigned green, unsigned blue) {
  const unsigned order = red << 8 | green << 4 | blue;
  switch (order) {
    case 0x210: return best_loop<2, 1, 0>();
    case 0x012: return best_loop<0, 1, 2>();
    case 0x123: return best_loop<1, 2, 3>();
    case 0x321: return best_loop<3, 2, 1>();
    default: return nullptr;
  }
}

}  // namespace amtgate::rfb
