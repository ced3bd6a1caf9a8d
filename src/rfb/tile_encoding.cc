#include "tile_encoding.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "amtgate/base/writer.h"

namespace amtgate::rfb {
namespace {

constexpr unsigned kRawTile = 0, kSolid = 1, kReusePacked = 127, kPlainRuns = 128, kReuseRuns = 129;
constexpr unsigned kPaletteRuns = 128;
constexpr unsigned kTrleSide = 16;

/// What a byte of each shape counts when the shortest is chosen. Through deflate packed pixels shrink most, since
/// letters come again at the same bits, and runs least (measured on consoles and desktops).
struct Weights {
  std::size_t raw, runs, packed;
};
constexpr Weights kPlainWeights{1, 1, 1}, kDeflatedWeights{15, 20, 6};

unsigned index_bits(std::size_t colours) {
  if (colours <= 2) return 1;
  return colours <= 4 ? 2 : 4;
}
/// Bytes of the indices of packed pixels.
std::size_t packed_bytes(const Rect& area, std::size_t colours) {
  return (area.width * index_bits(colours) + 7) / 8 * area.height;
}
/// Bytes of a run's length: 255s and a rest.
std::size_t length_bytes(std::size_t length) {
  return (length - 1) / 255 + 1;
}
std::uint8_t* write_length(std::uint8_t* out, std::size_t length) {
  for (--length; length >= 255; length -= 255) *out++ = 255;
  *out++ = static_cast<std::uint8_t>(length);
  return out;
}

template <class Call>
void each_tile(const Rect& area, unsigned side, Call call) {
  for (unsigned y = 0; y < area.height; y += side) {
    for (unsigned x = 0; x < area.width; x += side) {
      call(Rect{static_cast<std::uint16_t>(area.x + x), static_cast<std::uint16_t>(area.y + y),
                static_cast<std::uint16_t>(std::min<unsigned>(side, area.width - x)),
                static_cast<std::uint16_t>(std::min<unsigned>(side, area.height - y))});
    }
  }
}

}  // namespace

void TileWriter::find_runs(std::size_t count) {
  palette_.clear();
  overflowed_ = false;
  runs_ = 0;
  for (const std::uint16_t *p = numbers_.data(), *end = p + count; p < end;) {
    const std::size_t length = run_at(p, end);
    std::size_t index = 0;
    if (!overflowed_) {
      index = palette_.add(*p);
      overflowed_ = index == palette_.kFull;
    }
    run_[runs_++] = {*p, static_cast<std::uint16_t>(length), static_cast<std::uint16_t>(index)};
    p += length;
  }
}

bool TileWriter::last_palette_serves(bool packed) const {
  // From a tile of the same shape only: whether it may be another is read in two ways.
  if (kind_ != Kind::Trle || last_.size() < palette_.size() || last_packed_ != packed) return false;
  if (packed && index_bits(last_.size()) != index_bits(palette_.size())) return false;
  for (std::size_t i = 0; i < palette_.size(); ++i) {
    if (last_.find(palette_[i]) == last_.kFull) return false;
  }
  return true;
}

std::uint8_t* TileWriter::write_palette(std::uint8_t* out) const {
  for (std::size_t i = 0; i < palette_.size(); ++i) out = pixels_.put(out, palette_[i]);
  return out;
}

std::uint8_t* TileWriter::write_packed(std::uint8_t* out, const Rect& area) {
  std::uint8_t* at = indices_.data();
  for (std::size_t i = 0; i < runs_; ++i) {
    std::memset(at, run_[i].index, run_[i].length);
    at += run_[i].length;
  }
  const unsigned bits = index_bits(palette_.size()), in_byte = 8 / bits;
  const std::uint8_t* index = indices_.data();
  for (unsigned y = 0; y < area.height; ++y) {
    unsigned x = 0;
    for (; x + in_byte <= area.width; x += in_byte) {
      unsigned byte = 0;
      for (unsigned i = 0; i < in_byte; ++i) byte = byte << bits | *index++;
      *out++ = static_cast<std::uint8_t>(byte);
    }
    if (x < area.width) {
      unsigned byte = 0;
      for (unsigned i = 0; i < in_byte; ++i) byte = byte << bits | (x + i < area.width ? *index++ : 0);
      *out++ = static_cast<std::uint8_t>(byte);
    }
  }
  return out;
}

Bytes TileWriter::passed_on(const PixelView& view, const Rect& area) {
  if (kind_ != Kind::Zrle || view.tiles == nullptr) return {};
  const Bytes tile = view.tiles->find(area);
  if (tile.empty()) return {};
  const std::size_t device_pixel = view.bytes_per_pixel(), colours = palette_size(tile[0]);
  const Bytes rest = tile.subspan(1 + colours * device_pixel);
  // AMT counts bytes before deflate when it chooses runs.
  if (tile[0] > kPaletteRuns && colours <= kMaxPacked &&
      rest.size() * kDeflatedWeights.runs > packed_bytes(area, colours) * kDeflatedWeights.packed) {
    return {};
  }
  std::uint8_t* out = bytes_.data();
  *out++ = tile[0];
  const std::uint8_t* in = tile.data() + 1;
  for (std::size_t i = 0; i < colours; ++i, in += device_pixel) {
    out = pixels_.put(out, device_pixel == 1 ? in[0] : static_cast<unsigned>(in[0] | in[1] << 8));
  }
  out = std::copy(rest.begin(), rest.end(), out);
  return {bytes_.data(), out};
}

Bytes TileWriter::tile(const PixelView& view, const Rect& area) {
  assert(!area.empty() && area.width <= kMaxSide && area.height <= kMaxSide);
  if (const Bytes made = passed_on(view, area); !made.empty()) return made;
  const std::size_t count = std::size_t{area.width} * area.height, pixel = pixels_.bytes();
  load_numbers(view, area, numbers_.data());
  find_runs(count);
  std::uint8_t* const begin = bytes_.data();
  std::uint8_t* out = begin;
  const auto u8 = [&](std::size_t v) { *out++ = static_cast<std::uint8_t>(v); };
  const auto done = [&] { return Bytes(begin, out); };
  if (runs_ == 1) {
    u8(kSolid);
    out = pixels_.put(out, numbers_[0]);
    last_.clear();
    return done();
  }

  const std::size_t none = ~std::size_t{0};
  std::size_t raw = count * pixel, plain = 0, indexed = palette_.size() * pixel, packed = indexed;
  for (std::size_t i = 0; i < runs_; ++i) {
    const std::size_t length = run_[i].length, bytes = length_bytes(length);
    plain += pixel + bytes;
    indexed += length == 1 ? 1 : 1 + bytes;
  }
  if (overflowed_) indexed = none;
  if (overflowed_ || palette_.size() > kMaxPacked) {
    packed = none;
  } else {
    packed += packed_bytes(area, palette_.size());
  }
  const Weights& weights = kind_ == Kind::Zrle ? kDeflatedWeights : kPlainWeights;
  raw *= weights.raw;
  plain *= weights.runs;
  if (indexed != none) indexed *= weights.runs;
  if (packed != none) packed *= weights.packed;
  const std::size_t best = std::min({raw, plain, indexed, packed});

  const bool reuse = best != raw && best != plain && last_palette_serves(best == packed);
  if (reuse) {
    for (std::size_t i = 0; i < runs_; ++i) run_[i].index = static_cast<std::uint16_t>(last_.find(run_[i].number));
    palette_ = last_;
  }

  if (best == packed) {
    u8(reuse ? kReusePacked : palette_.size());
    if (!reuse) out = write_palette(out);
    out = write_packed(out, area);
  } else if (best == indexed) {
    u8(reuse ? kReuseRuns : kPaletteRuns + palette_.size());
    if (!reuse) out = write_palette(out);
    for (std::size_t i = 0; i < runs_; ++i) {
      const Run& run = run_[i];
      u8(run.length == 1 ? run.index : run.index | 0x80U);
      if (run.length > 1) out = write_length(out, run.length);
    }
  } else if (best == plain) {
    u8(kPlainRuns);
    for (std::size_t i = 0; i < runs_; ++i) {
      out = pixels_.put(out, run_[i].number);
      out = write_length(out, run_[i].length);
    }
  } else {
    u8(kRawTile);
    out = pixels_.put(out, view, area);
  }
  if (kind_ == Kind::Trle) {
    last_.clear();
    last_packed_ = best == packed;
    if (best != raw && best != plain) std::swap(last_, palette_);
  }
  return done();
}

void encode_trle(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t) {
  const WirePixels pixels = WirePixels::compact(t);
  TileWriter writer(pixels, TileWriter::Kind::Trle);
  each_tile(area, kTrleSide, [&](const Rect& tile) { append(out, writer.tile(view, tile)); });
}

void encode_zrle(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t,
                 DeflateStream& stream) {
  const WirePixels pixels = WirePixels::compact(t);
  TileWriter writer(pixels, TileWriter::Kind::Zrle);
  const std::size_t start = out.size();
  Writer(out).be32(0);
  each_tile(area, TileWriter::kMaxSide, [&](const Rect& tile) {
    const Bytes bytes = writer.tile(view, tile);
    if (bytes.size() > DeflateStream::kColourfulBlock) {
      stream.add_blocks(out, bytes, DeflateStream::kColourfulBlock);
    } else {
      stream.add(out, bytes);
    }
  });
  stream.flush(out);
  const std::size_t length = out.size() - start - 4;
  for (std::size_t i = 0; i < 4; ++i) out[start + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
}

}  // namespace amtgate::rfb
