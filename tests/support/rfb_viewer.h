// RfbViewer: a small RFB viewer for tests. It decodes what a server sends behind ServerInit into colours, in every
// encoding that the gateway makes, and knows nothing of the code that made it.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/reader.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/pixel_format.h"

namespace amtgate::test {

/// Full scale is 65535.
struct ViewerColour {
  std::uint16_t red = 0, green = 0, blue = 0;
  bool operator==(const ViewerColour&) const = default;
};

class RfbViewer {
 public:
  struct Rectangle {
    rfb::Rect area;
    std::int32_t encoding = 0;
  };

  RfbViewer(rfb::Size size, const rfb::PixelFormat& format);
  ~RfbViewer();
  RfbViewer(const RfbViewer&) = delete;
  RfbViewer& operator=(const RfbViewer&) = delete;

  /// The viewer has sent SetPixelFormat: rectangles that are not decoded yet are in it.
  void set_format(const rfb::PixelFormat& format) { format_ = format; }
  /// As set_format(), at the next answer to a fence of the viewer's.
  void set_format_at_fence(const rfb::PixelFormat& format) { formats_.push_back(format); }

  /// Takes bytes as they come. False from the first mistake of the server on; error() says which.
  bool feed(Bytes in);
  const std::string& error() const { return error_; }
  /// Nothing half received.
  bool idle() const { return buffer_.empty() && !in_update_; }

  rfb::Size size() const { return size_; }
  const ViewerColour& at(unsigned x, unsigned y) const { return frame_[std::size_t{y} * size_.width + x]; }
  const std::vector<ViewerColour>& frame() const { return frame_; }
  /// FramebufferUpdates that are complete.
  std::size_t updates() const { return updates_; }
  /// All rectangles so far, pseudo-encodings too. A test may clear it.
  std::vector<Rectangle>& rectangles() { return rectangles_; }
  std::size_t bells() const { return bells_; }
  const std::vector<std::string>& cut_texts() const { return cut_texts_; }
  /// The desktop's name, once it was sent as a rectangle.
  const std::optional<std::string>& name() const { return name_; }
  /// The server has said that it takes QEMU's key messages.
  bool qemu_keys() const { return qemu_keys_; }
  std::size_t cursors() const { return cursors_; }
  /// What the server's fences ask to be answered, as ClientFences; taken away.
  std::vector<Buffer> take_fence_answers() { return std::exchange(fence_answers_, {}); }
  /// Fences of the server so far, of both kinds.
  std::size_t fence_requests() const { return fence_requests_; }
  const std::vector<std::string>& answered_fences() const { return answered_fences_; }
  /// EndOfContinuousUpdates so far.
  std::size_t ends_of_updates() const { return ends_of_updates_; }
  /// SetColourMapEntries so far.
  std::size_t maps() const { return maps_; }

  /// What a pixel of a format shows. `map` is for colour maps.
  static ViewerColour colour(std::uint32_t pixel, const rfb::PixelFormat& format,
                             const std::array<ViewerColour, 256>& map);

 private:
  enum class Step { Done, More, Wrong };  // More: bytes are missing, nothing has changed
  struct Inflate;
  using Pixels = std::vector<ViewerColour>;

  Step message(Reader& in);
  Step rectangle(Reader& in);
  Step pixels(Reader& in, const Rectangle& r);
  Step pseudo(Reader& in, const Rectangle& r);
  Step raw(Reader& in, const rfb::Rect& a);
  Step copy(Reader& in, const rfb::Rect& a);
  Step rre(Reader& in, const rfb::Rect& a, bool small);
  Step hextile(Reader& in, const rfb::Rect& a);
  Step zlib(Reader& in, const rfb::Rect& a);
  Step tiles(Reader& in, const rfb::Rect& a, unsigned side);
  Step zrle(Reader& in, const rfb::Rect& a);
  Step tight(Reader& in, const rfb::Rect& a);
  Step tight_basic(Reader& in, const rfb::Rect& a, unsigned control);
  Step jpeg(Bytes data, const rfb::Rect& a);
  Step wrong(const std::string& what);

  ViewerColour pixel(Reader& in) const;
  ViewerColour compact_pixel(Reader& in) const;
  ViewerColour tight_pixel(Reader& in) const;
  std::size_t tight_bytes() const;
  bool inflate(const std::string& stream, Bytes data, std::size_t size, Buffer& out);
  void fill(const rfb::Rect& a, const ViewerColour& c);
  void put(const rfb::Rect& a, const Pixels& p);
  void resize(rfb::Size size);

  rfb::Size size_;
  rfb::PixelFormat format_;
  std::vector<ViewerColour> frame_;
  std::array<ViewerColour, 256> map_{};
  std::map<std::string, Inflate> streams_;
  Buffer buffer_;
  bool in_update_ = false;
  std::uint32_t left_ = 0;
  std::vector<Rectangle> rectangles_;
  std::vector<std::string> cut_texts_;
  std::optional<std::string> name_;
  bool qemu_keys_ = false;
  std::deque<rfb::PixelFormat> formats_;
  std::vector<Buffer> fence_answers_;
  std::vector<std::string> answered_fences_;
  std::size_t fence_requests_ = 0, ends_of_updates_ = 0;
  std::size_t updates_ = 0, bells_ = 0, cursors_ = 0, maps_ = 0;
  std::string error_;
};

}  // namespace amtgate::test
