#include "tight.h"

#include <turbojpeg.h>

#include <algorithm>
#include <cassert>

#include "amtgate/base/handle.h"
#include "amtgate/base/writer.h"
#include "amtgate/rfb/server_messages.h"

namespace amtgate::rfb {
namespace {

// Compression control: the stream in bits 4 and 5 (bits 0 to 3 would reset streams), or one of these.
constexpr unsigned kFilterFollows = 0x40, kFill = 0x80, kJpeg = 0x90;
constexpr unsigned kPaletteFilter = 1;
constexpr std::size_t kFullStream = 0, kMonoStream = 1, kIndexedStream = 2;
/// Shorter data are sent as they are, without a length.
constexpr std::size_t kMinToCompress = 12;

// A viewer has to take rectangles up to 2048 wide; TurboVNC, TigerVNC and libvncserver keep to the area too.
constexpr unsigned kMaxWidth = 2048;
constexpr std::size_t kMaxArea = 65536;

// Areas of one colour are looked for in tiles, where there is enough to find, and taken if they are worth the headers
// of what is left around them. The values are TightVNC's.
constexpr unsigned kSolidTile = 16;
constexpr std::size_t kMinToSplit = 4096, kMinSolid = 2048;

constexpr std::size_t kMinForMono = 32;
/// A JPEG brings 600 bytes of tables with it.
constexpr std::size_t kMinForJpeg = 1024;

/// JPEG quality and subsampling for quality levels 0 to 9, as TigerVNC and TurboVNC have them.
struct JpegSetting {
  int quality;
  int subsampling;
};
constexpr JpegSetting kJpegSettings[] = {{15, TJSAMP_420}, {29, TJSAMP_420}, {41, TJSAMP_420}, {42, TJSAMP_422},
                                         {62, TJSAMP_422}, {77, TJSAMP_422}, {79, TJSAMP_444}, {86, TJSAMP_444},
                                         {92, TJSAMP_444}, {100, TJSAMP_444}};

std::size_t pixels_of(const Rect& r) {
  return std::size_t{r.width} * r.height;
}
Rect rect(unsigned x, unsigned y, unsigned width, unsigned height) {
  return {static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y), static_cast<std::uint16_t>(width),
          static_cast<std::uint16_t>(height)};
}

/// 7 bits, 7 bits, 8 bits, the low ones first; bit 7 of the first two says that more follows.
void compact_length(Buffer& out, std::size_t n) {
  Writer w(out);
  w.u8((n & 0x7f) | (n > 0x7f ? 0x80 : 0));
  if (n > 0x7f) w.u8((n >> 7 & 0x7f) | (n > 0x3fff ? 0x80 : 0));
  if (n > 0x3fff) w.u8(n >> 14 & 0xff);
}

/// Neighbours in noise differ by a third of full scale, on average. JPEG spoils it and hardly makes it shorter; where
/// neighbours differ by more than this part over so many pixels, a picture is sent as it is.
constexpr unsigned kNoisePart = 5;
constexpr unsigned kNoiseRun = 64;

/// Whether JPEG is for such pixels. `numbers` are rows of `width` pixels in `format`.
bool like_a_photo(const PixelFormat& format, const std::uint16_t* numbers, std::size_t count, unsigned width) {
  const auto part = [](unsigned a, unsigned b, unsigned shift, unsigned max) {
    const int d = static_cast<int>(a >> shift & max) - static_cast<int>(b >> shift & max);
    return static_cast<unsigned>(d < 0 ? -d : d);
  };
  for (std::size_t row = 0; row + width <= count; row += std::size_t{width} * 4) {  // every fourth is enough
    for (unsigned from = 0; from + 1 < width; from += kNoiseRun) {
      const unsigned to = std::min(from + kNoiseRun, width - 1), pairs = to - from;
      unsigned red = 0, green = 0, blue = 0;
      for (unsigned x = from; x < to; ++x) {
        const unsigned a = numbers[row + x], b = numbers[row + x + 1];
        red += part(a, b, format.red_shift, format.red_max);
        green += part(a, b, format.green_shift, format.green_max);
        blue += part(a, b, format.blue_shift, format.blue_max);
      }
      if (pairs < kNoiseRun / 2) continue;  // too few to tell
      if (red * kNoisePart > pairs * format.red_max && green * kNoisePart > pairs * format.green_max &&
          blue * kNoisePart > pairs * format.blue_max) {
        return false;
      }
    }
  }
  return true;
}

/// What is a photo and what is not is found out in bands of so many rows; also JPEG's blocks are whole in them.
constexpr unsigned kBand = 16;

struct Stretch {
  unsigned rows;
  bool photo;
};

/// Rows from the top to the bottom that are alike: a line of text above a video does not keep JPEG from all of it.
std::vector<Stretch> stretches(const PixelFormat& format, const std::uint16_t* numbers, const Rect& area) {
  std::vector<Stretch> out;
  for (unsigned y = 0; y < area.height; y += kBand) {
    const unsigned rows = std::min<unsigned>(kBand, area.height - y);
    const bool photo =
        like_a_photo(format, numbers + std::size_t{y} * area.width, std::size_t{rows} * area.width, area.width);
    if (!out.empty() && out.back().photo == photo) {
      out.back().rows += rows;
    } else {
      out.push_back({rows, photo});
    }
  }
  return out;
}

/// The area of one colour that begins at the top left of `within`, in whole tiles.
Rect solid_from(const PixelView& view, const Rect& within, unsigned number) {
  unsigned width = within.width;
  Rect best = rect(within.x, within.y, 0, 0);
  for (unsigned y = 0; y < within.height; y += kSolidTile) {
    const unsigned high = std::min<unsigned>(kSolidTile, within.height - y);
    unsigned x = 0;
    while (x < width) {
      const unsigned wide = std::min(kSolidTile, width - x);
      if (!only(view, rect(within.x + x, within.y + y, wide, high), number)) break;
      x += wide;
    }
    if (x == 0) break;
    width = x;
    if (std::size_t{width} * (y + high) > pixels_of(best)) best = rect(within.x, within.y, width, y + high);
  }
  return best;
}

/// `solid` with what is of its colour around it, inside `within`.
Rect extended(const PixelView& view, const Rect& within, Rect solid, unsigned number) {
  while (solid.y > within.y && only(view, rect(solid.x, solid.y - 1U, solid.width, 1), number)) {
    --solid.y;
    ++solid.height;
  }
  while (solid.y + solid.height < within.y + within.height &&
         only(view, rect(solid.x, solid.y + solid.height, solid.width, 1), number)) {
    ++solid.height;
  }
  while (solid.x > within.x && only(view, rect(solid.x - 1U, solid.y, 1, solid.height), number)) {
    --solid.x;
    ++solid.width;
  }
  while (solid.x + solid.width < within.x + within.width &&
         only(view, rect(solid.x + solid.width, solid.y, 1, solid.height), number)) {
    ++solid.width;
  }
  return solid;
}

/// The first area of one colour in `area`, from the top, that is worth a rectangle.
std::optional<Rect> find_solid(const PixelView& view, const Rect& area) {
  for (unsigned y = 0; y < area.height; y += kSolidTile) {
    for (unsigned x = 0; x < area.width; x += kSolidTile) {
      const Rect rest = rect(area.x + x, area.y + y, area.width - x, area.height - y);
      const unsigned number = number_at(view, rest.x, rest.y);
      const Rect solid = solid_from(view, rest, number);
      if (pixels_of(solid) == pixels_of(area)) return solid;
      if (pixels_of(solid) >= kMinSolid) return extended(view, area, solid, number);
    }
  }
  return std::nullopt;
}

}  // namespace

