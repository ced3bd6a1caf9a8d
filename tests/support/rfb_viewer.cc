#include "tests/support/rfb_viewer.h"

#include <turbojpeg.h>

#include <algorithm>

namespace amtgate::test {

using rfb::PixelFormat;
using rfb::Rect;

struct RfbViewer::Inflate {
  Inflate() { inflateInit(&stream); }
  ~Inflate() { inflateEnd(&stream); }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;
  z_stream stream{};
};

RfbViewer::RfbViewer(rfb::Size size, const PixelFormat& format) : format_(format) {
  resize(size);
}
RfbViewer::~RfbViewer() = default;

void RfbViewer::resize(rfb::Size size) {
  size_ = size;
  frame_.assign(std::size_t{size.width} * size.height, ViewerColour{});
}

RfbViewer::Step RfbViewer::wrong(const std::string& what) {
  if (error_.empty()) error_ = what;
  return Step::Wrong;
}

bool RfbViewer::feed(Bytes in) {
  if (!error_.empty()) return false;
  append(buffer_, in);
  std::size_t used = 0;
  while (used < buffer_.size() || (in_update_ && left_ == 0)) {
    Reader r(Bytes(buffer_).subspan(used));
    const Step step = in_update_ ? rectangle(r) : message(r);
    if (step == Step::Wrong) return false;
    if (step == Step::More) break;
    used += r.position();
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used));
  return true;
}

RfbViewer::Step RfbViewer::message(Reader& in) {
  const unsigned type = in.u8();
  switch (type) {
    case 0:
      in.skip(1);
      left_ = in.be16();
      if (in.failed()) return Step::More;
      if (left_ == 65535) left_ = ~0U;  // until LastRect
      in_update_ = true;
      return Step::Done;
    case 1: {
      in.skip(1);
      const unsigned first = in.be16(), count = in.be16();
      Reader entries(in.take(std::size_t{6} * count));
      if (in.failed()) return Step::More;
      if (first + count > map_.size()) return wrong("colour map too long");
      for (unsigned i = 0; i < count; ++i) {
        ViewerColour& c = map_[first + i];
        c.red = entries.be16();
        c.green = entries.be16();
        c.blue = entries.be16();
      }
      ++maps_;
      return Step::Done;
    }
    case 2: ++bells_; return Step::Done;
    case 3: {
      in.skip(3);
      const Bytes text = in.take(in.be32());
      if (in.failed()) return Step::More;
      cut_texts_.emplace_back(as_text(text));
      return Step::Done;
    }
    case 150: ++ends_of_updates_; return Step::Done;
    case 248: {
      in.skip(3);
      const std::uint32_t flags = in.be32();
      const unsigned size = in.u8();
      const Bytes payload = in.take(size);
      if (in.failed()) return Step::More;
      if (size > 64) return wrong("a fence of more than 64 bytes");
      if ((flags & 0x80000000) == 0) {
        answered_fences_.emplace_back(as_text(payload));
        if (!formats_.empty()) {
          format_ = formats_.front();
          formats_.pop_front();
        }
        return Step::Done;
      }
      ++fence_requests_;
      Buffer answer{248, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(flags & 3), static_cast<std::uint8_t>(size)};
      append(answer, payload);
      fence_answers_.push_back(std::move(answer));
      return Step::Done;
    }
    default: return wrong("message of type " + std::to_string(type));
  }
}

RfbViewer::Step RfbViewer::rectangle(Reader& in) {
  if (left_ == 0) {
    in_update_ = false;
    ++updates_;
    return Step::Done;
  }
  Rectangle r;
  r.area.x = in.be16();
  r.area.y = in.be16();
  r.area.width = in.be16();
  r.area.height = in.be16();
  r.encoding = static_cast<std::int32_t>(in.be32());
  if (in.failed()) return Step::More;
  const Step step = r.encoding < 0 ? pseudo(in, r) : pixels(in, r);
  if (step != Step::Done) return step;
  rectangles_.push_back(r);
  if (left_ != ~0U) --left_;
  if (r.encoding == -224) left_ = 0;
  return step;
}

