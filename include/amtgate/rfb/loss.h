// Loss: where a viewer's picture is a JPEG's, and for how long nothing has changed there.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "amtgate/rfb/damage.h"

namespace amtgate::rfb {

/// What was drawn with loss, in Damage's cells, grows older with each beat and is due behind the second one. A cell
/// that is drawn again, as those of a video are, is young again.
class Loss {
 public:
  void resize(Size size);
  /// `area` was drawn so.
  void add(const Rect& area);
  /// `area` was drawn as it is, or is about to be drawn anew.
  void remove(const Rect& area);
  /// As Damage::copy().
  void copy(const Rect& to, int dy);
  void beat();

  /// Beats are waited for.
  bool growing() const { return !ages_[0].empty() || !ages_[1].empty(); }
  bool due() const { return !ages_[2].empty(); }
  /// As Damage::take(), of what is due.
  void take(const Rect& area, std::size_t max_pixels, std::vector<Rect>& out) {
    ages_[2].take(area, max_pixels, out);
  }

 private:
  std::array<Damage, 3> ages_;  // before the first beat, before the second, behind it
};

}  // namespace amtgate::rfb