/// zlib levels and palettes for a compress level: TurboVNC's and libvncserver's, who found that between 1 and 9
/// nothing is gained for the time.
struct TightEncoder::Plan {
  int indexed, mono, full;  // zlib levels
  std::size_t divisor;      // one colour of a palette for so many pixels
  std::size_t jpeg_above;   // colours

  static Plan of(const Levels& levels) {
    constexpr Plan kPlans[] = {{0, 0, 0, 4, 24}, {1, 1, 1, 16, 24}, {3, 3, 2, 16, 96}, {7, 7, 5, 16, 256}};
    const unsigned level = levels.compress.value_or(6);  // libvncserver's
    if (level == 9) return kPlans[3];
    if (levels.quality) return kPlans[std::clamp(level, 1U, 2U)];
    return kPlans[std::min(level, 1U)];
  }
};

struct TightEncoder::Job {
  Buffer& out;
  const PixelView& view;
  const PixelTranslation& rgb;
  WirePixels pixels;
  Plan plan;
  std::optional<JpegSetting> jpeg;
  std::vector<Rect>& lossy;
  std::size_t rectangles = 0;
};

struct TightEncoder::Jpeg {
  Handle<void, &tjDestroy> compressor{tjInitCompress()};
};

TightEncoder::TightEncoder() = default;
TightEncoder::~TightEncoder() = default;

