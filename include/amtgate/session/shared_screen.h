// SharedScreen: the screen of one machine and all who look at it: one wire to the device, one to each viewer.
//
//   viewer  <──> ScreenViewer ─┐                                    ┌─ owner: reaches the device,
//   viewer  <──> ScreenViewer ─┼─ SharedScreen ── rfb::ClientRole <─┤  moves the bytes
//   viewer  <──> ScreenViewer ─┘   rfb::Screen                      └─
//
// AMT has one KVM session. It is asked for when the first viewer has passed its opening, and given up with the last
// viewer. Each viewer has its own format, encoding and pace; one of them types. When the machine goes away (every
// reboot) the viewers stay, with the last picture and a caption, until it is back.
//
// A viewer whose user may only look (ViewerLogin) never has the keyboard, and does not keep it from those who come
// behind it.
//
// Scripts look on beside them and take nothing from anybody: what they type is always taken, they never hold the
// keyboard, and they see the machine's own picture only: they join when it has been drawn, and are ended when the
// machine goes away.
//
// A machine that wants its user's consent first: where it refuses the session for that, viewers are let in to a
// caption that says so, and it is asked again until it opens. Where it opens, AMT puts its prompt for the six digits
// into the picture [Intel], and what viewers type reaches it; a picture that stays black gets a caption (what
// firmware shows of the prompt is not known for all of it).
//
// Nothing that is typed is lost while AMT takes it slowly: whoever types is not read from meanwhile (takes()).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/auth/random.h"
#include "amtgate/base/machine.h"
#include "amtgate/rfb/caption.h"
#include "amtgate/rfb/client_handshake.h"
#include "amtgate/rfb/client_role.h"
#include "amtgate/rfb/key_translator.h"
#include "amtgate/rfb/screen.h"
#include "amtgate/session/absence.h"
#include "amtgate/session/joint.h"
#include "amtgate/session/screen_viewer.h"

namespace amtgate::session {

struct ViewerId {
  std::uint64_t value = 0;
  auto operator<=>(const ViewerId&) const = default;
};

enum class Share : std::uint8_t {
  No,    // one viewer
  Yes,   // several; the first one types, and when it leaves the next
  View,  // several; only the first one types, until somebody else is given the keyboard
};

struct ScreenOptions {
  std::string name;  // the target's: what windows are called, and for sentences
  Share share = Share::Yes;
  bool reconnect = true;
  /// Empty: AMT's usual limit, and what is learned when the machine ends a session for it.
  std::optional<std::uint64_t> frame_buffer_limit;
  std::shared_ptr<const rfb::KeyboardLayout> keyboard;  // of the PC's operating system
  Duration keep_awake = seconds(60);
};

class SharedScreen {
 public:
  /// Open the device (Depth::Authenticated, Service::Vnc), then device_opened() or device_failed().
  struct NeedDevice {};
  /// Close the device, or stop opening it.
  struct DropDevice {};
  /// Write its output to the last byte, be TLS server on its connection, then viewer_tls_started().
  struct ViewerStartTls {
    ViewerId id;
  };
  struct ViewerKnown {
    ViewerId id;
    rfb::SecurityType security;
    bool tls;
    std::string user{};  // as it has logged in
  };
  struct ViewerJoined {
    ViewerId id;
  };
  /// Flush its output and close it, then remove_viewer().
  struct ViewerEnded {
    ViewerId id;
    Error error;
  };
  /// The machine went away while viewers looked at it; they stay.
  struct DeviceLost {
    Error error;
  };
  struct DeviceBack {
    Duration away;
  };
  using Event = std::variant<NeedDevice, DropDevice, ViewerStartTls, ViewerKnown, ViewerJoined, ViewerEnded,
                             DeviceLost, DeviceBack>;

  /// While an update of AMT is under way, what has come of it is shown no more often.
  static constexpr Duration kShowInterval = milliseconds(20);
  /// What goes to AMT behind the last viewer (its keys going up) has so long.
  static constexpr Duration kLeave = seconds(1);
  /// As long as AMT goes on taking it: so long in all.
  static constexpr Duration kLeaveMost = seconds(30);
  /// What viewers are let in to where a machine has not shown anything yet.
  static constexpr rfb::Size kNoPicture{1024, 768};
  /// A picture that is black for so long from the beginning gets a caption.
  static constexpr Duration kDark = seconds(5);
  /// AMT has taken nothing for so long, and there is too much for it: it is gone.
  static constexpr Duration kStall = seconds(30);
  /// The first picture of a machine is waited for no longer: there are viewers that ask once and keep what they get.
  static constexpr Duration kFirstPicture = seconds(3);

  /// `random` outlives this.
  SharedScreen(ScreenOptions options, auth::RandomSource& random);

  // Viewers. `who` names it in sentences for the others: its address.
  void add_viewer(ViewerId id, const ViewerOptions& viewer, const std::string& who, TimePoint now);
  /// It is gone, or was ended and is flushed.
  void remove_viewer(ViewerId id, TimePoint now);
  /// Only while takes(): what it has sent before still waits for AMT otherwise.
  void receive_viewer(ViewerId id, Bytes in, TimePoint now);
  /// May become true with device_sent(), and with all that ends the device.
  bool takes(ViewerId id) const;
  /// Empty for a viewer that is not here.
  Bytes viewer_output(ViewerId id) const;
  void viewer_sent(ViewerId id, std::size_t n, TimePoint now);
  void viewer_tls_started(ViewerId id, TimePoint now);
  /// Ends it in its protocol's words where there still are some; ViewerEnded follows.
  void end_viewer(ViewerId id, const Error& error, TimePoint now);
  /// From now on this one types. Errors: BadValue (no such viewer, it has not joined, or it is a script), Refused
  /// (its user may only look).
  Result<void> give(ViewerId id, TimePoint now);
  std::optional<ViewerId> typist() const { return typist_; }
  std::size_t viewers() const { return viewers_.size(); }

