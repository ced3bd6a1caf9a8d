#include "amtgate/rfb/caption.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "src/rfb/caption_font.h"

namespace amtgate::rfb {
namespace {

// Lengths in dots: a dot is a pixel, on a wide screen a square of four.
constexpr unsigned kEdge = 2;  // a dark line outside, that the border shows on a light picture too, and the border
constexpr unsigned kPadX = 8, kPadY = 5;
constexpr unsigned kPitch = kGlyphHeight + 2;  // from one line to the next
constexpr unsigned kMargin = 4;                // to the sides of the screen at least
constexpr unsigned kWideScreen = 1600;

/// What a dot is. Shades of grey only, so that it looks alike in every format.
enum Ink : std::uint8_t { kBox, kBorder, kText };
constexpr std::array<unsigned, 3> kBrightness{16, 168, 255};

unsigned pixel(const PixelFormat& f, Ink ink) {
  const auto part = [&](unsigned max, unsigned shift) { return (kBrightness[ink] * max + 127) / 255 << shift; };
  return part(f.red_max, f.red_shift) | part(f.green_max, f.green_shift) | part(f.blue_max, f.blue_shift);
}

/// Takes one line of at most `columns` characters off the front of `text`, broken behind a word where there is one.
std::string_view take_line(std::string_view& text, unsigned columns) {
  std::size_t end = std::min(text.find('\n'), text.size());
  std::size_t next = std::min(end + 1, text.size());
  if (end > columns) {
    const std::size_t space = text.rfind(' ', columns);
    end = space == text.npos || space == 0 ? columns : space;
    next = std::min(text.find_first_not_of(' ', end), text.size());
  }
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(next);
  return line;
}

std::vector<std::string> wrap(std::string_view text, unsigned columns, unsigned lines) {
  std::vector<std::string> out;
  while (!text.empty() && out.size() < lines) out.emplace_back(take_line(text, columns));
  if (!text.empty() && !out.empty()) {
    const std::string_view dots = std::string_view("...").substr(0, columns);
    out.back().resize(std::min(out.back().size(), columns - dots.size()));
    out.back() += dots;
  }
  return out;
}

/// The box in dots, row by row.
struct Drawing {
  unsigned width = 0, height = 0;
  Buffer dots;

  explicit Drawing(const std::vector<std::string>& lines) {
    std::size_t columns = 0;
    for (const std::string& line : lines) columns = std::max(columns, line.size());
    width = 2 * (kEdge + kPadX) + static_cast<unsigned>(columns) * kGlyphWidth;
    height = 2 * (kEdge + kPadY) + static_cast<unsigned>(lines.size()) * kPitch - (kPitch - kGlyphHeight);
    dots.assign(std::size_t{width} * height, kBox);
    for (unsigned x = 1; x + 1 < width; ++x) dot(x, 1) = dot(x, height - 2) = kBorder;
    for (unsigned y = 1; y + 1 < height; ++y) dot(1, y) = dot(width - 2, y) = kBorder;
    unsigned y = kEdge + kPadY;
    for (const std::string& line : lines) {
      // Each line in the middle of the box.
      unsigned x = (width - static_cast<unsigned>(line.size()) * kGlyphWidth) / 2;
      for (const char c : line) {
        draw(caption_glyph(c), x, y);
        x += kGlyphWidth;
      }
      y += kPitch;
    }
  }

  std::uint8_t& dot(unsigned x, unsigned y) { return dots[std::size_t{y} * width + x]; }
  void draw(const Glyph& glyph, unsigned left, unsigned top) {
    for (unsigned y = 0; y < kGlyphHeight; ++y) {
      for (unsigned x = 0; x < kGlyphWidth; ++x) {
        if (glyph[y] >> (kGlyphWidth - 1 - x) & 1) dot(left + x, top + y) = kText;
      }
    }
  }
};

/// A caption that is ready to be put on a screen.
struct Picture {
  Rect area;
  Buffer pixels;
};

Picture make_picture(const Screen& screen, std::string_view text) {
  const Size size = screen.size();
  if (text.empty() || size.width == 0 || size.height == 0) return {};
  const unsigned scale = size.width > kWideScreen ? 2 : 1;
  const auto room = [&](unsigned side, unsigned taken, unsigned each, unsigned most) {
    const unsigned dots = side / scale;
    return std::clamp(dots > taken ? (dots - taken) / each : 0, 1U, most);
  };
  const Drawing drawing(wrap(text, room(size.width, 2 * (kMargin + kEdge + kPadX), kGlyphWidth, kCaptionColumns),
                             room(size.height, 2 * (kMargin + kEdge + kPadY), kPitch, kCaptionLines)));

  const unsigned width = std::min<unsigned>(drawing.width * scale, size.width);
  const unsigned height = std::min<unsigned>(drawing.height * scale, size.height);
  // A tenth of the screen above its lower edge, where a status line or a prompt is seldom hidden.
  const unsigned below = std::min(size.height / 10U, (size.height - height) / 2);
  Picture out;
  out.area = {static_cast<std::uint16_t>((size.width - width) / 2),
              static_cast<std::uint16_t>(size.height - height - below), static_cast<std::uint16_t>(width),
              static_cast<std::uint16_t>(height)};
  const PixelFormat& format = screen.format();
  const std::array<unsigned, 3> values{pixel(format, kBox), pixel(format, kBorder), pixel(format, kText)};
  out.pixels.reserve(std::size_t{width} * height * format.bytes_per_pixel());
  for (unsigned y = 0; y < height; ++y) {
    for (unsigned x = 0; x < width; ++x) {
      const unsigned value = values[drawing.dots[std::size_t{y / scale} * drawing.width + x / scale]];
      out.pixels.push_back(static_cast<std::uint8_t>(value));
      if (format.bytes_per_pixel() == 2) out.pixels.push_back(static_cast<std::uint8_t>(value >> 8));
    }
  }
  return out;
}

Buffer copy(const PixelView& view, const Rect& area) {
  Buffer out;
  for (unsigned y = 0; y < area.height; ++y) {
    append(out, Bytes(view.at(area.x, area.y + y), area.width * view.bytes_per_pixel()));
  }
  return out;
}

}  // namespace

Rect draw_caption(Screen& screen, std::string_view text) {
  const Picture picture = make_picture(screen, text);
  return screen.put(picture.area, picture.pixels) ? picture.area : Rect{};
}

Rect Caption::show(Screen& screen, std::string_view text) {
  const bool same_screen = size_ == screen.size() && format_ == screen.format();
  if (shown() && same_screen && text_ == text) return {};
  const Rect before = clear(screen);
  Picture picture = make_picture(screen, text);
  Buffer under = copy(screen.view(), picture.area);
  if (!screen.put(picture.area, picture.pixels)) return before;
  area_ = picture.area;
  under_ = std::move(under);
  size_ = screen.size();
  format_ = screen.format();
  text_ = text;
  return around(before, area_);
}

Rect Caption::clear(Screen& screen) {
  const Rect area = area_;
  const Buffer under = std::move(under_);
  const bool same_screen = size_ == screen.size() && format_ == screen.format();
  forget();
  if (area.empty() || !same_screen || !screen.put(area, under)) return {};
  return area;
}

void Caption::forget() {
  area_ = {};
  under_.clear();
  text_.clear();
}

}  // namespace amtgate::rfb