std::size_t TightEncoder::encode(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t,
                                 const PixelTranslation& rgb, const Levels& levels, std::vector<Rect>& lossy) {
  Job job{out, view, rgb, WirePixels::tight(t, rgb), Plan::of(levels), std::nullopt, lossy};
  if (levels.quality && t.bytes_per_pixel() > 1) job.jpeg = kJpegSettings[std::min(*levels.quality, 9U)];
  for (unsigned x = 0; x < area.width; x += kMaxWidth) {
    split(job, rect(area.x + x, area.y, std::min(kMaxWidth, area.width - x), area.height));
  }
  return job.rectangles;
}

void TightEncoder::split(Job& job, Rect area) {
  while (!area.empty()) {
    std::optional<Rect> found;
    if (pixels_of(area) >= kMinToSplit && job.rectangles < kEnoughRectangles) found = find_solid(job.view, area);
    if (!found) return cut(job, area);
    const Rect solid = *found;
    const unsigned right = solid.x + solid.width, below = solid.y + solid.height;
    const unsigned end = area.x + area.width, bottom = area.y + area.height;
    cut(job, rect(area.x, area.y, area.width, solid.y - area.y));
    split(job, rect(area.x, solid.y, solid.x - area.x, solid.height));
    fill(job, solid, number_at(job.view, solid.x, solid.y));
    split(job, rect(right, solid.y, end - right, solid.height));
    area = rect(area.x, below, area.width, bottom - below);
  }
}

void TightEncoder::cut(Job& job, const Rect& area) {
  if (area.empty()) return;
  auto high = static_cast<unsigned>(std::min<std::size_t>(area.height, kMaxArea / area.width));
  if (job.jpeg && high > kBand) high -= high % kBand;
  for (unsigned y = 0; y < area.height; y += high) {
    one(job, rect(area.x, area.y + y, area.width, std::min<unsigned>(high, area.height - y)));
  }
}

bool TightEncoder::find_palette(std::size_t count, std::size_t limit) {
  palette_.clear();
  for (const std::uint16_t *p = numbers_.data(), *end = p + count; p < end; p += run_at(p, end)) {
    if (palette_.add(*p) >= limit) return false;
  }
  return true;
}

void TightEncoder::one(Job& job, const Rect& area) {
  const std::size_t count = pixels_of(area);
  numbers_.resize(std::max(numbers_.size(), count));
  load_numbers(job.view, area, numbers_.data());
  const bool jpeg_wanted = job.jpeg && count >= kMinForJpeg;
  std::size_t limit = jpeg_wanted ? job.plan.jpeg_above : count / job.plan.divisor;
  if (limit < 2 && count >= kMinForMono) limit = 2;
  // An index is as long as a pixel of 8 bits.
  limit = std::clamp<std::size_t>(limit, 1, job.pixels.bytes() == 1 ? 2 : 256);
  if (find_palette(count, limit)) {
    if (palette_.size() == 1) return fill(job, area, palette_[0]);
    if (palette_.size() == 2) return mono(job, area);
    return indexed(job, area);
  }
  if (!jpeg_wanted) return full_colour(job, area);
  const std::vector<Stretch> parts = stretches(job.view.format, numbers_.data(), area);
  if (parts.size() > 1 && job.rectangles < kEnoughRectangles) {
    for (unsigned i = 0, y = area.y; i < parts.size(); y += parts[i++].rows) {
      one(job, rect(area.x, y, area.width, parts[i].rows));
    }
    return;
  }
  const bool photo = std::all_of(parts.begin(), parts.end(), [](const Stretch& s) { return s.photo; });
  if (!photo || !jpeg(job, area)) full_colour(job, area);
}

void TightEncoder::fill(Job& job, const Rect& area, unsigned number) {
  encode_rectangle_header(job.out, area, kTight);
  ++job.rectangles;
  std::uint8_t pixel[4 + WirePixels::kSlack];
  job.pixels.put(pixel, number);
  Writer(job.out).u8(kFill).bytes(Bytes(pixel, job.pixels.bytes()));
}

void TightEncoder::data(Job& job, std::size_t stream, int level, std::size_t size) {
  const Bytes plain = Bytes(bytes_).first(size);
  if (size < kMinToCompress) return append(job.out, plain);
  packed_.clear();
  streams_[stream].set_level(level);
  streams_[stream].add(packed_, plain);
  streams_[stream].flush(packed_);
  compact_length(job.out, packed_.size());
  append(job.out, packed_);
}

