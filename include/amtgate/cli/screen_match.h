// What a screen is waited to show, and how a picture of it compares.
#pragma once

#include <optional>
#include <string>

#include "amtgate/cli/picture.h"

namespace amtgate::cli {

struct WantedScreen {
  Picture picture;  // of the whole screen, or of the region
  std::optional<rfb::Rect> region;
  unsigned tolerance = 0;
};

/// `file`: a PNG of the region, or of the whole screen. `region` as parse_region() takes it; empty: all. Errors:
/// BadValue, System; whole lines.
Result<WantedScreen> read_wanted_screen(const std::string& file, const std::string& region, unsigned tolerance);

struct ScreenVerdict {
  std::optional<std::size_t> different;  // pixels; empty where sizes do not let them be counted
  std::string text;
  bool matches() const { return different == 0U; }
};
ScreenVerdict compare(const Picture& screen, const WantedScreen& wanted);

}  // namespace amtgate::cli
