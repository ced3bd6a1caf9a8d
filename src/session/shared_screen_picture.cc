// What the viewers of a shared screen are shown, and when: the machine's picture, or a caption over it.
#include <algorithm>

#include "amtgate/session/shared_screen.h"

namespace amtgate::session {
namespace {

bool all_black(const rfb::PixelView& view) {
  const std::size_t row = view.size.width * view.bytes_per_pixel();
  for (unsigned y = 0; y < view.size.height; ++y) {
    const std::uint8_t* at = view.at(0, y);
    if (std::any_of(at, at + row, [](std::uint8_t b) { return b != 0; })) return false;
  }
  return true;
}

}  // namespace

void SharedScreen::notice_light() {
  lit_ = lit_ || (role_->drawn() && !all_black(screen_.view()));
}

bool SharedScreen::wants_dark_caption() const {
  return device_ == Device::Live && !lit_ && !script_here() && person_joined();
}

/// The caption of a black picture, put there or taken away.
void SharedScreen::shade(TimePoint now) {
  const bool wanted = wants_dark_caption() && now >= dark_at_;
  if (wanted == shaded_) return;
  shaded_ = wanted;
  if (!wanted) {
    changed(caption_.clear(screen_));
    return show(now);
  }
  changed(caption_.show(
      screen_, options_.name + " shows nothing but black.\nIf the consent of its user is needed: type the six "
                               "digits that its own screen shows. A display that sleeps looks like this, too."));
  unveil();
  show(now);
}

void SharedScreen::changed(const rfb::Rect& area) {
  for (auto& [id, viewer] : viewers_) {
    if (rfb::ServerRole* role = viewer.machine.screen()) role->changed(area);
  }
  if (camera_ != nullptr) camera_->changed(area);
  stale_ = true;
}

/// Viewers may see the screen, also if all of it is black.
void SharedScreen::unveil() {
  stale_ = stale_ || blank_until_;
  blank_until_.reset();
}

void SharedScreen::show(TimePoint now) {
  if (!stale_ || blank_until_ || (!complete_ && now - shown_ < kShowInterval)) return;
  for (auto& [id, viewer] : viewers_) {
    if (viewer.typed) continue;
    if (rfb::ServerRole* role = viewer.machine.screen()) role->show(screen_.view(), now);
  }
  if (camera_ != nullptr) camera_->show(screen_.view(), now);
  shown_ = now;
  stale_ = false;
}

void SharedScreen::film(TimePoint now) {
  if (camera_ != nullptr && !blank_until_ && (complete_ || !stale_)) camera_->show(screen_.view(), now);
}

/// A viewer that asks, or has room again. While an update of AMT is under way it is shown what the others were: the
/// rest comes with show(), unless there is none.
void SharedScreen::show_to(Viewer& viewer, TimePoint now) {
  if (viewer.typed) return;  // a script takes the answer for a sign that its keys have gone on
  rfb::ServerRole* role = viewer.machine.screen();
  if (role != nullptr && !blank_until_ && (complete_ || !stale_)) role->show(screen_.view(), now);
}

void SharedScreen::caption(TimePoint now) {
  changed(caption_.show(screen_, absence_.caption(options_.name, now)));
  show(now);
}

}  // namespace amtgate::session
