// One ZRLE tile: from bytes to pixels and back. The deflate layer around it is in zrle.cc.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "amtgate/base/reader.h"
#include "amtgate/rfb/zrle.h"

namespace amtgate::rfb {
namespace {

constexpr unsigned kRaw = 0, kSolid = 1, kMaxPacked = 16, kPlainRuns = 128, kPaletteRuns = 128;
constexpr std::size_t kMaxPalette = 127;

unsigned index_bits(std::size_t colours) {
  if (colours <= 2) return 1;
  return colours <= 4 ? 2 : 4;
}

/// `bytes` is 1 or 2; pixels are copied as they lie on the wire.
class Pixels {
 public:
  Pixels(MutableBytes out, std::size_t bytes) : out_(out), bytes_(bytes) {}
  std::size_t left() const { return (out_.size() - at_) / bytes_; }
  /// `n` <= left().
  void put(Bytes pixel, std::size_t n) {
    if (bytes_ == 1) {
      std::fill_n(out_.begin() + static_cast<std::ptrdiff_t>(at_), n, pixel[0]);
      at_ += n;
      return;
    }
    for (; n > 0; --n) {
      out_[at_++] = pixel[0];
      out_[at_++] = pixel[1];
    }
  }
  void put_all(Bytes pixels) {
    std::copy(pixels.begin(), pixels.end(), out_.begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += pixels.size();
  }
  /// Room for the next `n` <= left(), to be filled by the caller.
  std::uint8_t* room(std::size_t n) {
    std::uint8_t* const out = out_.data() + at_;
    at_ += n * bytes_;
    return out;
  }

 private:
  MutableBytes out_;
  std::size_t bytes_;
  std::size_t at_ = 0;
};

Error bad(const char* what, unsigned sub) {
  return {Errc::BadValue, std::string("ZRLE tile: ") + what + " in sub-encoding " + std::to_string(sub)};
}

/// 1 + the sum of length bytes, of which all but the last are 255; 0 at the end of the input. `most` ends long ones.
std::size_t run_length(Reader& in, std::size_t most) {
  std::size_t run = 1;
  for (;;) {
    const unsigned b = in.u8();
    if (in.failed()) return 0;
    run += b;
    if (b != 255 || run > most) return run;
  }
}

/// The pixels of a packed palette, half a byte at a time: what a console shows is mostly that.
class Nibbles {
 public:
  Nibbles(Bytes palette, std::size_t colours, std::size_t bytes)
      : palette_(palette), colours_(colours), bytes_(bytes), bits_(index_bits(colours)) {
    for (unsigned v = 0; v < pixels_.size(); ++v) {
      for (unsigned i = 0; i < per_nibble(); ++i) {
        const std::size_t at = index(v, i);
        wrong_[v] |= at >= colours_;
        if (at < colours_) put(reinterpret_cast<std::uint8_t*>(&pixels_[v]) + i * bytes_, at);
      }
    }
  }
  /// `count` pixels, from the high bits of `in` down. False: an index outside the palette.
  bool unpack(const std::uint8_t* in, std::size_t count, std::uint8_t* out) const {
    const std::size_t nibbles = count / per_nibble();
    bool wrong = false;
    switch (per_nibble() * bytes_) {
      case 1: wrong = whole<1>(in, nibbles, out); break;
      case 2: wrong = whole<2>(in, nibbles, out); break;
      case 4: wrong = whole<4>(in, nibbles, out); break;
      default: wrong = whole<8>(in, nibbles, out); break;
    }
    out += nibbles * per_nibble() * bytes_;
    for (unsigned i = 0; i < count % per_nibble(); ++i) {  // less than a nibble is left
      const std::size_t at = index(nibble(in, nibbles), i);
      if (at >= colours_) return false;
      put(out + i * bytes_, at);
    }
    return !wrong;
  }

 private:
  unsigned per_nibble() const { return 4 / bits_; }
  std::size_t index(unsigned nibble, unsigned i) const {
    return nibble >> (4 - bits_ * (i + 1)) & ((1U << bits_) - 1);
  }
  static unsigned nibble(const std::uint8_t* in, std::size_t i) {
    return i % 2 == 0 ? in[i / 2] >> 4U : in[i / 2] & 15U;
  }
  void put(std::uint8_t* out, std::size_t index) const { std::memcpy(out, palette_.data() + index * bytes_, bytes_); }
  template <std::size_t kBytes>
  bool whole(const std::uint8_t* in, std::size_t nibbles, std::uint8_t* out) const {
    bool wrong = false;
    for (std::size_t i = 0; i < nibbles; ++i, out += kBytes) {
      const unsigned v = nibble(in, i);
      wrong |= wrong_[v];
      std::memcpy(out, &pixels_[v], kBytes);
    }
    return wrong;
  }