  /// The machine is let go of before something is done to it that it refuses while its screen is in use. Viewers stay
  /// and are told `what` ("is being switched off"); it is not tried again before unpark(), or `until`.
  void park(const std::string& what, TimePoint until, TimePoint now);
  void unpark(TimePoint now);

  /// A camera sees what viewers see, and is none: it does not keep the machine's session open, and waits for nothing.
  /// Null takes it away. The owner feeds it requests and takes its output, and asks for film() behind a request.
  void set_camera(rfb::ServerRole* camera) { camera_ = camera; }
  void film(TimePoint now);

  // The device.
  void device_opened(Bytes rest, TimePoint now);
  void device_failed(const DeviceFailure& failure, TimePoint now);
  void receive_device(Bytes in, TimePoint now);
  /// Its connection has ended.
  void device_closed(const Error& error, TimePoint now);
  Bytes device_output() const;
  void device_sent(std::size_t n, TimePoint now);

  std::optional<Event> next_event();
  std::optional<TimePoint> deadline() const;
  void tick(TimePoint now);

  const rfb::Screen& screen() const { return screen_; }
  /// Characters and keys that the PC's layout or AMT's keyboard do not have, and that were dropped.
  std::uint64_t keys_dropped() const { return keys_dropped_; }

 private:
  enum class Device { Absent, Opening, Handshake, Live, Away };
  struct Viewer {
    ScreenViewer machine;
    std::string who;
    bool ready = false;    // waits for a screen
    bool watches = false;  // came when somebody else was typing
    bool script = false;
    Hands hands = Hands::On;          // what its user may; Off: it never types
    bool typed = false;               // of a script: keys of it are on their way
    std::vector<rfb::Keysym> down{};  // keys that a script holds
  };

  Viewer* find(ViewerId id);
  void drain(ViewerId id, Viewer& viewer, TimePoint now);
  void on_ready(ViewerId id, Viewer& viewer, TimePoint now);
  bool waits(ViewerId id, const Viewer& viewer) const;
  void resume(TimePoint now);
  void watch_input(TimePoint now, bool progress);
  void input(ViewerId id, const ScreenViewer::Event& event, TimePoint now);
  void admit_scripts(TimePoint now);
  void end_scripts(const Error& error, TimePoint now);
  void let_go(Viewer& script, TimePoint now);
  void pass_keyboard_on(TimePoint now);
  void release_keys(TimePoint now);
  void drain_handshake(TimePoint now);
  void drain_role(TimePoint now);
  void live(const rfb::ServerInit& init, Bytes rest, TimePoint now);
  void accept_waiting(TimePoint now);
  void lost(const Error& error, TimePoint now, Absence::Reason reason = Absence::Reason::Plain);
  void leave_device(TimePoint now);
  void drop_device();
  void end_all(const Error& error, TimePoint now);
  bool learn_limit();
  void caption(TimePoint now);
  void changed(const rfb::Rect& area);
  void unveil();
  void show(TimePoint now);
  void show_to(Viewer& viewer, TimePoint now);
  bool person_joined() const;
  bool person_waits() const;
  bool script_here() const;
  void notice_light();
  bool wants_dark_caption() const;
  void shade(TimePoint now);

  ScreenOptions options_;
  auth::RandomSource& random_;
  rfb::Screen screen_;
  rfb::ServerRole* camera_ = nullptr;
  std::map<ViewerId, Viewer> viewers_;  // ids grow: the oldest is first
  std::optional<ViewerId> typist_;

  Device device_ = Device::Absent;
  std::optional<rfb::ClientHandshake> handshake_;
  std::optional<rfb::ClientRole> role_;
  std::optional<rfb::KeyTranslator> keys_;
  std::vector<rfb::KeyEvent> strokes_;
  std::uint64_t limit_;
  std::uint64_t keys_dropped_ = 0;

  Absence absence_;  // since it was live, also while it is opened anew
  rfb::Caption caption_;

  std::optional<TimePoint> leave_by_;     // nobody looks on: what AMT still has to get (keys going up) goes out first
  TimePoint leave_last_;                  // the latest for that
  std::optional<TimePoint> full_since_;   // AMT has all the input it may have, and has taken nothing since
  std::optional<TimePoint> blank_until_;  // nothing of the machine has been on the screen yet
  bool lit_ = false;                      // something else than black has come since it is live
  bool first_ = true;                     // it was not away before this session
  TimePoint dark_at_;                     // black until here: captioned
  bool shaded_ = false;                   // that caption is on the screen
  bool complete_ = true;                  // no update of AMT is under way
  bool drawn_ = false;                    // a whole update has come since it is live, or has its present size
  bool stale_ = false;                    // something has changed since viewers were shown the screen
  TimePoint shown_;
  std::deque<Event> events_;
};

}  // namespace amtgate::session