void TightEncoder::mono(Job& job, const Rect& area) {
  encode_rectangle_header(job.out, area, kTight);
  ++job.rectangles;
  Writer w(job.out);
  w.u8(kMonoStream << 4 | kFilterFollows).u8(kPaletteFilter).u8(1);
  std::uint8_t pixel[4 + WirePixels::kSlack];
  for (std::size_t i = 0; i < 2; ++i) {
    job.pixels.put(pixel, palette_[i]);
    w.bytes(Bytes(pixel, job.pixels.bytes()));
  }
  const unsigned background = palette_[0];
  const std::size_t row = (area.width + 7U) / 8, size = row * area.height;
  bytes_.resize(std::max(bytes_.size(), size));
  std::uint8_t* out = bytes_.data();
  const std::uint16_t* in = numbers_.data();
  for (unsigned y = 0; y < area.height; ++y) {
    unsigned x = 0;
    for (; x + 8 <= area.width; x += 8, in += 8) {
      unsigned byte = 0;
      for (unsigned i = 0; i < 8; ++i) byte = byte << 1 | (in[i] != background ? 1 : 0);
      *out++ = static_cast<std::uint8_t>(byte);
    }
    if (x < area.width) {
      unsigned byte = 0;
      for (unsigned i = x; i < area.width; ++i) byte |= (*in++ != background ? 0x80U : 0) >> (i - x);
      *out++ = static_cast<std::uint8_t>(byte);
    }
  }
  data(job, kMonoStream, job.plan.mono, size);
}

void TightEncoder::indexed(Job& job, const Rect& area) {
  encode_rectangle_header(job.out, area, kTight);
  ++job.rectangles;
  Writer w(job.out);
  w.u8(kIndexedStream << 4 | kFilterFollows).u8(kPaletteFilter).u8(static_cast<unsigned>(palette_.size() - 1));
  std::uint8_t pixel[4 + WirePixels::kSlack];
  for (std::size_t i = 0; i < palette_.size(); ++i) {
    job.pixels.put(pixel, palette_[i]);
    w.bytes(Bytes(pixel, job.pixels.bytes()));
  }
  const std::size_t count = pixels_of(area);
  bytes_.resize(std::max(bytes_.size(), count));
  std::uint8_t* out = bytes_.data();
  for (const std::uint16_t *p = numbers_.data(), *end = p + count; p < end;) {
    const std::size_t run = run_at(p, end);
    std::fill_n(out, run, static_cast<std::uint8_t>(palette_.find(*p)));
    out += run;
    p += run;
  }
  data(job, kIndexedStream, job.plan.indexed, count);
}

void TightEncoder::full_colour(Job& job, const Rect& area) {
  encode_rectangle_header(job.out, area, kTight);
  ++job.rectangles;
  Writer(job.out).u8(kFullStream << 4);
  const std::size_t size = pixels_of(area) * job.pixels.bytes();
  bytes_.resize(std::max(bytes_.size(), size + WirePixels::kSlack));
  job.pixels.put(bytes_.data(), job.view, area);
  data(job, kFullStream, job.plan.full, size);
}

bool TightEncoder::jpeg(Job& job, const Rect& area) {
  if (!jpeg_) jpeg_ = std::make_unique<Jpeg>();
  if (!jpeg_->compressor) return false;
  const std::size_t row = std::size_t{area.width} * 4;
  bytes_.resize(std::max(bytes_.size(), row * area.height));
  for (unsigned y = 0; y < area.height; ++y) {
    job.rgb.translate(job.view.at(area.x, area.y + y), bytes_.data() + y * row, area.width);
  }
  packed_.resize(tjBufSize(area.width, area.height, job.jpeg->subsampling));
  unsigned char* to = packed_.data();
  unsigned long size = packed_.size();
  if (tjCompress2(jpeg_->compressor.get(), bytes_.data(), area.width, static_cast<int>(row), area.height, TJPF_RGBX,
                  &to, &size, job.jpeg->subsampling, job.jpeg->quality, TJFLAG_NOREALLOC) != 0) {
    return false;
  }
  encode_rectangle_header(job.out, area, kTight);
  ++job.rectangles;
  job.lossy.push_back(area);
  Writer(job.out).u8(kJpeg);
  compact_length(job.out, size);
  append(job.out, Bytes(packed_).first(size));
  return true;
}

}  // namespace amtgate::rfb
