#include "amtgate/rfb/pixel_translation.h"

#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "amtgate/base/writer.h"
#include "rgb565_loops.h"

namespace amtgate::rfb {
namespace {

// Pixels are loaded and stored whole; a device's are little-endian.
static_assert(std::endian::native == std::endian::little);

constexpr unsigned kFull = 65535;

/// round(v * to / from), halves up.
std::uint32_t rescale(std::uint32_t v, std::uint32_t to, std::uint32_t from) {
  return static_cast<std::uint32_t>((2 * std::uint64_t{v} * to + from) / (2 * std::uint64_t{from}));
}

/// A pixel of `f` as its bytes lie on the wire, the first one lowest.
std::uint32_t on_wire(std::uint32_t pixel, const PixelFormat& f) {
  if (!f.big_endian || f.bits_per_pixel == 8) return pixel;
  return f.bits_per_pixel == 16 ? __builtin_bswap16(static_cast<std::uint16_t>(pixel)) : __builtin_bswap32(pixel);
}

unsigned map_depth(const PixelFormat& f) {
  return f.depth >= 1 && f.depth <= 8 ? f.depth : 8;
}
/// Side of the cube of a colour map; 0 where there are only greys.
unsigned cube_side(unsigned depth) {
  if (depth <= 2) return 0;
  unsigned n = 2;
  while ((n + 1) * (n + 1) * (n + 1) <= 1U << depth) ++n;
  return n;
}

bool grey(const PixelFormat& f) {
  return f.true_colour && f.red_max > 0 && f.green_max == 0 && f.blue_max == 0;
}

/// The contribution of a component to the luminance of 0 to 255, in units of 1 / 2^bits; `weight` in thousandths.
std::uint32_t luma_part(unsigned v, unsigned from_max, unsigned weight, unsigned bits) {
  return static_cast<std::uint32_t>((std::uint64_t{v} * weight * 255U << bits) / (1000 * std::uint64_t{from_max}));
}
/// What rounds their sum. The parts were cut off at the last bit: the 3 give a sum that was halfway before its half
/// back.
std::uint32_t luma_half(unsigned bits) {
  return (1U << (bits - 1)) + 3;
}

}  // namespace

std::vector<MapColour> colour_map(const PixelFormat& format) {
  const unsigned depth = map_depth(format), side = cube_side(depth), size = 1U << depth;
  std::vector<MapColour> out;
  const auto level = [](unsigned i, unsigned of) { return static_cast<std::uint16_t>(rescale(i, kFull, of)); };
  for (unsigned r = 0; r < side; ++r) {
    for (unsigned g = 0; g < side; ++g) {
      for (unsigned b = 0; b < side; ++b) out.push_back({level(r, side - 1), level(g, side - 1), level(b, side - 1)});
    }
  }
  const unsigned greys = size - static_cast<unsigned>(out.size());
  for (unsigned i = 0; i < greys; ++i) {
    // The cube has black and white already.
    const std::uint16_t v = side > 0 ? level(i + 1, greys + 1) : level(i, greys - 1);
    out.push_back({v, v, v});
  }
  return out;
}

void encode_colour_map(Buffer& out, const std::vector<MapColour>& colours) {
  assert(colours.size() <= kFull);
  Writer w(out);
  w.u8(1).u8(0).be16(0).be16(static_cast<unsigned>(colours.size()));
  for (const MapColour& c : colours) w.be16(c.red).be16(c.green).be16(c.blue);
}

Result<PixelTranslation> PixelTranslation::make(const PixelFormat& from, const PixelFormat& to) {
  if (!device_format(from) || !valid(to)) {
    return Error{Errc::Unsupported, "pixels of " + to_string(from) + " as " + to_string(to)};
  }
  PixelTranslation t;
  t.from_ = from;
  t.to_ = to;
  const bool from_grey = grey(from);

  // A grey of 0 to `max` in the viewer's format.
  std::vector<MapColour> map;
  if (!to.true_colour) map = colour_map(to);
  const auto from_level = [&](unsigned v, unsigned max) -> std::uint32_t {
    if (to.true_colour) {
      const std::uint32_t red = rescale(v, to.red_max, max) << to.red_shift;
      if (grey(to)) return on_wire(red, to);
      return on_wire(
          red | rescale(v, to.green_max, max) << to.green_shift | rescale(v, to.blue_max, max) << to.blue_shift, to);
    }
    const int wanted = static_cast<int>(rescale(v, kFull, max));
    std::size_t best = 0;
    for (std::size_t i = 0; i < map.size(); ++i) {
      if (map[i].red != map[i].green || map[i].red != map[i].blue) continue;
      if (std::abs(map[i].red - wanted) < std::abs(map[best].red - wanted)) best = i;
    }
    return static_cast<std::uint32_t>(best);
  };
  // A component of 0 to `max`: which of red, green, blue.
  const unsigned side = to.true_colour ? 0 : cube_side(map_depth(to));
  const bool luma = grey(to) || (!to.true_colour && side == 0);
  const auto component = [&](unsigned which, unsigned v, unsigned max) -> std::uint32_t {
    if (luma) {
      constexpr unsigned kWeights[] = {299, 587, 114};
      return luma_part(v, max, kWeights[which], kLumaBits) + (which == 0 ? luma_half(kLumaBits) : 0);
    }
    if (!to.true_colour) {
      const unsigned digit[] = {side * side, side, 1};
      return rescale(v, side - 1, max) * digit[which];
    }
    const std::uint32_t to_max[] = {to.red_max, to.green_max, to.blue_max};
    const unsigned shift[] = {to.red_shift, to.green_shift, to.blue_shift};
    if (to_max[which] == 0) return 0;
    return on_wire(rescale(v, to_max[which], max) << shift[which], to);
  };

  if (luma && !from_grey) {
    for (unsigned i = 0; i < 256; ++i) t.table_[i] = from_level(i, 255);
  }
  if (from.bits_per_pixel == 8) {
    t.kind_ = Kind::Table;
    std::array<std::uint32_t, 256> table{};
    for (unsigned i = 0; i < 256; ++i) {
      if (from_grey) {
        table[i] = from_level(i & from.red_max, from.red_max);
      } else {
        const std::uint32_t sum = component(0, i >> 5, 7) + component(1, i >> 2 & 7, 7) + component(2, i & 3, 3);
        table[i] = luma ? t.table_[sum >> kLumaBits] : sum;
      }
    }
    t.table_ = table;
  } else if (same_pixels(from, to)) {
    t.kind_ = Kind::Same;
  } else {
    t.kind_ = luma ? Kind::Luma : Kind::Sum;
    for (unsigned i = 0; i < 32; ++i) {
      t.red_[i] = component(0, i, 31);
      t.blue_[i] = component(2, i, 31);
    }
    for (unsigned i = 0; i < 64; ++i) t.green_[i] = component(1, i, 63);
  }
  t.translate_ = pick_loop(t);
  if (t.kind_ == Kind::Sum && to.bits_per_pixel <= 16) {
    const unsigned to_max[] = {to.true_colour ? to.red_max : side - 1, to.true_colour ? to.green_max : side - 1,
                               to.true_colour ? to.blue_max : side - 1};
    const unsigned factor[] = {to.true_colour ? 1U << to.red_shift : side * side,
                               to.true_colour ? 1U << to.green_shift : side,
                               to.true_colour ? 1U << to.blue_shift : 1};
    constexpr unsigned kFromMax[] = {31, 63, 31};
    bool all = true;
    for (unsigned i = 0; i < 3; ++i) {
      const std::optional<ComponentScale> scale = component_scale(kFromMax[i], to_max[i], factor[i]);
      all = all && scale;
      if (scale) t.scales_[i] = *scale;
    }
    if (all) t.translate_ = scaled_loop(to);
  }
  return t;
}

template <class Out>
void PixelTranslation::loop(const PixelTranslation& t, const std::uint8_t* in, std::uint8_t* out, std::size_t count) {
  const auto store = [&out](std::uint32_t pixel) {
    const auto v = static_cast<Out>(pixel);
    std::memcpy(out, &v, sizeof v);
    out += sizeof v;
  };
  if (t.kind_ == Kind::Table) {
    for (std::size_t i = 0; i < count; ++i) store(t.table_[in[i]]);
    return;
  }
  const auto load = [&in](std::size_t i) {
    std::uint16_t v;
    std::memcpy(&v, in + 2 * i, sizeof v);
    return static_cast<unsigned>(v);
  };
  if (t.kind_ == Kind::Sum) {
    for (std::size_t i = 0; i < count; ++i) {
      const unsigned v = load(i);
      store(t.red_[v >> 11] + t.green_[v >> 5 & 63] + t.blue_[v & 31]);
    }
    return;
  }
  for (std::size_t i = 0; i < count; ++i) store(t.pixel(load(i)));
}

PixelTranslation::Loop PixelTranslation::pick_loop(const PixelTranslation& t) {
  if (t.kind_ == Kind::Same) {
    return [](const PixelTranslation&, const std::uint8_t* in, std::uint8_t* out, std::size_t count) {
      if (count > 0) std::memcpy(out, in, 2 * count);
    };
  }
  const PixelFormat& f = t.to_;
  if (t.kind_ == Kind::Sum && f.bits_per_pixel == 32 && f.true_colour && f.red_max == 255 && f.green_max == 255 &&
      f.blue_max == 255 && f.red_shift % 8 == 0 && f.green_shift % 8 == 0 && f.blue_shift % 8 == 0) {
    const auto byte = [&](unsigned shift) { return f.big_endian ? 3 - shift / 8 : shift / 8; };
    if (const Rgb565Loop fast = rgb565_loop(byte(f.red_shift), byte(f.green_shift), byte(f.blue_shift))) return fast;
  }
  return f.bits_per_pixel == 8    ? &PixelTranslation::loop<std::uint8_t>
         : f.bits_per_pixel == 16 ? &PixelTranslation::loop<std::uint16_t>
                                  : &PixelTranslation::loop<std::uint32_t>;
}

PixelTranslation::Loop PixelTranslation::scaled_loop(const PixelFormat& to) {
  if (to.bits_per_pixel == 8) {
    return [](const PixelTranslation& t, const std::uint8_t* in, std::uint8_t* out, std::size_t count) {
      rgb565_to_bytes(t.scales_, in, out, count);
    };
  }
  if (to.big_endian) {
    return [](const PixelTranslation& t, const std::uint8_t* in, std::uint8_t* out, std::size_t count) {
      rgb565_to_swapped_words(t.scales_, in, out, count);
    };
  }
  return [](const PixelTranslation& t, const std::uint8_t* in, std::uint8_t* out, std::size_t count) {
    rgb565_to_words(t.scales_, in, out, count);
  };
}

void PixelTranslation::append(Buffer& out, const PixelView& view, const Rect& area) const {
  const std::size_t row = area.width * bytes_per_pixel();
  out.reserve(out.size() + row * area.height);
  for (unsigned y = 0; y < area.height; ++y) {
    // Row by row: what resize() clears is still in the cache when it is written.
    const std::size_t at = out.size();
    out.resize(at + row);
    translate(view.at(area.x, area.y + y), out.data() + at, area.width);
  }
}

}  // namespace amtgate::rfb
