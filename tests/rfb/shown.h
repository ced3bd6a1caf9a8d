// Whether a viewer shows what it should, pixel by pixel.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/rfb/pixel_translation.h"
#include "amtgate/rfb/screen.h"
#include "tests/rfb/reference_pixels.h"
#include "tests/support/rfb_viewer.h"

namespace amtgate::test {

/// Where `viewer`, which draws in `format`, shows something else than `screen` is in that format; empty: nowhere.
inline std::string difference(const RfbViewer& viewer, const rfb::PixelFormat& format, const rfb::PixelView& screen) {
  const auto size = [](const rfb::Size& s) { return std::to_string(s.width) + "x" + std::to_string(s.height); };
  if (viewer.size() != screen.size) return "a screen of " + size(viewer.size()) + " for " + size(screen.size);
  const auto translation = rfb::PixelTranslation::make(screen.format, format);
  if (!translation) return translation.error().detail;
  std::array<ViewerColour, 256> map{};
  if (!format.true_colour) {
    const std::vector<rfb::MapColour> colours = rfb::colour_map(format);
    for (std::size_t i = 0; i < colours.size(); ++i) map[i] = {colours[i].red, colours[i].green, colours[i].blue};
  }
  std::vector<std::optional<ViewerColour>> want(65536);
  for (unsigned y = 0; y < screen.size.height; ++y) {
    for (unsigned x = 0; x < screen.size.width; ++x) {
      const std::uint8_t* p = screen.at(x, y);
      const unsigned number = screen.bytes_per_pixel() == 1 ? p[0] : static_cast<unsigned>(p[0] | p[1] << 8);
      if (!want[number]) {
        // pixel_translation_test looks after the choice in a map.
        const std::uint32_t pixel =
            format.true_colour ? reference_pixel(shown(number, screen.format), format) : translation->pixel(number);
        want[number] = RfbViewer::colour(pixel, format, map);
      }
      const ViewerColour& got = viewer.at(x, y);
      if (got == *want[number]) continue;
      const auto text = [](const ViewerColour& c) {
        return std::to_string(c.red) + "/" + std::to_string(c.green) + "/" + std::to_string(c.blue);
      };
      return "at " + std::to_string(x) + "," + std::to_string(y) + " " + text(got) + " for " + text(*want[number]) +
             " in " + to_string(format);
    }
  }
  return {};
}

}  // namespace amtgate::test
