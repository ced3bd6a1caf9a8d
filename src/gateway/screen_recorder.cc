#include "amtgate/gateway/screen_recorder.h"

#include "amtgate/record/fbs.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/protocol.h"

namespace amtgate::gateway {
namespace {

/// A picture comes in several updates; so many at a time.
constexpr int kUpdatesAtOnce = 64;

}  // namespace

ScreenRecorder::ScreenRecorder(session::SharedScreen& screen, std::shared_ptr<Recordings::Recording> recording,
                               const std::string& target, const Endpoint& device, sys::WallTime started,
                               TimePoint now)
    : screen_(screen),
      recording_(recording),
      notes_(std::move(recording), target, Service::Vnc, device, started, now),
      camera_(screen.screen().size(), target + ", recorded " + sys::to_iso8601(started)),
      last_(now),
      next_(now) {
  Buffer opening;
  record::append_fbs_opening(opening);
  recording_->write(std::move(opening));
  Buffer wishes;
  rfb::encode(wishes, rfb::SetEncodings{{rfb::kZlib, rfb::kDesktopSize}});
  // What we say ourselves is right.
  (void)camera_.receive(wishes, now);
  screen_.set_camera(&camera_);
  drain(now);
}

ScreenRecorder::~ScreenRecorder() {
  screen_.set_camera(nullptr);
  notes_.event("end", last_);
  recording_->end();
}

void ScreenRecorder::joined(session::ViewerId id, const Onlooker& who, TimePoint now) {
  notes_.joined(id.value, who, now);
}

void ScreenRecorder::left(session::ViewerId id, TimePoint now) {
  notes_.left(id.value, now);
}

void ScreenRecorder::pump(TimePoint now) {
  last_ = now;
  if (drain(now)) next_ = now + kInterval;
  if (recording_->failed()) return;
  for (int i = 0; i < kUpdatesAtOnce && !asked_ && now >= next_; ++i) {
    request(updates_ > 0, now);
    screen_.film(now);
    drain(now);
  }
}

bool ScreenRecorder::drain(TimePoint now) {
  Buffer blocks;
  while (!camera_.output().empty()) {
    const Bytes out = camera_.output();
    record::append_fbs_block(blocks, out, notes_.ms(now));
    camera_.sent(out.size());
  }
  recording_->write(std::move(blocks));
  if (!asked_ || camera_.updates() == updates_) return false;
  updates_ = camera_.updates();
  asked_ = false;
  return true;
}

void ScreenRecorder::request(bool incremental, TimePoint now) {
  const rfb::Size size = screen_.screen().size();
  Buffer ask;
  rfb::encode(ask, rfb::UpdateRequest{incremental, {0, 0, size.width, size.height}});
  (void)camera_.receive(ask, now);
  asked_ = true;
}

std::optional<TimePoint> ScreenRecorder::deadline() const {
  if (asked_ || recording_->failed()) return camera_.deadline();
  return next_;
}

}  // namespace amtgate::gateway
