#include "amtgate/session/shared_screen.h"

#include <algorithm>

#include "amtgate/redir/messages.h"

namespace amtgate::session {
namespace {

/// A machine that ends the session before it has drawn a frame of this size was not asked too much: 1920x1080 at 16
/// bits works on all but the first generations.
constexpr std::uint64_t kSurelyFits = 1920ULL * 1080 * 2;

void sooner(std::optional<TimePoint>& first, std::optional<TimePoint> t) {
  if (t && (!first || *t < *first)) first = t;
}

/// "0:12".
std::string minutes(Duration d) {
  const auto s = std::chrono::duration_cast<seconds>(d).count();
  return std::to_string(s / 60) + (s % 60 < 10 ? ":0" : ":") + std::to_string(s % 60);
}

bool all_black(const rfb::PixelView& view) {
  const std::size_t row = view.size.width * view.bytes_per_pixel();
  for (unsigned y = 0; y < view.size.height; ++y) {
    const std::uint8_t* at = view.at(0, y);
    if (std::any_of(at, at + row, [](std::uint8_t b) { return b != 0; })) return false;
  }
  return true;
}

/// What one sees of a machine that restarts: it closes, resets, does not answer, has no listener yet.
bool restarts(Errc code) {
  return code == Errc::Closed || code == Errc::Timeout || code == Errc::Unreachable;
}

}  // namespace

SharedScreen::SharedScreen(ScreenOptions options, auth::RandomSource& random)
    : options_(std::move(options)),
      random_(random),
      limit_(options_.frame_buffer_limit.value_or(rfb::kFrameBufferLimit)) {}

// --- viewers ----------------------------------------------------------------------------------------------

SharedScreen::Viewer* SharedScreen::find(ViewerId id) {
  const auto it = viewers_.find(id);
  return it == viewers_.end() ? nullptr : &it->second;
}

void SharedScreen::add_viewer(ViewerId id, const ViewerOptions& viewer, const std::string& who, TimePoint now) {
  const auto [it, added] = viewers_.try_emplace(id, Viewer{ScreenViewer(viewer, random_, now), who});
  if (!added || !viewer.script) return;
  it->second.script = true;
  drain(id, it->second, now);
}

void SharedScreen::remove_viewer(ViewerId id, TimePoint now) {
  Viewer* gone = find(id);
  if (gone == nullptr) return;
  let_go(*gone, now);
  viewers_.erase(id);
  if (typist_ == id) {
    release_keys(now);
    typist_.reset();
    pass_keyboard_on(now);
  }
  shade(now);
  const bool wanted = std::any_of(viewers_.begin(), viewers_.end(),
                                  [](const auto& v) { return v.second.ready || v.second.machine.joined(); });
  if (!wanted && device_ != Device::Absent) leave_device(now);
}

void SharedScreen::receive_viewer(ViewerId id, Bytes in, TimePoint now) {
  Viewer* viewer = find(id);
  if (viewer == nullptr) return;
  viewer->machine.receive(in, now);
  drain(id, *viewer, now);
  show_to(*viewer, now);
}

Bytes SharedScreen::viewer_output(ViewerId id) const {
  const auto it = viewers_.find(id);
  return it == viewers_.end() ? Bytes{} : it->second.machine.output();
}

void SharedScreen::viewer_sent(ViewerId id, std::size_t n, TimePoint now) {
  Viewer* viewer = find(id);
  if (viewer == nullptr) return;
  viewer->machine.sent(n);
  show_to(*viewer, now);
}

/// A viewer that asks, or has room again. While an update of AMT is under way it is shown what the others were: the
/// rest comes with show(), unless there is none.
void SharedScreen::show_to(Viewer& viewer, TimePoint now) {
  if (viewer.typed) return;  // a script takes the answer for a sign that its keys have gone on
  rfb::ServerRole* role = viewer.machine.screen();
  if (role != nullptr && !blank_until_ && (complete_ || !stale_)) role->show(screen_.view(), now);
}

void SharedScreen::viewer_tls_started(ViewerId id, TimePoint now) {
  Viewer* viewer = find(id);
  if (viewer == nullptr) return;
  viewer->machine.tls_started(now);
  drain(id, *viewer, now);
}

void SharedScreen::end_viewer(ViewerId id, const Error& error, TimePoint now) {
  Viewer* viewer = find(id);
  if (viewer == nullptr) return;
  viewer->ready = false;
  viewer->machine.end(error, now);
  drain(id, *viewer, now);
}

void SharedScreen::drain(ViewerId id, Viewer& viewer, TimePoint now) {
  while (!waits(id, viewer)) {
    auto event = viewer.machine.next_event();
    if (!event) return;
    if (const auto* ready = std::get_if<ScreenViewer::Ready>(&*event)) {
      events_.emplace_back(ViewerKnown{id, ready->security, ready->tls});
      on_ready(id, viewer, now);
    } else if (std::holds_alternative<ScreenViewer::StartTls>(*event)) {
      events_.emplace_back(ViewerStartTls{id});
    } else if (std::holds_alternative<ScreenViewer::Joined>(*event)) {
      events_.emplace_back(ViewerJoined{id});
      rfb::ServerRole* role = viewer.machine.screen();
      if (role != nullptr) role->resized(screen_.size());  // it may have changed since accept()
      viewer.ready = false;
      if (viewer.script) continue;
      if (typist_) {
        viewer.watches = true;
      } else {
        typist_ = id;
      }
    } else if (const auto* ended = std::get_if<ScreenViewer::Ended>(&*event)) {
      viewer.ready = false;
      events_.emplace_back(ViewerEnded{id, ended->error});
    } else {
      input(id, *event, now);
    }
  }
}

void SharedScreen::on_ready(ViewerId id, Viewer& viewer, TimePoint now) {
  if (options_.share == Share::No) {
    for (const auto& [other_id, other] : viewers_) {
      if (other_id == id || (!other.ready && !other.machine.joined())) continue;
      viewer.machine.end({Errc::Busy, options_.name + ": the screen is in use by " + other.who}, now);
      return;  // drain() goes on with what that brought
    }
  }
  if (viewer.script && away_) {
    viewer.machine.end({why_away_.empty() ? Errc::Unreachable : away_code_, away_sentence()}, now);
    return;
  }
  viewer.ready = true;
  leave_by_.reset();
  shade(now);  // a script gets the machine's own picture
  if (viewer.script && device_ == Device::Live) {
    if (drawn_) viewer.machine.accept(screen_.size(), options_.name, now);
  } else if (device_ == Device::Live || device_ == Device::Away) {
    viewer.machine.accept(screen_.size(), options_.name, now);
  } else if (device_ == Device::Absent) {
    device_ = Device::Opening;
    events_.emplace_back(NeedDevice{});
  }
}

bool SharedScreen::person_joined() const {
  return std::any_of(viewers_.begin(), viewers_.end(),
                     [](const auto& v) { return v.second.machine.joined() && !v.second.script; });
}

bool SharedScreen::person_waits() const {
  return std::any_of(viewers_.begin(), viewers_.end(),
                     [](const auto& v) { return v.second.ready && !v.second.script; });
}

bool SharedScreen::script_here() const {
  return std::any_of(viewers_.begin(), viewers_.end(),
                     [](const auto& v) { return v.second.script && (v.second.ready || v.second.machine.joined()); });
}

void SharedScreen::admit_scripts(TimePoint now) {
  for (auto& [id, viewer] : viewers_) {
    if (!viewer.script || !viewer.ready || viewer.machine.joined()) continue;
    viewer.machine.accept(screen_.size(), options_.name, now);
    drain(id, viewer, now);
  }
}

void SharedScreen::end_scripts(const Error& error, TimePoint now) {
  for (auto& [id, viewer] : viewers_) {
    if (!viewer.script) continue;
    viewer.ready = false;
    viewer.machine.end(error, now);
    drain(id, viewer, now);
  }
}

// --- keyboard and mouse -----------------------------------------------------------------------------------

void SharedScreen::pass_keyboard_on(TimePoint now) {
  for (const auto& [id, viewer] : viewers_) {
    // With `view` those who came to watch go on watching.
    if (!viewer.machine.joined() || viewer.script || (viewer.watches && options_.share == Share::View)) continue;
    return void(give(id, now));
  }
}

/// Nothing of this viewer goes on before AMT has taken more.
bool SharedScreen::waits(ViewerId id, const Viewer& viewer) const {
  return role_ && !role_->takes_input() && (viewer.script || typist_ == id);
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
  if (!role_ || (typist_ != id && !viewer.script)) return;
  if (const auto* pointer = std::get_if<rfb::PointerEvent>(&event)) {
    role_->pointer(*pointer, now);
    return watch_input(now, false);
  }
  if (!keys_) return void(++keys_dropped_);
  viewer.typed = viewer.script;
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

// --- device -----------------------------------------------------------------------------------------------

void SharedScreen::device_opened(Bytes rest, TimePoint now) {
  if (device_ != Device::Opening && device_ != Device::Away) return;
  device_ = Device::Handshake;
  handshake_.emplace(rfb::ClientHandshake::Options{}, now);
  if (!rest.empty()) receive_device(rest, now);
}

void SharedScreen::receive_device(Bytes in, TimePoint now) {
  if (device_ == Device::Handshake) {
    const Result<void> taken = handshake_->receive(in, now);
    drain_handshake(now);
    if (!taken) {
      events_.emplace_back(DropDevice{});
      lost({taken.error().code, "the machine's screen: " + taken.error().detail}, now);
    }
  } else if (device_ == Device::Live) {
    if (shaded_) {  // nobody else may draw under a caption
      shaded_ = false;
      changed(caption_.clear(screen_));
    }
    const Result<void> taken = role_->receive(in, now);
    drain_role(now);
    if (!taken) {
      events_.emplace_back(DropDevice{});
      lost({taken.error().code, "the machine's screen: " + taken.error().detail}, now);
    }
  }
}

void SharedScreen::drain_handshake(TimePoint now) {
  while (device_ == Device::Handshake) {
    auto event = handshake_->next_event();
    if (!event) return;
    if (const auto* ready = std::get_if<rfb::ClientHandshake::Ready>(&*event)) {
      const rfb::ServerInit init = ready->init;
      const Buffer rest = handshake_->take_rest();
      live(init, rest, now);
    }
  }
}

void SharedScreen::live(const rfb::ServerInit& init, Bytes rest, TimePoint now) {
  const bool back = away_;
  handshake_.reset();
  device_ = Device::Live;
  changed(caption_.clear(screen_));
  role_.emplace(rfb::ClientRole::Options{limit_, options_.keep_awake}, init, screen_, now);
  if (options_.keyboard) keys_.emplace(options_.keyboard);
  complete_ = true;
  drawn_ = false;
  lit_ = false;
  first_ = !back || consent_;
  consent_ = false;
  dark_at_ = now + kDark;
  if (back) {
    events_.emplace_back(DeviceBack{now - away_since_});
  } else {
    blank_until_ = now + kFirstPicture;
  }
  away_ = false;
  retry_at_.reset();
  caption_at_.reset();
  drain_role(now);
  // Also with nothing in it: a screen that cannot be had is refused here, while viewers can still be told.
  receive_device(rest, now);
  if (device_ == Device::Live) accept_waiting(now);
}

void SharedScreen::accept_waiting(TimePoint now) {
  for (auto& [id, viewer] : viewers_) {
    if (!viewer.ready || viewer.machine.joined() || viewer.script) continue;
    viewer.machine.accept(screen_.size(), options_.name, now);
    drain(id, viewer, now);
  }
}

void SharedScreen::drain_role(TimePoint now) {
  while (auto event = role_->next_event()) {
    if (const auto* part = std::get_if<rfb::ClientRole::Changed>(&*event)) {
      changed(part->area);
      complete_ = false;
    } else if (std::holds_alternative<rfb::ClientRole::Complete>(*event)) {
      complete_ = true;
      if (role_->drawn()) unveil();
      lit_ = lit_ || (role_->drawn() && !all_black(screen_.view()));
      if (lit_) retry_ = kFirstRetry;
      drawn_ = drawn_ || role_->drawn();
      if (drawn_) admit_scripts(now);
    } else if (const auto* resized = std::get_if<rfb::ClientRole::Resized>(&*event)) {
      caption_.forget();
      drawn_ = false;
      for (auto& [id, viewer] : viewers_) {
        if (rfb::ServerRole* role = viewer.machine.screen()) role->resized(resized->size);
      }
      stale_ = true;
    } else if (std::holds_alternative<rfb::ClientRole::Rung>(*event)) {
      for (auto& [id, viewer] : viewers_) {
        if (rfb::ServerRole* role = viewer.machine.screen()) role->ring();
      }
    }
  }
  shade(now);
  show(now);
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
  shown_ = now;
  stale_ = false;
}

void SharedScreen::device_failed(const DeviceFailure& failure, TimePoint now) {
  if (device_ != Device::Opening && device_ != Device::Away) return;
  const bool consent = failure.start_status == static_cast<std::uint8_t>(redir::StartStatus::ConsentRequired);
  lost(failure.error, now, consent ? Loss::Consent : Loss::Plain);
}

void SharedScreen::device_closed(const Error& error, TimePoint now) {
  if (learn_limit()) {
    full_since_.reset();
    // Not gone, but asked too much. Nobody has to know, also those who have not quite joined.
    role_.reset();
    keys_.reset();
    complete_ = true;
    device_ = Device::Opening;
    retry_at_ = now + kFirstRetry;
    return;
  }
  if (device_ == Device::Handshake && error.code == Errc::Closed) {
    return lost({error.code, error.detail + " while its screen was being opened: is a display attached, and can AMT "
                                            "read the graphics?"},
                now);
  }
  if (device_ == Device::Live && !lit_ && first_) {
    return lost(
        {error.code, error.detail + " and had shown nothing but black: was its user's consent refused, or not "
                                    "given in time? Is a display attached?"},
        now, Loss::Dark);
  }
  if (device_ == Device::Handshake || device_ == Device::Live) lost(error, now);
}

/// A machine that ends the session before it has drawn a large screen has a lower limit than most.
bool SharedScreen::learn_limit() {
  if (options_.frame_buffer_limit || device_ != Device::Live || role_->drawn() || !role_->full_colour()) return false;
  const std::uint64_t bytes = std::uint64_t{screen_.size().width} * screen_.size().height * 2;
  if (bytes <= kSurelyFits || bytes > limit_) return false;
  limit_ = bytes - 1;
  return true;
}

void SharedScreen::lost(const Error& error, TimePoint now, Loss loss) {
  shaded_ = false;
  handshake_.reset();
  role_.reset();
  keys_.reset();
  leave_by_.reset();
  full_since_.reset();
  complete_ = true;
  blank_until_.reset();
  resume(now);  // there is nobody to type to
  // With a consent that is missing there is something to wait for, also for those who are not in yet.
  const bool stay = person_joined() || (loss == Loss::Consent && person_waits());
  if (!options_.reconnect || !stay) {
    device_ = Device::Absent;
    away_ = consent_ = false;
    retry_at_.reset();
    caption_at_.reset();
    return end_all(error, now);
  }
  if (!away_) {
    away_ = true;
    away_since_ = now;
    restarting_ = restarts(error.code);
    events_.emplace_back(DeviceLost{error});
  }
  device_ = Device::Away;
  consent_ = loss == Loss::Consent;
  restarting_ = restarting_ && restarts(error.code) && loss == Loss::Plain;
  why_away_ = restarting_ ? std::string() : error.detail;
  away_code_ = error.code;
  end_scripts({restarting_ ? Errc::Unreachable : error.code, away_sentence()}, now);
  retry_at_ = now + retry_;
  retry_ = std::min<Duration>(retry_ * 2, kLastRetry);
  if (screen_.size() == rfb::Size{}) (void)screen_.resize(kNoPicture);
  caption(now);
  accept_waiting(now);  // they may wait with the others
}

/// For scripts.
std::string SharedScreen::away_sentence() const {
  if (why_away_.empty()) return options_.name + " is restarting; its screen is back when the machine is";
  return options_.name + " is away: " + why_away_;
}

void SharedScreen::caption(TimePoint now) {
  std::string text = options_.name;
  text += consent_ ? " needs the consent of its user" : restarting_ ? " is restarting" : " is away";
  text += ", waiting " + minutes(now - away_since_);
  if (consent_) {
    text +=
        "\nA management tool asks for it: the PC shows six digits then, which are entered there. The picture comes "
        "as soon as it is given.";
  } else if (!why_away_.empty()) {
    text += "\n" + why_away_;
  }
  changed(caption_.show(screen_, text));
  caption_at_ = now + seconds(1);
  show(now);
}

void SharedScreen::end_all(const Error& error, TimePoint now) {
  for (auto& [id, viewer] : viewers_) {
    if (!viewer.ready && !viewer.machine.joined()) continue;  // one that is still typing its password may try anew
    viewer.ready = false;
    viewer.machine.end(error, now);
    drain(id, viewer, now);
  }
}

void SharedScreen::leave_device(TimePoint now) {
  if (device_ != Device::Live || role_->output().empty()) return drop_device();
  leave_by_ = now + kLeave;
  leave_last_ = now + kLeaveMost;
}

void SharedScreen::drop_device() {
  device_ = Device::Absent;
  leave_by_.reset();
  full_since_.reset();
  handshake_.reset();
  role_.reset();
  keys_.reset();
  away_ = consent_ = shaded_ = false;
  retry_at_.reset();
  caption_at_.reset();
  retry_ = kFirstRetry;
  complete_ = true;
  blank_until_.reset();
  events_.emplace_back(DropDevice{});
}

Bytes SharedScreen::device_output() const {
  if (device_ == Device::Handshake) return handshake_->output();
  return device_ == Device::Live ? role_->output() : Bytes{};
}

void SharedScreen::device_sent(std::size_t n, TimePoint now) {
  if (device_ == Device::Handshake) return handshake_->sent(n);
  if (device_ != Device::Live || n == 0) return;
  role_->sent(n);
  watch_input(now, true);
  if (leave_by_ && role_->output().empty()) return drop_device();
  if (leave_by_) leave_by_ = std::min(now + kLeave, leave_last_);
  if (role_->takes_input()) resume(now);
}

std::optional<SharedScreen::Event> SharedScreen::next_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

// --- time -------------------------------------------------------------------------------------------------

std::optional<TimePoint> SharedScreen::deadline() const {
  std::optional<TimePoint> due;
  for (const auto& [id, viewer] : viewers_) sooner(due, viewer.machine.deadline());
  if (handshake_) sooner(due, handshake_->deadline());
  if (role_) sooner(due, role_->deadline());
  if (stale_ && !complete_ && !blank_until_) sooner(due, shown_ + kShowInterval);
  sooner(due, blank_until_);
  sooner(due, leave_by_);
  if (full_since_) sooner(due, *full_since_ + kStall);
  sooner(due, retry_at_);
  sooner(due, caption_at_);
  if (!shaded_ && wants_dark_caption()) sooner(due, dark_at_);
  return due;
}

void SharedScreen::tick(TimePoint now) {
  for (auto& [id, viewer] : viewers_) {
    viewer.machine.tick(now);
    drain(id, viewer, now);
    show_to(viewer, now);
  }
  std::optional<Error> failed;
  if (handshake_) {
    if (const Result<void> r = handshake_->tick(now); !r) failed = r.error();
  } else if (role_) {
    if (const Result<void> r = role_->tick(now); !r) failed = r.error();
  }
  if (failed) {
    events_.emplace_back(DropDevice{});
    lost({failed->code, "the machine's screen: " + failed->detail}, now);
  }
  if (full_since_ && now - *full_since_ >= kStall) {
    events_.emplace_back(DropDevice{});
    lost({Errc::Timeout, options_.name + " takes no keyboard and mouse input"}, now);
  }
  if (leave_by_ && now >= *leave_by_) drop_device();
  if (retry_at_ && now >= *retry_at_) {
    retry_at_.reset();
    events_.emplace_back(NeedDevice{});
  }
  if (caption_at_ && now >= *caption_at_) caption(now);
  if (blank_until_ && now >= *blank_until_) unveil();
  shade(now);
  show(now);
}

}  // namespace amtgate::session
