#include "amtgate/rfb/screen.h"

#include <algorithm>
#include <cstring>

#include "amtgate/rfb/pixel_translation.h"

namespace amtgate::rfb {
namespace {

std::string text(const Size& s) {
  return std::to_string(s.width) + "x" + std::to_string(s.height);
}

Result<void> check(const Size& size, const PixelFormat& format) {
  const std::size_t bytes = std::size_t{size.width} * size.height * format.bytes_per_pixel();
  if (size.width > Screen::kMaxSide || size.height > Screen::kMaxSide || bytes > Screen::kMaxBytes) {
    return Error{Errc::TooLarge, "screen of " + text(size) + " in " + std::to_string(bytes) + " bytes (limits " +
                                     std::to_string(Screen::kMaxSide) + " a side, " +
                                     std::to_string(Screen::kMaxBytes) + ")"};
  }
  return {};
}

}  // namespace

bool device_format(const PixelFormat& format) {
  return same_pixels(format, kRgb565) || same_pixels(format, kRgb332) || same_pixels(format, kGrey8) ||
         same_pixels(format, kGrey4);
}

Rect clip(const Rect& area, const Size& size) {
  if (area.x >= size.width || area.y >= size.height) return {};
  Rect out = area;
  out.width = static_cast<std::uint16_t>(std::min<unsigned>(area.width, size.width - area.x));
  out.height = static_cast<std::uint16_t>(std::min<unsigned>(area.height, size.height - area.y));
  return out.empty() ? Rect{} : out;
}

Result<void> Screen::resize(Size size) {
  const Result<void> fits = check(size, format_);
  if (!fits) return fits;
  const std::size_t bytes = format_.bytes_per_pixel(), new_stride = size.width * bytes;
  Buffer pixels(new_stride * size.height);
  const std::size_t kept = std::min(new_stride, stride());
  for (unsigned y = 0; kept > 0 && y < std::min(size.height, size_.height); ++y) {
    std::memcpy(pixels.data() + y * new_stride, pixels_.data() + y * stride(), kept);
  }
  pixels_ = std::move(pixels);
  size_ = size;
  tiles_.resize(size);
  return {};
}

Result<void> Screen::set_format(const PixelFormat& format) {
  if (!device_format(format)) return Error{Errc::Unsupported, "screen in " + to_string(format)};
  const Result<void> fits = check(size_, format);
  if (!fits) return fits;
  const Result<PixelTranslation> translation = PixelTranslation::make(format_, format);
  if (!translation) return translation.error();
  const std::size_t count = std::size_t{size_.width} * size_.height;
  Buffer pixels(count * format.bytes_per_pixel());
  translation->translate(pixels_.data(), pixels.data(), count);
  pixels_ = std::move(pixels);
  format_ = format;
  tiles_.resize(size_);
  return {};
}

Result<void> Screen::put(const Rect& area, Bytes pixels) {
  const std::size_t row = area.width * format_.bytes_per_pixel();
  if (area.x + area.width > size_.width || area.y + area.height > size_.height) {
    return Error{Errc::BadValue, "rectangle of " + text({area.width, area.height}) + " at " + std::to_string(area.x) +
                                     "," + std::to_string(area.y) + " outside of the screen of " + text(size_)};
  }
  if (pixels.size() != row * area.height) {
    return Error{Errc::BadValue, "rectangle of " + text({area.width, area.height}) + " in " +
                                     std::to_string(pixels.size()) + " bytes"};
  }
  if (row == 0) return {};
  std::uint8_t* to = pixels_.data() + area.y * stride() + area.x * format_.bytes_per_pixel();
  for (unsigned y = 0; y < area.height; ++y) std::memcpy(to + y * stride(), pixels.data() + y * row, row);
  tiles_.forget(area);
  return {};
}

Result<void> Screen::put_tile(const Rect& area, Bytes pixels, Bytes tile) {
  if (Result<void> r = put(area, pixels); !r) return r;
  tiles_.put(area, tile, format_.bytes_per_pixel());
  return {};
}

PixelView Screen::view() const {
  return {pixels_.data(), stride(), format_, size_, &tiles_};
}

}  // namespace amtgate::rfb
