// Recording: what AMT sends in a session, as a file: complete updates, both in RAW and in AMT's ZRLE, with the tiles
// of at most 64x64 that a frame changes. Made once, and mapped by the machine that sends it and by the viewer that
// knows what it has to see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/geometry.h"

namespace amtgate::bench {

/// What is on the screen.
///   session  boot text that scrolls, a desktop with a window that moves, a video in a window
///   tiles    one tile a frame: of a console, of a desktop, of a video in turn
///   console  text that scrolls
/// The bottom right 64x64 pixels of each but `tiles` show the frame's number, see frame_number().
/// Each part has `frames` of them, behind the first picture.
void record(const std::string& path, const std::string& scenario, rfb::Size size, unsigned frames);

class Recording {
 public:
  struct Frame {
    const char* part;  // of the scenario
    Bytes raw, zrle;   // a FramebufferUpdate each; of ZRLE one stream, from the first frame on
  };

  explicit Recording(const std::string& path);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  rfb::Size size() const;
  /// The first one is a whole screen.
  std::size_t frames() const;
  Frame frame(std::size_t i) const;

 private:
  Bytes file_;
};

/// The frame's number is drawn as 4 rows of 4 squares, 16 pixels wide, white for 1, the highest bit first: also JPEG
/// does not change it. `bright` says whether a pixel of the screen is.
template <class Bright>
unsigned frame_number(rfb::Size size, const Bright& bright) {
  unsigned n = 0;
  for (unsigned bit = 0; bit < 16; ++bit) {
    n = n << 1 | (bright(size.width - 64U + bit % 4 * 16 + 8, size.height - 64U + bit / 4 * 16 + 8) ? 1U : 0U);
  }
  return n;
}

}  // namespace amtgate::bench
