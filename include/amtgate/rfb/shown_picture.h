// ShownPicture: what one viewer has on its screen, in the device's pixels, so that it can be told to move parts of it
// (CopyRect) in place of being sent them again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/rfb/damage.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/screen.h"

namespace amtgate::rfb {

/// Exact: it holds what was sent, moves what the viewer was told to move, and forgets what the viewer may have lost.
/// Two pixels that are equal here are equal on the viewer's screen, as long as its format stays (JPEG aside: there a
/// copy is as good as what it was made of).
class ShownPicture {
 public:
  /// A larger picture is not kept: 3840x2400 at 16 bits has room.
  static constexpr std::size_t kMaxBytes = 18U << 20U;

  struct Copy {
    Rect to;
    int dy = 0;  // it comes from so many rows below; negative: from above
  };

  /// Nothing is known of what the viewer has.
  void forget();
  /// Of this part: it asks for it as if it had lost it.
  void forget(const Rect& area) { unknown_.add(area); }

  /// Before each of the following. Forgets when the view has another size or format than the last one. False: it is
  /// too large; then nothing is kept.
  bool fit(const PixelView& view);
  /// It was sent what the view has in `area`, a rectangle that Damage::take() has given.
  void put(const PixelView& view, const Rect& area);
  /// What the viewer has already is no damage.
  void drop_known(const PixelView& view, const Rect& area, Damage& damage) const;
  /// If what is damaged in `area` has scrolled: moves it here, as the viewer has to, and leaves in `damage` what is
  /// wrong behind that. After drop_known(). It is not looked for each time where it was not found for long.
  std::optional<Copy> scroll(const PixelView& view, const Rect& area, Damage& damage);

 private:
  PixelView pixels() const { return {pixels_.data(), stride_, format_, size_, nullptr}; }
  bool has(const PixelView& view, const Rect& area, int dy) const;
  std::optional<Copy> choose(const PixelView& view, const Rect& area, int dy, Damage& damage) const;
  void move(const Copy& copy);

  Size size_;
  PixelFormat format_;
  std::size_t stride_ = 0;
  Buffer pixels_;
  Damage unknown_;
  unsigned misses_ = 0, pause_ = 0;
};

}  // namespace amtgate::rfb
