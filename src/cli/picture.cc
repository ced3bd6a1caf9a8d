#include "amtgate/cli/picture.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace amtgate::cli {
namespace {

/// libpng's own, with its end.
struct Png {
  png_image image{};
  Png() { image.version = PNG_IMAGE_VERSION; }
  ~Png() { ::png_image_free(&image); }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;
  std::string problem() const { return image.message; }
};

/// A channel as AMT's `bits` of it show.
unsigned on_screen(unsigned v, unsigned bits) {
  const unsigned most = (1U << bits) - 1;
  const unsigned level = (v * most + 127) / 255;
  return (level * 255 + most / 2) / most;
}

}  // namespace

Result<std::string> to_png(const Picture& picture) {
  Png png;
  png.image.width = picture.size.width;
  png.image.height = picture.size.height;
  png.image.format = PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(png.image);
  std::string out(bytes, '\0');
  if (::png_image_write_to_memory(&png.image, out.data(), &bytes, 0, picture.rgb.data(), 0, nullptr) == 0) {
    return Error{Errc::System, "cannot make a PNG: " + png.problem()};
  }
  out.resize(bytes);
  return out;
}

Result<Picture> from_png(std::string_view text) {
  Png png;
  if (::png_image_begin_read_from_memory(&png.image, text.data(), text.size()) == 0) {
    return Error{Errc::BadValue, "it is no PNG: " + png.problem()};
  }
  if (png.image.width > Picture::kMaxSide || png.image.height > Picture::kMaxSide) {
    return Error{Errc::TooLarge, "a picture of " + std::to_string(png.image.width) + "x" +
                                     std::to_string(png.image.height) + " (limit " +
                                     std::to_string(Picture::kMaxSide) + ")"};
  }
  png.image.format = PNG_FORMAT_RGB;
  Picture out;
  out.size = {static_cast<std::uint16_t>(png.image.width), static_cast<std::uint16_t>(png.image.height)};
  out.rgb.resize(PNG_IMAGE_SIZE(png.image));
  const png_color black{};
  if (::png_image_finish_read(&png.image, &black, out.rgb.data(), 0, nullptr) == 0) {
    return Error{Errc::BadValue, "the PNG is broken: " + png.problem()};
  }
  return out;
}

Result<rfb::Rect> parse_region(std::string_view text) {
  const Error wrong{Errc::BadValue, "'" + std::string(text.substr(0, 40)) + "' is no region: WxH+X+Y in pixels"};
  rfb::Rect out;
  std::uint16_t* const numbers[] = {&out.width, &out.height, &out.x, &out.y};
  constexpr char kBehind[] = {'x', '+', '+', '\0'};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), *numbers[i]);
    if (ec != std::errc{} || *numbers[i] > Picture::kMaxSide) return wrong;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (kBehind[i] == '\0') break;
    if (text.empty() || text.front() != kBehind[i]) return wrong;
    text.remove_prefix(1);
  }
  if (!text.empty() || out.empty()) return wrong;
  return out;
}

std::optional<Picture> part_of(const Picture& picture, const rfb::Rect& area) {
  if (area.x + area.width > picture.size.width || area.y + area.height > picture.size.height) return std::nullopt;
  Picture out;
  out.size = {area.width, area.height};
  out.rgb.reserve(std::size_t{area.width} * area.height * 3);
  for (unsigned y = 0; y < area.height; ++y) {
    const std::size_t first = (std::size_t{area.y + y} * picture.size.width + area.x) * 3;
    append(out.rgb, Bytes(picture.rgb).subspan(first, std::size_t{area.width} * 3));
  }
  return out;
}

std::size_t different_pixels(const Picture& a, const Picture& b, unsigned tolerance) {
  // By channel and value; red and blue have 5 bits, green has 6.
  static const auto shown = [] {
    std::array<std::array<std::uint8_t, 256>, 2> table{};
    for (unsigned v = 0; v < 256; ++v) {
      table[0][v] = static_cast<std::uint8_t>(on_screen(v, 5));
      table[1][v] = static_cast<std::uint8_t>(on_screen(v, 6));
    }
    return table;
  }();
  std::size_t different = 0;
  for (std::size_t i = 0; i + 3 <= std::min(a.rgb.size(), b.rgb.size()); i += 3) {
    bool same = true;
    for (std::size_t c = 0; c < 3; ++c) {
      const auto& table = shown[c == 1 ? 1 : 0];
      const int distance = std::abs(int{table[a.rgb[i + c]]} - int{table[b.rgb[i + c]]});
      same = same && distance <= static_cast<int>(tolerance);
    }
    different += same ? 0 : 1;
  }
  return different;
}

}  // namespace amtgate::cli
