// Keyboard and mouse of a shared screen: who types, and how it gets to AMT.
#include <algorithm>

#include "amtgate/session/shared_screen.h"

namespace amtgate::session {

void SharedScreen::pass_keyboard_on(TimePoint now) {
  for (const auto& [id, viewer] : viewers_) {
    // With `view` those who came to watch go on watching.
    if (!viewer.machine.joined() || viewer.script || viewer.hands == Hands::Off) continue;
    if (viewer.watches && options_.share == Share::View) continue;
    return void(give(id, now));
  }
}

/// Nothing of this viewer goes on before AMT has taken more.
bool SharedScreen::waits(ViewerId id, const Viewer& viewer) const {
  return role_ && !role_->takes_input() && (viewer.script || typist_ == id) && !viewer.machine.over();
}

bool SharedScreen::takes(ViewerId id) const {
  const auto it = viewers_.find(id);
  return it == viewers_.end() || !waits(id, it->second);
}

/// What has waited goes on.
void SharedScreen::resume(TimePoint now) {
  for (auto& [id, viewer] : viewers_) {
    drain(id, viewer, now);
    if (!viewer.typed || viewer.machine.has_events() || !device_output().empty()) continue;
    viewer.typed = false;
    show_to(viewer, now);
  }
}

void SharedScreen::watch_input(TimePoint now, bool progress) {
  if (!role_ || role_->takes_input()) {
    full_since_.reset();
    shaded_ = false;
  } else if (progress || !full_since_) {
    full_since_ = now;
  }
}

Result<void> SharedScreen::give(ViewerId id, TimePoint now) {
  const Viewer* viewer = find(id);
  if (viewer == nullptr || !viewer->machine.joined()) {
    return Error{Errc::BadValue, "viewer " + std::to_string(id.value) + " does not look at this screen"};
  }
  if (viewer->script) return Error{Errc::BadValue, "a script types whoever has the keyboard"};
  if (viewer->hands == Hands::Off) {
    return Error{Errc::Refused, "the user of viewer " + std::to_string(id.value) + " may only look at this screen"};
  }
  if (typist_ == id) return {};
  release_keys(now);
  typist_ = id;
  find(id)->watches = false;
  resume(now);
  return {};
}

void SharedScreen::release_keys(TimePoint now) {
  if (!keys_ || !role_) return;
  strokes_.clear();
  keys_->release_all(strokes_);
  for (const rfb::KeyEvent& key : strokes_) role_->key(key, now);
  role_->release_buttons(now);
}

void SharedScreen::input(ViewerId id, const ScreenViewer::Event& event, TimePoint now) {
  Viewer& viewer = *find(id);
  if (!role_ || (typist_ != id && !viewer.script) || viewer.hands == Hands::Off) return;
  if (const auto* pointer = std::get_if<rfb::PointerEvent>(&event)) {
    role_->pointer(*pointer, now);
    return watch_input(now, false);
  }
  if (!keys_) return void(++keys_dropped_);
  strokes_.clear();
  rfb::KeyOutcome outcome = rfb::KeyOutcome::Sent;
  if (const auto* key = std::get_if<rfb::KeyEvent>(&event)) {
    outcome = keys_->translate(*key, strokes_);
    if (viewer.script) {
      std::erase(viewer.down, key->key);
      if (key->down && viewer.down.size() < rfb::kMaxKeysDown) viewer.down.push_back(key->key);
    }
  } else if (const auto* place = std::get_if<rfb::QemuKeyEvent>(&event)) {
    outcome = keys_->translate(*place, strokes_);
  }
  if (outcome != rfb::KeyOutcome::Sent) ++keys_dropped_;
  for (const rfb::KeyEvent& key : strokes_) role_->key(key, now);
  // A key that means nothing to AMT (the release of one that was pressed and let go in one) has nothing to wait for.
  viewer.typed = viewer.typed || (viewer.script && !strokes_.empty());
  watch_input(now, false);
}

/// A script that ends in the middle of a combination leaves no key down.
void SharedScreen::let_go(Viewer& script, TimePoint now) {
  strokes_.clear();
  while (keys_ && role_ && !script.down.empty()) {
    (void)keys_->translate(rfb::KeyEvent{false, script.down.back()}, strokes_);
    script.down.pop_back();
  }
  for (const rfb::KeyEvent& key : strokes_) role_->key(key, now);
}

}  // namespace amtgate::session
