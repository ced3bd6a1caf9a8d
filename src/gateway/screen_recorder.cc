#include "amtgate/gateway/screen_recorder.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "amtgate/record/fbs.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/protocol.h"

namespace amtgate::gateway {
namespace {

/// A picture comes in several updates; so many at a time.
constexpr int kUpdatesAtOnce = 64;

std::string dumped(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

ScreenRecorder::ScreenRecorder(session::SharedScreen& screen, std::shared_ptr<Recordings::Recording> recording,
                               const std::string& target, const Endpoint& device, sys::WallTime started,
                               TimePoint now)
    : screen_(screen),
      recording_(std::move(recording)),
      camera_(screen.screen().size(), target + ", recorded " + sys::to_iso8601(started)),
      began_(now),
      last_(now),
      next_(now) {
  recording_->note(dumped({{"version", 1},
                           {"id", recording_->id()},
                           {"target", target},
                           {"service", "vnc"},
                           {"device", device.to_string()},
                           {"started", sys::to_iso8601(started)}}));
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
  event("end", last_);
  recording_->end();
}

std::uint32_t ScreenRecorder::at(TimePoint now) const {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<milliseconds>(now - began_).count());
}

void ScreenRecorder::joined(session::ViewerId id, const Looker& who, TimePoint now) {
  lookers_[id] = who;
  recording_->note(dumped(
      {{"at", at(now)}, {"event", "join"}, {"session", id.value}, {"client", who.client}, {"user", who.user}}));
}

void ScreenRecorder::left(session::ViewerId id, TimePoint now) {
  if (lookers_.erase(id) == 0) return;
  recording_->note(dumped({{"at", at(now)}, {"event", "leave"}, {"session", id.value}}));
}

void ScreenRecorder::event(const std::string& what, TimePoint now) {
  recording_->note(dumped({{"at", at(now)}, {"event", what}}));
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
    record::append_fbs_block(blocks, out, at(now));
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
