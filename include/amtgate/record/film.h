// Film: a recorded screen, played: the bytes of an FBS file in, one picture after the other out.
//
// Knows what the gateway records: 32-bit pixels (kRgb888), encodings Raw, Zlib and DesktopSize.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/record/fbs.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/screen.h"

namespace amtgate::record {

class Film {
 public:
  /// An update, which is on screen() now.
  struct Frame {
    std::uint32_t ms = 0;              // since the beginning
    std::vector<rfb::Rect> changed{};  // at most kMaxChanged; more are one around them
    bool resized = false;
  };
  static constexpr std::size_t kMaxChanged = 256;

  Film();
  ~Film();
  Film(const Film&) = delete;
  Film& operator=(const Film&) = delete;

  /// Any piece of the file; then next() until it is empty.
  void receive(Bytes in) { fbs_.receive(in); }
  /// Errors: Unsupported (another kind of file, pixel format or encoding), BadValue (pixels that do not inflate, a
  /// rectangle outside of the screen), TooLarge; sticky.
  Result<std::optional<Frame>> next();

  bool begun() const { return begun_; }
  const std::string& name() const { return name_; }
  const rfb::Screen& screen() const { return screen_; }
  /// The file ended at the end of a block, where a recording ends that was not cut off.
  bool at_end() const { return fbs_.at_end(); }

 private:
  struct Inflate;
  Result<bool> step(std::optional<Frame>& out);
  Result<bool> open(Bytes in, std::size_t& used);
  Result<bool> rectangle(Bytes in, std::size_t& used);
  Result<void> put(const rfb::Rect& area, Bytes wire);

  FbsReader fbs_;
  Buffer stream_;
  std::size_t at_ = 0;
  std::uint32_t ms_ = 0;
  bool begun_ = false;
  std::uint16_t left_ = 0;  // rectangles of the update that is read
  Frame frame_;
  std::string name_;
  rfb::Screen screen_;
  std::unique_ptr<Inflate> inflate_;
  Buffer wire_;
  Buffer pixels_;
  std::optional<Error> error_;
};

}  // namespace amtgate::record