  Bytes palette_;
  std::size_t colours_, bytes_;
  unsigned bits_;
  std::array<std::uint64_t, 16> pixels_{};
  std::array<bool, 16> wrong_{};
};

Result<void> packed(Reader& in, Pixels& out, unsigned width, unsigned height, std::size_t bytes,
                    std::size_t colours) {
  const Bytes palette = in.take(colours * bytes);
  const unsigned bits = index_bits(colours);
  const std::size_t row = (width * bits + 7) / 8, count = std::size_t{width} * height;
  const std::size_t padded = row * height, tight = (count * bits + 7) / 8;
  const std::size_t have = in.remaining();
  const bool pad = have == padded || (have != tight && have > padded);
  const Bytes data = in.take(pad ? padded : tight);
  if (in.failed()) return bad("too few bytes", static_cast<unsigned>(colours));
  const Nibbles nibbles(palette, colours, bytes);
  bool right = true;
  if (pad) {
    for (unsigned y = 0; y < height; ++y) right &= nibbles.unpack(data.data() + row * y, width, out.room(width));
  } else {
    right = nibbles.unpack(data.data(), count, out.room(count));
  }
  if (!right) return bad("an index outside the palette", static_cast<unsigned>(colours));
  return {};
}

Result<void> runs(Reader& in, Pixels& out, std::size_t bytes) {
  while (out.left() > 0) {
    const Bytes pixel = in.take(bytes);
    const std::size_t run = run_length(in, out.left());
    if (in.failed()) return bad("too few bytes", kPlainRuns);
    if (run > out.left()) return bad("a run past the end", kPlainRuns);
    out.put(pixel, run);
  }
  return {};
}

Result<void> palette_runs(Reader& in, Pixels& out, std::size_t bytes, std::size_t colours) {
  const auto sub = static_cast<unsigned>(kPaletteRuns + colours);
  const Bytes palette = in.take(colours * bytes);
  while (out.left() > 0) {
    const unsigned b = in.u8();
    const std::size_t index = b & 0x7f;
    const std::size_t run = b & 0x80 ? run_length(in, out.left()) : 1;
    if (in.failed()) return bad("too few bytes", sub);
    if (index >= colours) return bad("an index outside the palette", sub);
    if (run > out.left()) return bad("a run past the end", sub);
    out.put(palette.subspan(index * bytes, bytes), run);
  }
  return {};
}

}  // namespace

Result<std::size_t> decode_tile(Bytes tile, unsigned width, unsigned height, std::size_t bytes_per_pixel,
                                MutableBytes pixels) {
  assert(bytes_per_pixel == 1 || bytes_per_pixel == 2);
  assert(pixels.size() == std::size_t{width} * height * bytes_per_pixel);
  Reader in(tile);
  Pixels out(pixels, bytes_per_pixel);
  const unsigned sub = in.u8();
  if (in.failed()) return Error{Errc::BadValue, "ZRLE tile: no bytes"};
  Result<void> done;
  if (sub == kRaw) {
    const Bytes all = in.take(pixels.size());
    if (in.failed()) return bad("too few bytes", sub);
    out.put_all(all);
  } else if (sub == kSolid) {
    const Bytes pixel = in.take(bytes_per_pixel);
    if (in.failed()) return bad("too few bytes", sub);
    out.put(pixel, out.left());
  } else if (sub <= kMaxPacked) {
    done = packed(in, out, width, height, bytes_per_pixel, sub);
  } else if (sub == kPlainRuns) {
    done = runs(in, out, bytes_per_pixel);
  } else if (sub >= kPaletteRuns + 2) {
    done = palette_runs(in, out, bytes_per_pixel, sub - kPaletteRuns);
  } else {
    return Error{Errc::BadValue, "ZRLE tile: sub-encoding " + std::to_string(sub) + " does not exist"};
  }
  if (!done) return done.error();
  return in.position();
}

namespace {

/// The colours of a tile in order of appearance, as long as there are few enough for a palette.
class Palette {
 public:
  Palette() { slots_.fill(kNone); }
  /// Index of `pixel`, added if it is new; kMaxPalette when there is no room.
  std::size_t index(unsigned pixel) {
    std::size_t slot = (pixel * 0x9e37U >> 4) % slots_.size();
    while (slots_[slot] != kNone) {
      if (colours_[slots_[slot]] == pixel) return slots_[slot];
      slot = (slot + 1) % slots_.size();
    }
    if (size_ == kMaxPalette) {
      full_ = true;
      return kMaxPalette;
    }
    slots_[slot] = static_cast<std::uint8_t>(size_);
    colours_[size_] = static_cast<std::uint16_t>(pixel);
    return size_++;
  }
  std::size_t size() const { return size_; }
  bool overflowed() const { return full_; }
  unsigned colour(std::size_t i) const { return colours_[i]; }

