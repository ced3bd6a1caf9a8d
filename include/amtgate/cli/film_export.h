// A recorded screen as something that other programs show: a video (by ffmpeg), or a picture of one moment.
#pragma once

#include <cstdint>
#include <string>

#include "amtgate/base/result.h"

namespace amtgate::cli {

struct VideoOptions {
  unsigned fps = 10;
  std::uint32_t idle_limit_ms = 0;  // where nothing changes for longer, it is cut; 0: as it was
};

/// `out`'s suffix says which format. The picture has the largest size that the screen had, the rest is black. Errors:
/// Unreachable (no ffmpeg), Refused (ffmpeg says no), as FilmReader. A film that was cut off is exported as far as it
/// goes.
Result<void> export_video(const std::string& film, const std::string& out, const VideoOptions& options);

/// The screen as it was then, as PNG. Errors: Refused (it is not that long), as FilmReader, System.
Result<void> export_picture(const std::string& film, const std::string& out, std::uint32_t at_ms);

}  // namespace amtgate::cli