RfbViewer::Step RfbViewer::pseudo(Reader& in, const Rectangle& r) {
  switch (r.encoding) {
    case -223: resize({r.area.width, r.area.height}); return Step::Done;
    case -224: return Step::Done;
    case -239:
      in.skip(r.area.width * format_.bytes_per_pixel() * r.area.height + (r.area.width + 7U) / 8 * r.area.height);
      if (in.failed()) return Step::More;
      ++cursors_;
      return Step::Done;
    case -258: qemu_keys_ = true; return Step::Done;
    case -307: {
      const Bytes text = in.take(in.be32());
      if (in.failed()) return Step::More;
      name_ = std::string(as_text(text));
      return Step::Done;
    }
    case -308: {
      const unsigned screens = in.u8();
      in.skip(3 + std::size_t{16} * screens);
      if (in.failed()) return Step::More;
      if (r.area.y == 0 && size_ != rfb::Size{r.area.width, r.area.height}) resize({r.area.width, r.area.height});
      return Step::Done;
    }
    default: return wrong("rectangle of pseudo-encoding " + std::to_string(r.encoding));
  }
}

RfbViewer::Step RfbViewer::pixels(Reader& in, const Rectangle& r) {
  if (r.area.x + r.area.width > size_.width || r.area.y + r.area.height > size_.height) {
    return wrong("rectangle outside of the screen");
  }
  switch (r.encoding) {
    case 0: return raw(in, r.area);
    case 1: return copy(in, r.area);
    case 2: return rre(in, r.area, false);
    case 4: return rre(in, r.area, true);
    case 5: return hextile(in, r.area);
    case 6: return zlib(in, r.area);
    case 7: return tight(in, r.area);
    case 15: return tiles(in, r.area, 16);
    case 16: return zrle(in, r.area);
    default: return wrong("rectangle of encoding " + std::to_string(r.encoding));
  }
}

ViewerColour RfbViewer::colour(std::uint32_t pixel, const PixelFormat& f, const std::array<ViewerColour, 256>& map) {
  if (!f.true_colour) return map[pixel & 0xff];
  const auto part = [&](unsigned max, unsigned shift) {
    return static_cast<std::uint16_t>(max == 0 ? 0 : ((pixel >> shift & max) * 65535ULL + max / 2) / max);
  };
  return {part(f.red_max, f.red_shift), part(f.green_max, f.green_shift), part(f.blue_max, f.blue_shift)};
}

ViewerColour RfbViewer::pixel(Reader& in) const {
  std::uint32_t v = 0;
  const Bytes bytes = in.take(format_.bytes_per_pixel());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    v |= std::uint32_t{bytes[i]} << 8 * (format_.big_endian ? bytes.size() - 1 - i : i);
  }
  return colour(v, format_, map_);
}

ViewerColour RfbViewer::compact_pixel(Reader& in) const {
  const PixelFormat& f = format_;
  if (f.bits_per_pixel != 32 || !f.true_colour) return pixel(in);
  std::uint32_t used = 0;
  used |= std::uint32_t{f.red_max} << f.red_shift;
  used |= std::uint32_t{f.green_max} << f.green_shift;
  used |= std::uint32_t{f.blue_max} << f.blue_shift;
  const bool low = (used & 0xff000000) == 0, high = (used & 0xff) == 0;
  if (!low && !high) return pixel(in);
  const Bytes b = in.take(3);
  if (in.failed()) return {};
  // Where both would do, the bytes that come first on the wire.
  const bool take_low = low && (!high || !f.big_endian);
  std::uint32_t v = f.big_endian ? std::uint32_t{b[0]} << 16 | std::uint32_t{b[1]} << 8 | b[2]
                                 : std::uint32_t{b[2]} << 16 | std::uint32_t{b[1]} << 8 | b[0];
  if (!take_low) v <<= 8;
  return colour(v, f, map_);
}

std::size_t RfbViewer::tight_bytes() const {
  const PixelFormat& f = format_;
  const bool three = f.true_colour && f.bits_per_pixel == 32 && f.depth == 24 && f.red_max == 255 &&
                     f.green_max == 255 && f.blue_max == 255;
  return three ? 3 : f.bytes_per_pixel();
}

ViewerColour RfbViewer::tight_pixel(Reader& in) const {
  if (tight_bytes() != 3) return pixel(in);
  const unsigned r = in.u8(), g = in.u8(), b = in.u8();
  return {static_cast<std::uint16_t>(r * 257), static_cast<std::uint16_t>(g * 257),
          static_cast<std::uint16_t>(b * 257)};
}

