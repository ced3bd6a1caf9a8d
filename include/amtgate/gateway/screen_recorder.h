// ScreenRecorder: what the viewers of a screen see, as an FBS file, from the first of them to the last.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/gateway/recording_notes.h"
#include "amtgate/gateway/recordings.h"
#include "amtgate/rfb/server_role.h"
#include "amtgate/session/shared_screen.h"

namespace amtgate::gateway {

class ScreenRecorder {
 public:
  /// Pictures are no closer together.
  static constexpr Duration kInterval = milliseconds(100);

  /// Takes itself away from `screen` when it goes; `screen` outlives it.
  ScreenRecorder(session::SharedScreen& screen, std::shared_ptr<Recordings::Recording> recording,
                 const std::string& target, const Endpoint& device, sys::WallTime started, TimePoint now);
  ~ScreenRecorder();
  ScreenRecorder(const ScreenRecorder&) = delete;
  ScreenRecorder& operator=(const ScreenRecorder&) = delete;

  void joined(session::ViewerId id, const Onlooker& who, TimePoint now);
  void left(session::ViewerId id, TimePoint now);
  std::size_t lookers() const { return notes_.onlookers(); }
  void event(const std::string& what, TimePoint now) { notes_.event(what, now); }

  /// Asks for the next picture where it is time, and puts away what there is. Behind all that changes the screen.
  void pump(TimePoint now);
  std::optional<TimePoint> deadline() const;

 private:
  /// True when the picture that was asked for has come.
  bool drain(TimePoint now);
  void request(bool incremental, TimePoint now);

  session::SharedScreen& screen_;
  std::shared_ptr<Recordings::Recording> recording_;
  RecordingNotes notes_;
  rfb::ServerRole camera_;
  TimePoint last_;  // that it was looked at
  TimePoint next_;
  bool asked_ = false;  // and not answered
  std::uint64_t updates_ = 0;
};

}  // namespace amtgate::gateway
