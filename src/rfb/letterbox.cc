#include "amtgate/rfb/letterbox.h"

#include <algorithm>
#include <array>

namespace amtgate::rfb {
namespace {

/// Samples in each direction that a smaller pixel is the mean of.
constexpr unsigned kSamples = 4;

unsigned read(const PixelView& v, unsigned x, unsigned y) {
  const std::uint8_t* p = v.at(x, y);
  return v.bytes_per_pixel() == 2 ? p[0] + 256U * p[1] : p[0];
}

/// The mean of the pixels of a rectangle that is not empty, component by component.
unsigned mean(const PixelView& v, unsigned left, unsigned top, unsigned right, unsigned bottom) {
  const PixelFormat& f = v.format;
  const unsigned across = std::min(right - left, kSamples), down = std::min(bottom - top, kSamples);
  unsigned red = 0, green = 0, blue = 0;
  for (unsigned j = 0; j < down; ++j) {
    for (unsigned i = 0; i < across; ++i) {
      const unsigned p = read(v, left + i * (right - left) / across, top + j * (bottom - top) / down);
      red += p >> f.red_shift & f.red_max;
      green += p >> f.green_shift & f.green_max;
      blue += p >> f.blue_shift & f.blue_max;
    }
  }
  const unsigned n = across * down;
  return (red + n / 2) / n << f.red_shift | (green + n / 2) / n << f.green_shift | (blue + n / 2) / n << f.blue_shift;
}

/// Where pixel `i` of `to` begins in `from`.
unsigned scale(unsigned i, unsigned to, unsigned from) {
  return static_cast<unsigned>(std::uint64_t{i} * from / to);
}

}  // namespace

Letterbox::Letterbox(Size screen, Size picture) : screen_(screen) {
  unsigned w = screen.width, h = screen.height;
  if (w == 0 || h == 0 || picture.width == 0 || picture.height == 0) return;
  if (w > picture.width || h > picture.height) {
    // The direction that is short of room decides.
    if (std::uint64_t{w} * picture.height > std::uint64_t{h} * picture.width) {
      h = std::max(1U, static_cast<unsigned>(std::uint64_t{h} * picture.width / w));
      w = picture.width;
    } else {
      w = std::max(1U, static_cast<unsigned>(std::uint64_t{w} * picture.height / h));
      h = picture.height;
    }
  }
  window_ = {static_cast<std::uint16_t>((picture.width - w) / 2),
             static_cast<std::uint16_t>((picture.height - h) / 2), static_cast<std::uint16_t>(w),
             static_cast<std::uint16_t>(h)};
}

Rect Letterbox::to_picture(const Rect& area) const {
  const Rect a = clip(area, screen_);
  if (a.empty() || window_.empty()) return {};
  const unsigned left = scale(a.x, screen_.width, window_.width);
  const unsigned top = scale(a.y, screen_.height, window_.height);
  // One more where pixels are merged: the last one may be the first of the next mean.
  const unsigned more = scaled() ? 2 : 1;
  const unsigned right =
      std::min<unsigned>(scale(a.x + a.width - 1U, screen_.width, window_.width) + more, window_.width);
  const unsigned bottom =
      std::min<unsigned>(scale(a.y + a.height - 1U, screen_.height, window_.height) + more, window_.height);
  return {static_cast<std::uint16_t>(window_.x + left), static_cast<std::uint16_t>(window_.y + top),
          static_cast<std::uint16_t>(right - left), static_cast<std::uint16_t>(bottom - top)};
}

void Letterbox::to_screen(std::uint16_t& x, std::uint16_t& y) const {
  const auto map = [](unsigned v, unsigned begin, unsigned length, unsigned from) -> std::uint16_t {
    if (length == 0 || from == 0) return 0;
    const unsigned at = v < begin ? 0 : std::min(v - begin, length - 1);
    return static_cast<std::uint16_t>(std::min(scale(at, length, from), from - 1));
  };
  x = map(x, window_.x, window_.width, screen_.width);
  y = map(y, window_.y, window_.height, screen_.height);
}

void Letterbox::draw(const PixelView& screen, const Rect& area, Screen& picture) const {
  const Rect to = to_picture(area);
  const std::size_t bytes = screen.bytes_per_pixel();
  Buffer row(to.width * bytes);
  for (unsigned y = 0; y < to.height; ++y) {
    const unsigned wy = to.y + y - window_.y;
    const unsigned top = scale(wy, window_.height, screen_.height);
    if (!scaled()) {
      const std::uint8_t* from = screen.at(to.x - window_.x, top);
      std::copy(from, from + row.size(), row.begin());
    } else {
      const unsigned bottom = std::clamp(scale(wy + 1, window_.height, screen_.height), top + 1, 0U + screen_.height);
      for (unsigned x = 0; x < to.width; ++x) {
        const unsigned wx = to.x + x - window_.x;
        const unsigned left = scale(wx, window_.width, screen_.width);
        const unsigned right = std::clamp(scale(wx + 1, window_.width, screen_.width), left + 1, 0U + screen_.width);
        const unsigned p = mean(screen, left, top, right, bottom);
        row[x * bytes] = static_cast<std::uint8_t>(p);
        if (bytes == 2) row[x * bytes + 1] = static_cast<std::uint8_t>(p >> 8);
      }
    }
    (void)picture.put({to.x, static_cast<std::uint16_t>(to.y + y), to.width, 1}, row);
  }
}

}  // namespace amtgate::rfb
