// Tight (rfbproto community description): areas of one colour, palettes, whole pixels and, if the viewer has asked
// for a quality, JPEG; all but JPEG through one of four zlib streams of the connection.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/pixel_translation.h"
#include "deflate_stream.h"
#include "numbers.h"
#include "wire_pixels.h"

namespace amtgate::rfb {

class TightEncoder {
 public:
  struct Levels {
    std::optional<unsigned> compress, quality;  // 0 to 9
  };
  /// Above this, areas of one colour are no longer looked for: a FramebufferUpdate counts rectangles in 16 bits.
  static constexpr std::size_t kEnoughRectangles = 10000;

  TightEncoder();
  ~TightEncoder();

  /// Appends `area`, which lies inside `view`, as rectangles with their headers, and returns how many. `t` is for the
  /// viewer's format, `rgb` for 32 bits with red, green, blue as the first bytes. Those that went as JPEG are
  /// appended to `lossy`.
  std::size_t encode(Buffer& out, const PixelView& view, const Rect& area, const PixelTranslation& t,
                     const PixelTranslation& rgb, const Levels& levels, std::vector<Rect>& lossy);

 private:
  struct Jpeg;
  struct Job;
  struct Plan;

  void split(Job& job, Rect area);
  void cut(Job& job, const Rect& area);
  void one(Job& job, const Rect& area);
  void fill(Job& job, const Rect& area, unsigned number);
  void mono(Job& job, const Rect& area);
  void indexed(Job& job, const Rect& area);
  void full_colour(Job& job, const Rect& area);
  bool jpeg(Job& job, const Rect& area);
  void data(Job& job, std::size_t stream, int level, std::size_t size);
  bool find_palette(std::size_t count, std::size_t limit);

  // zlib's blocks are shorter with less memory, which is good for pictures: they change from here to there.
  std::array<DeflateStream, 3> streams_{DeflateStream(8), DeflateStream(9), DeflateStream(9)};
  std::unique_ptr<Jpeg> jpeg_;
  NumberPalette<256> palette_;
  std::vector<std::uint16_t> numbers_;
  Buffer bytes_, packed_;
};

}  // namespace amtgate::rfb
