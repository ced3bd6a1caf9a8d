#include "amtgate/session/shared_screen.h"

#include <algorithm>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"
#include "amtgate/redir/messages.h"

namespace amtgate::session {
namespace {

/// A machine that ends the session before it has drawn a frame of this size was not asked too much: 1920x1080 at 16
/// bits works on all but the first generations.
constexpr std::uint64_t kSurelyFits = 1920ULL * 1080 * 2;

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
      events_.emplace_back(ViewerKnown{id, ready->security, ready->tls, ready->user});
      viewer.hands = ready->hands;
      on_ready(id, viewer, now);
    } else if (std::holds_alternative<ScreenViewer::StartTls>(*event)) {
      events_.emplace_back(ViewerStartTls{id});
    } else if (std::holds_alternative<ScreenViewer::Joined>(*event)) {
      events_.emplace_back(ViewerJoined{id});
      rfb::ServerRole* role = viewer.machine.screen();
      if (role != nullptr) role->resized(screen_.size());  // it may have changed since accept()
      viewer.ready = false;
      if (viewer.script || viewer.hands == Hands::Off) continue;
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
  if (viewer.script && absence_.on()) return viewer.machine.end(absence_.refusal(options_.name), now);
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
  const bool back = absence_.on();
  handshake_.reset();
  device_ = Device::Live;
  changed(caption_.clear(screen_));
  role_.emplace(rfb::ClientRole::Options{limit_, options_.keep_awake}, init, screen_, now);
  if (options_.keyboard) keys_.emplace(options_.keyboard);
  complete_ = true;
  drawn_ = false;
  lit_ = false;
  first_ = !back || absence_.consent();
  dark_at_ = now + kDark;
  if (back) {
    events_.emplace_back(DeviceBack{absence_.end(now)});
  } else {
    blank_until_ = now + kFirstPicture;
  }
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
      notice_light();
      if (lit_) absence_.steady();
      drawn_ = drawn_ || role_->drawn();
      if (drawn_) admit_scripts(now);
    } else if (const auto* resized = std::get_if<rfb::ClientRole::Resized>(&*event)) {
      caption_.forget();
      drawn_ = false;
      for (auto& [id, viewer] : viewers_) {
        if (rfb::ServerRole* role = viewer.machine.screen()) role->resized(resized->size);
      }
      if (camera_ != nullptr) camera_->resized(resized->size);
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

void SharedScreen::device_failed(const DeviceFailure& failure, TimePoint now) {
  if (device_ != Device::Opening && device_ != Device::Away) return;
  const bool consent = failure.start_status == static_cast<std::uint8_t>(redir::StartStatus::ConsentRequired);
  lost(failure.error, now, consent ? Absence::Reason::Consent : Absence::Reason::Plain);
}

void SharedScreen::device_closed(const Error& error, TimePoint now) {
  if (learn_limit()) {
    full_since_.reset();
    // Not gone, but asked too much. Nobody has to know, also those who have not quite joined.
    role_.reset();
    keys_.reset();
    complete_ = true;
    device_ = Device::Opening;
    absence_.retry_soon(now);
    return resume(now);
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
        now, Absence::Reason::Dark);
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

void SharedScreen::lost(const Error& error, TimePoint now, Absence::Reason reason) {
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
  const bool stay = person_joined() || (reason == Absence::Reason::Consent && person_waits());
  if (!options_.reconnect || !stay) {
    device_ = Device::Absent;
    absence_.forget();
    return end_all(error, now);
  }
  device_ = Device::Away;
  if (absence_.begin(error, reason, now)) events_.emplace_back(DeviceLost{error});
  end_scripts(absence_.refusal(options_.name), now);
  if (screen_.size() == rfb::Size{}) (void)screen_.resize(kNoPicture);
  caption(now);
  accept_waiting(now);  // they may wait with the others
}

void SharedScreen::park(const std::string& what, TimePoint until, TimePoint now) {
  if (viewers_.empty()) return;
  events_.emplace_back(DropDevice{});
  lost({Errc::Closed, options_.name + " " + what}, now, Absence::Reason::Parked);
  if (absence_.on()) absence_.hold(until);
}

void SharedScreen::unpark(TimePoint now) {
  if (absence_.parked()) absence_.hold(now);
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
  shaded_ = false;
  absence_.forget();
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
  return take_front(events_);
}

// --- time -------------------------------------------------------------------------------------------------

std::optional<TimePoint> SharedScreen::deadline() const {
  std::optional<TimePoint> due = earliest({blank_until_, leave_by_, absence_.deadline()});
  for (const auto& [id, viewer] : viewers_) due = earliest({due, viewer.machine.deadline()});
  if (handshake_) due = earliest({due, handshake_->deadline()});
  if (role_) due = earliest({due, role_->deadline()});
  if (stale_ && !complete_ && !blank_until_) due = earliest({due, shown_ + kShowInterval});
  if (full_since_) due = earliest({due, *full_since_ + kStall});
  if (!shaded_ && wants_dark_caption()) due = earliest({due, dark_at_});
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
  if (absence_.take_retry(now)) events_.emplace_back(NeedDevice{});
  if (absence_.caption_due(now)) caption(now);
  if (blank_until_ && now >= *blank_until_) unveil();
  shade(now);
  show(now);
}

}  // namespace amtgate::session