 private:
  static constexpr std::uint8_t kNone = 0xff;
  std::array<std::uint8_t, 512> slots_;
  std::array<std::uint16_t, kMaxPalette> colours_{};
  std::size_t size_ = 0;
  bool full_ = false;
};

class TileWriter {
 public:
  TileWriter(Buffer& out, std::size_t bytes) : out_(out), bytes_(bytes) {}
  void u8(std::size_t v) { out_.push_back(static_cast<std::uint8_t>(v)); }
  void pixel(unsigned v) {
    u8(v & 0xff);
    if (bytes_ == 2) u8(v >> 8);
  }
  void run(std::size_t length) {
    for (--length; length >= 255; length -= 255) u8(255);
    u8(length);
  }

 private:
  Buffer& out_;
  std::size_t bytes_;
};

std::size_t run_bytes(std::size_t length) {
  return (length - 1) / 255 + 1;
}

}  // namespace

TileKind encode_tile(Buffer& out, Bytes pixels, unsigned width, unsigned height, std::size_t bytes_per_pixel,
                     std::optional<TileKind> kind) {
  const std::size_t count = std::size_t{width} * height;
  assert(count > 0 && pixels.size() == count * bytes_per_pixel);
  const auto at = [&](std::size_t i) -> unsigned {
    return bytes_per_pixel == 1 ? pixels[i] : pixels[2 * i] | static_cast<unsigned>(pixels[2 * i + 1]) << 8U;
  };
  const auto each_run = [&](auto call) {
    for (std::size_t i = 0; i < count;) {
      std::size_t end = i + 1;
      while (end < count && at(end) == at(i)) ++end;
      call(at(i), end - i);
      i = end;
    }
  };

  Palette palette;
  std::size_t plain = 1, indexed = 1;
  each_run([&](unsigned colour, std::size_t length) {
    palette.index(colour);
    plain += bytes_per_pixel + run_bytes(length);
    indexed += length == 1 ? 1 : 1 + run_bytes(length);
  });
  const std::size_t colours = palette.size();
  indexed += colours * bytes_per_pixel;
  const bool can_index = !palette.overflowed() && colours >= 2, can_pack = can_index && colours <= kMaxPacked;
  const unsigned bits = index_bits(colours);
  const std::size_t row = (width * bits + 7) / 8;
  const std::size_t raw = 1 + pixels.size(), packed_size = 1 + colours * bytes_per_pixel + row * height;

  const auto possible = [&](TileKind k) {
    if (k == TileKind::Solid) return !palette.overflowed() && colours == 1;
    if (k == TileKind::Packed) return can_pack;
    return k == TileKind::PaletteRuns ? can_index : true;
  };
  if (!kind || !possible(*kind)) {
    kind = TileKind::Raw;
    std::size_t best = raw;
    const auto better = [&](TileKind k, std::size_t size) {
      if (size < best && possible(k)) {
        best = size;
        kind = k;
      }
    };
    better(TileKind::PlainRuns, plain);
    better(TileKind::PaletteRuns, indexed);
    if (width * bits % 8 == 0) better(TileKind::Packed, packed_size);
    if (possible(TileKind::Solid)) kind = TileKind::Solid;
  }

  TileWriter w(out, bytes_per_pixel);
  const auto write_palette = [&] {
    for (std::size_t i = 0; i < colours; ++i) w.pixel(palette.colour(i));
  };
  switch (*kind) {
    case TileKind::Raw:
      w.u8(kRaw);
      append(out, pixels);
      break;
    case TileKind::Solid:
      w.u8(kSolid);
      w.pixel(at(0));
      break;
    case TileKind::Packed:
      w.u8(colours);
      write_palette();
      for (unsigned y = 0; y < height; ++y) {
        unsigned byte = 0, filled = 0;
        for (unsigned x = 0; x < width; ++x) {
          byte = byte << bits | static_cast<unsigned>(palette.index(at(std::size_t{y} * width + x)));
          filled += bits;
          if (filled == 8) {
            w.u8(byte & 0xff);
            byte = filled = 0;
          }
        }
        if (filled > 0) w.u8(byte << (8 - filled) & 0xff);
      }
      break;
    case TileKind::PlainRuns:
      w.u8(kPlainRuns);
      each_run([&](unsigned colour, std::size_t length) {
        w.pixel(colour);
        w.run(length);
      });
      break;
    case TileKind::PaletteRuns:
      w.u8(kPaletteRuns + colours);
      write_palette();
      each_run([&](unsigned colour, std::size_t length) {
        const std::size_t index = palette.index(colour);
        w.u8(length == 1 ? index : index | 0x80);
        if (length > 1) w.run(length);
      });
      break;
  }
  return *kind;
}

}  // namespace amtgate::rfb
