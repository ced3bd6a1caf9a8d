// Letterbox: a screen shown inside a picture of a fixed size, for viewers that cannot follow a change of size.
#pragma once

#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/screen.h"

namespace amtgate::rfb {

/// A screen that fits stands in the middle, pixel by pixel; a larger one is made smaller, with its shape kept, each
/// pixel the mean of those it stands for. Black around it.
class Letterbox {
 public:
  Letterbox() = default;
  Letterbox(Size screen, Size picture);

  /// The part of the picture that the screen fills; empty where one of them is.
  Rect window() const { return window_; }
  /// The part of the picture that depends on `area` of the screen.
  Rect to_picture(const Rect& area) const;
  /// Where a pointer in the picture points on the screen; outside of the window: the nearest edge.
  void to_screen(std::uint16_t& x, std::uint16_t& y) const;
  /// Draws what to_picture(area) covers. `picture` has the view's format and the picture's size.
  void draw(const PixelView& screen, const Rect& area, Screen& picture) const;

 private:
  bool scaled() const { return window_.width != screen_.width || window_.height != screen_.height; }

  Size screen_;
  Rect window_;
};

}  // namespace amtgate::rfb
