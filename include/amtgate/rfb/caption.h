// Caption: words of the gateway on a device's screen, for while the machine behind is away.
#pragma once

#include <string>
#include <string_view>

#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/screen.h"

namespace amtgate::rfb {

/// At most this many characters in a line, and lines; a text that needs more, or more than the screen has room for,
/// is cut and ends in "...".
inline constexpr unsigned kCaptionColumns = 64;
inline constexpr unsigned kCaptionLines = 4;

/// Draws `text` in a box with a border, white on nearly black, in the middle of the screen's lower part; twice as
/// large on screens wider than 1600. Lines end at '\n' and where a word does not fit any more; what is not printable
/// ASCII becomes '?'. On a screen that is too small for one character the box itself is cut.
/// Returns what was drawn over: empty for an empty text or an empty screen.
Rect draw_caption(Screen& screen, std::string_view text);

/// A caption that is taken away again. Between show() and clear() nobody else draws on the screen: what was under the
/// caption is put back over it (forget() if somebody must).
class Caption {
 public:
  /// In place of the one that is there. Returns what has changed on the screen, the earlier box included; empty when
  /// this text is there already.
  Rect show(Screen& screen, std::string_view text);
  /// Puts back exactly what was under it. Returns what has changed. Has no effect when the screen has got another
  /// size or format since show(): the caption is a part of the picture then, until the device sends the screen anew.
  Rect clear(Screen& screen);
  /// The screen was drawn anew: nothing has to be put back.
  void forget();

  bool shown() const { return !area_.empty(); }

 private:
  Rect area_;     // empty: no caption
  Buffer under_;  // its pixels from before
  Size size_;     // of the screen, then
  PixelFormat format_;
  std::string text_;
};

}  // namespace amtgate::rfb
