#include "rgb565_loops.h"

#include <algorithm>
#include <cstring>

namespace amtgate::rfb {
namespace {

// Vectors as GCC and clang have them on every machine: SSE2, NEON, or plain registers.
using Words = std::uint16_t __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 8;

// round(v * 255 / 31) and round(v * 255 / 63), exact for every v (the test asks for all), and within 16 bits.
template <class T>
inline T from5(T v) {
  return (v * 527 + 23) >> 6;
}
template <class T>
inline T from6(T v) {
  return (v * 259 + 33) >> 6;
}

/// `v` (0 to 255) at byte kByte of a pixel, seen as the half of it that kHalf says.
template <unsigned kByte, unsigned kHalf>
inline Words half(Words v) {
  if constexpr (kByte / 2 != kHalf) return Words{};
  return kByte % 2 == 0 ? v : v << 8;
}

template <unsigned kRed, unsigned kGreen, unsigned kBlue>
void loop(const PixelTranslation&, const std::uint8_t* in, std::uint8_t* out, std::size_t count) {
  for (; count >= kLanes; count -= kLanes) {
    Words v;
    std::memcpy(&v, in, sizeof v);
    const Words r = from5<Words>(v >> 11), g = from6<Words>(v >> 5 & 63), b = from5<Words>(v & 31);
    const Words low = half<kRed, 0>(r) | half<kGreen, 0>(g) | half<kBlue, 0>(b);
    const Words high = half<kRed, 1>(r) | half<kGreen, 1>(g) | half<kBlue, 1>(b);
    const Words first = __builtin_shufflevector(low, high, 0, 8, 1, 9, 2, 10, 3, 11);
    const Words second = __builtin_shufflevector(low, high, 4, 12, 5, 13, 6, 14, 7, 15);
    std::memcpy(out, &first, sizeof first);
    std::memcpy(out + sizeof first, &second, sizeof second);
    in += sizeof v;
    out += 2 * sizeof v;
  }
  for (; count > 0; --count, in += 2, out += 4) {
    std::uint16_t v;
    std::memcpy(&v, in, sizeof v);
    const std::uint32_t r = from5<std::uint32_t>(v >> 11), g = from6<std::uint32_t>(v >> 5 & 63),
                        b = from5<std::uint32_t>(v & 31);
    const std::uint32_t pixel = r << 8 * kRed | g << 8 * kGreen | b << 8 * kBlue;
    std::memcpy(out, &pixel, sizeof pixel);
  }
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
    case 0x210: return &loop<2, 1, 0>;
    case 0x012: return &loop<0, 1, 2>;
    case 0x123: return &loop<1, 2, 3>;
    case 0x321: return &loop<3, 2, 1>;
    default: return nullptr;
  }
}

}  // namespace amtgate::rfb