bool RfbViewer::inflate(const std::string& name, Bytes data, std::size_t size, Buffer& out) {
  z_stream& z = streams_[name].stream;
  out.resize(size + 1);
  z.next_in = const_cast<Bytef*>(data.data());
  z.avail_in = static_cast<uInt>(data.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  const int rc = ::inflate(&z, Z_SYNC_FLUSH);
  const std::size_t made = out.size() - z.avail_out;
  out.resize(made);
  if (rc == Z_OK && z.avail_in == 0 && made <= size) return true;
  wrong("stream " + name + " gives " + std::to_string(made) + " bytes, " + std::to_string(size) + " expected");
  return false;
}

void RfbViewer::fill(const Rect& a, const ViewerColour& c) {
  for (unsigned y = a.y; y < a.y + a.height; ++y) {
    std::fill_n(frame_.begin() + static_cast<std::ptrdiff_t>(std::size_t{y} * size_.width + a.x), a.width, c);
  }
}

void RfbViewer::put(const Rect& a, const Pixels& p) {
  for (unsigned y = 0; y < a.height; ++y) {
    std::copy_n(p.begin() + static_cast<std::ptrdiff_t>(std::size_t{y} * a.width), a.width,
                frame_.begin() + static_cast<std::ptrdiff_t>(std::size_t{a.y + y} * size_.width + a.x));
  }
}

RfbViewer::Step RfbViewer::raw(Reader& in, const Rect& a) {
  Reader data(in.take(a.width * format_.bytes_per_pixel() * a.height));
  if (in.failed()) return Step::More;
  Pixels out(std::size_t{a.width} * a.height);
  for (ViewerColour& c : out) c = pixel(data);
  put(a, out);
  return Step::Done;
}

RfbViewer::Step RfbViewer::copy(Reader& in, const Rect& a) {
  const unsigned from_x = in.be16(), from_y = in.be16();
  if (in.failed()) return Step::More;
  if (from_x + a.width > size_.width || from_y + a.height > size_.height) return wrong("CopyRect from outside");
  Pixels out;
  for (unsigned y = 0; y < a.height; ++y) {
    for (unsigned x = 0; x < a.width; ++x) out.push_back(at(from_x + x, from_y + y));
  }
  put(a, out);
  return Step::Done;
}

RfbViewer::Step RfbViewer::rre(Reader& in, const Rect& a, bool small) {
  const std::size_t count = in.be32(), each = format_.bytes_per_pixel() + (small ? 4 : 8);
  if (in.remaining() < format_.bytes_per_pixel() || count > in.remaining() / each) {
    return count > std::size_t{a.width} * a.height ? wrong("more rectangles than pixels") : Step::More;
  }
  if (in.remaining() < format_.bytes_per_pixel() + count * each) return Step::More;
  fill(a, pixel(in));
  for (std::size_t i = 0; i < count; ++i) {
    const ViewerColour c = pixel(in);
    Rect r;
    for (std::uint16_t* v : {&r.x, &r.y, &r.width, &r.height}) *v = small ? in.u8() : in.be16();
    if (r.empty() || r.x + r.width > a.width || r.y + r.height > a.height) return wrong("RRE outside of its area");
    r.x = static_cast<std::uint16_t>(r.x + a.x);
    r.y = static_cast<std::uint16_t>(r.y + a.y);
    fill(r, c);
  }
  return Step::Done;
}

RfbViewer::Step RfbViewer::hextile(Reader& in, const Rect& a) {
  std::optional<ViewerColour> background, foreground;
  for (unsigned y = 0; y < a.height; y += 16) {
    for (unsigned x = 0; x < a.width; x += 16) {
      const Rect tile{static_cast<std::uint16_t>(a.x + x), static_cast<std::uint16_t>(a.y + y),
                      static_cast<std::uint16_t>(std::min(16U, a.width - x)),
                      static_cast<std::uint16_t>(std::min(16U, a.height - y))};
      const unsigned how = in.u8();
      if (how & 1) {
        if (raw(in, tile) != Step::Done) return Step::More;
        background.reset();
        foreground.reset();
        continue;
      }
      if (how & 2) background = pixel(in);
      if (how & 4) foreground = pixel(in);
      const unsigned count = how & 8 ? in.u8() : 0;
      if (in.failed()) return Step::More;
      if (!background) return wrong("Hextile without a background");
      fill(tile, *background);
      for (unsigned i = 0; i < count; ++i) {
        const std::optional<ViewerColour> c = how & 16 ? pixel(in) : foreground;
        const unsigned at = in.u8(), size = in.u8();
        if (in.failed()) return Step::More;
        if (!c) return wrong("Hextile without a foreground");
        const unsigned w = (size >> 4) + 1, h = (size & 15) + 1;
        if ((at >> 4) + w > tile.width || (at & 15) + h > tile.height) return wrong("Hextile outside of its tile");
        fill({static_cast<std::uint16_t>(tile.x + (at >> 4)), static_cast<std::uint16_t>(tile.y + (at & 15)),
              static_cast<std::uint16_t>(w), static_cast<std::uint16_t>(h)},
             *c);
      }
      if (how & 16) foreground.reset();  // not defined behind it
    }
  }
  return in.failed() ? Step::More : Step::Done;
}

RfbViewer::Step RfbViewer::zlib(Reader& in, const Rect& a) {
  const Bytes data = in.take(in.be32());
  if (in.failed()) return Step::More;
  Buffer plain;
  if (!inflate("zlib", data, a.width * format_.bytes_per_pixel() * a.height, plain)) return Step::Wrong;
  Reader r(plain);
  return raw(r, a) == Step::Done ? Step::Done : wrong("zlib ends too early");
}

RfbViewer::Step RfbViewer::zrle(Reader& in, const Rect& a) {
  const Bytes data = in.take(in.be32());
  if (in.failed()) return Step::More;
  Buffer plain;
  // RAW tiles, a byte each more, are the longest that is worth sending.
  if (!inflate("zrle", data, std::size_t{a.width} * a.height * 5, plain)) return Step::Wrong;
  Reader r(plain);
  const Step step = tiles(r, a, 64);
  if (step == Step::More) return wrong("ZRLE ends too early");
  return step == Step::Done && !r.done() ? wrong("ZRLE goes on behind its tiles") : step;
}

RfbViewer::Step RfbViewer::tiles(Reader& in, const Rect& a, unsigned side) {
  Pixels palette;
  unsigned last = 0;  // 2: the last tile had a packed palette, 130: a palette with runs
  for (unsigned y = 0; y < a.height; y += side) {
    for (unsigned x = 0; x < a.width; x += side) {
      const Rect tile{static_cast<std::uint16_t>(a.x + x), static_cast<std::uint16_t>(a.y + y),
                      static_cast<std::uint16_t>(std::min(side, a.width - x)),
                      static_cast<std::uint16_t>(std::min(side, a.height - y))};
      const std::size_t count = std::size_t{tile.width} * tile.height;
      unsigned how = in.u8();
      if (in.failed()) return Step::More;
      const bool reuse = how == 127 || how == 129;
      if (reuse && (side == 64 || last != (how == 127 ? 2 : 130))) return wrong("no palette to use again");
      if (how == 127) how = static_cast<unsigned>(palette.size());
      if (how == 129) how = 128 + static_cast<unsigned>(palette.size());
      if (how > 16 && how < 128) return wrong("tile of sub-encoding " + std::to_string(how));
      if (!reuse) palette.clear();
      for (std::size_t colours = how & 127; palette.size() < colours;) {
        palette.push_back(compact_pixel(in));
        if (in.failed()) return Step::More;
      }
      last = how >= 130 ? 130 : how >= 2 && how <= 16 ? 2 : 0;
      Pixels out;
      if (how == 0) {
        while (out.size() < count && !in.failed()) out.push_back(compact_pixel(in));
      } else if (how == 1) {
        out.assign(count, palette[0]);
      } else if (how <= 16) {
        const unsigned bits = how == 2 ? 1 : how <= 4 ? 2 : 4;
        for (unsigned row = 0; row < tile.height; ++row) {
          const Bytes data = in.take((tile.width * bits + 7) / 8);
          if (in.failed()) return Step::More;
          for (unsigned i = 0; i < tile.width; ++i) {
            const unsigned index = data[i * bits / 8] >> (8 - bits - i * bits % 8) & ((1U << bits) - 1);
            if (index >= palette.size()) return wrong("index outside of the palette");
            out.push_back(palette[index]);
          }
        }
      } else {
        while (out.size() < count && !in.failed()) {
          ViewerColour c;
          bool has_length = true;
          if (how == 128) {
            c = compact_pixel(in);
          } else {
            const unsigned index = in.u8();
            has_length = index & 128;
            if ((index & 127) >= palette.size()) return wrong("index outside of the palette");
            c = palette[index & 127];
          }
          std::size_t length = 1;
          for (unsigned b = 255; has_length && b == 255 && !in.failed();) length += b = in.u8();
          if (length > count - out.size()) return wrong("run past the end of its tile");
          out.insert(out.end(), length, c);
        }
      }
      if (in.failed()) return Step::More;
      put(tile, out);
    }
  }
  return Step::Done;
}

RfbViewer::Step RfbViewer::tight(Reader& in, const Rect& a) {
  if (a.width > 2048) return wrong("Tight rectangle wider than 2048");
  const unsigned control = in.u8();
  if (in.failed()) return Step::More;
  if ((control & 0x0f) != 0) return wrong("Tight resets streams");
  if (control >> 4 == 8) {
    const ViewerColour c = tight_pixel(in);
    if (in.failed()) return Step::More;
    fill(a, c);
    return Step::Done;
  }
  if (control >> 4 > 9) return wrong("Tight control " + std::to_string(control));
  if (control >> 4 < 8) return tight_basic(in, a, control);
  if (format_.bits_per_pixel == 8) return wrong("JPEG for 8 bits");
  std::size_t length = 0;
  unsigned more = 1;
  for (unsigned i = 0; i < 3 && more; ++i) {
    const unsigned b = in.u8();
    length |= std::size_t{i == 2 ? b : b & 0x7f} << 7 * i;
    more = b & 0x80;
  }
  const Bytes data = in.take(length);
  if (in.failed()) return Step::More;
  return jpeg(data, a);
}

RfbViewer::Step RfbViewer::tight_basic(Reader& in, const Rect& a, unsigned control) {
  const unsigned filter = control & 0x40 ? in.u8() : 0;
  if (in.failed()) return Step::More;
  Pixels palette;
  if (filter == 1) {
    const unsigned colours = in.u8() + 1U;
    while (palette.size() < colours && !in.failed()) palette.push_back(tight_pixel(in));
  } else if (filter != 0) {
    return wrong("Tight filter " + std::to_string(filter));
  }
  std::size_t row = a.width * tight_bytes();
  if (filter == 1) row = palette.size() <= 2 ? (a.width + 7U) / 8 : a.width;
  const std::size_t size = row * a.height;
  Bytes data;
  Buffer plain;
  if (size < 12) {
    data = in.take(size);
    if (in.failed()) return Step::More;
  } else {
    std::size_t length = 0;
    unsigned more = 1;
    for (unsigned i = 0; i < 3 && more; ++i) {
      const unsigned b = in.u8();
      length |= std::size_t{i == 2 ? b : b & 0x7f} << 7 * i;
      more = b & 0x80;
    }
    const Bytes packed = in.take(length);
    if (in.failed()) return Step::More;
    if (!inflate("tight " + std::to_string(control >> 4 & 3), packed, size, plain)) return Step::Wrong;
    if (plain.size() != size) return wrong("Tight ends too early");
    data = plain;
  }
  Pixels out;
  Reader r(data);
  for (unsigned y = 0; y < a.height; ++y) {
    const Bytes line = filter == 1 ? r.take(row) : Bytes{};
    for (unsigned x = 0; x < a.width; ++x) {
      if (filter == 0) {
        out.push_back(tight_pixel(r));
        continue;
      }
      const unsigned index = palette.size() <= 2 ? line[x / 8] >> (7 - x % 8) & 1U : line[x];
      if (index >= palette.size()) return wrong("index outside of the palette");
      out.push_back(palette[index]);
    }
  }
  put(a, out);
  return Step::Done;
}

RfbViewer::Step RfbViewer::jpeg(Bytes data, const Rect& a) {
  tjhandle handle = tjInitDecompress();
  Buffer rgb(std::size_t{a.width} * a.height * 3);
  int width = 0, height = 0, subsampling = 0, space = 0;
  const bool good =
      tjDecompressHeader3(handle, data.data(), data.size(), &width, &height, &subsampling, &space) == 0 &&
      width == a.width && height == a.height &&
      tjDecompress2(handle, data.data(), data.size(), rgb.data(), width, 0, height, TJPF_RGB, 0) == 0;
  tjDestroy(handle);
  if (!good) return wrong("JPEG that is none, or of another size");
  Pixels out;
  for (std::size_t i = 0; i < rgb.size(); i += 3) {
    out.push_back({static_cast<std::uint16_t>(rgb[i] * 257), static_cast<std::uint16_t>(rgb[i + 1] * 257),
                   static_cast<std::uint16_t>(rgb[i + 2] * 257)});
  }
  put(a, out);
  return Step::Done;
}

}  // namespace amtgate::test
