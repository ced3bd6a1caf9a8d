// ViewerEncodings: what a viewer's SetEncodings says, sorted out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "amtgate/rfb/protocol.h"

namespace amtgate::rfb {

struct ViewerEncodings {
  /// For rectangles with pixels: the first of the list that RectangleEncoder makes; RAW, which everyone has to take,
  /// where there is none.
  std::int32_t pixels = kRaw;
  /// Compress level 0 to 9 (encodings -256 to -247).
  std::optional<unsigned> compress_level;
  /// JPEG quality 0 to 9 (-32 to -23). Without it no picture may lose anything.
  std::optional<unsigned> quality_level;
  bool copy_rect = false;
  bool desktop_size = false;
  bool extended_desktop_size = false;
  bool desktop_name = false;
  bool last_rect = false;
  bool cursor = false;
  bool qemu_key = false;
  bool fence = false;
  bool continuous_updates = false;
  bool operator==(const ViewerEncodings&) const = default;
};

/// Where a level is listed twice, the first counts.
ViewerEncodings sort_encodings(std::span<const std::int32_t> encodings);

}  // namespace amtgate::rfb
