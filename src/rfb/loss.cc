#include "amtgate/rfb/loss.h"

#include <utility>

namespace amtgate::rfb {

void Loss::resize(Size size) {
  for (Damage& d : ages_) d.resize(size);
}

void Loss::add(const Rect& area) {
  remove(area);
  ages_[0].add(area);
}

void Loss::remove(const Rect& area) {
  for (Damage& d : ages_) d.remove(area);
}

void Loss::copy(const Rect& to, int dy) {
  for (Damage& d : ages_) d.copy(to, dy);
}

void Loss::beat() {
  const Rect all{0, 0, ages_[1].size().width, ages_[1].size().height};
  ages_[1].each_dirty(all, [&](Damage::Cell cell, const Rect&) { ages_[2].set(cell, true); });
  ages_[1].remove(all);
  std::swap(ages_[0], ages_[1]);
}

}  // namespace amtgate::rfb
