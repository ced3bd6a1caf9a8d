// ServerRole: RFB towards one viewer, from ServerInit on: an ordinary VNC server that shows a screen of which others
// keep the copy.
//
// The viewer gets the pixel format and the encoding that it asks for, and may change both at any time. It gets an
// update when it has asked for one, has taken the last, and something has changed; what changes in between is
// gathered, so that a slow viewer gets fewer pictures and costs no memory. One that has turned continuous updates on
// need not ask, and gets them as far ahead as FenceWindow allows. One that cannot follow a change of size keeps its
// own, with the screen inside it (Letterbox). What has scrolled is moved in the viewer (ShownPicture), if it knows
// CopyRect; what went as JPEG and stays as it is follows without loss (Loss).
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/damage.h"
#include "amtgate/rfb/fence_window.h"
#include "amtgate/rfb/letterbox.h"
#include "amtgate/rfb/loss.h"
#include "amtgate/rfb/rectangle_encoder.h"
#include "amtgate/rfb/screen.h"
#include "amtgate/rfb/shown_picture.h"

namespace amtgate::rfb {

class ServerRole {
 public:
  /// What the person does. Places are those of the screen, also under a letterbox. Clipboards are nobody's: AMT has
  /// none.
  using Event = std::variant<KeyEvent, QemuKeyEvent, PointerEvent>;

  /// A picture is made once less than this waits for the viewer.
  static constexpr std::size_t kLowMark = 32U << 10U;
  /// Pixels in one update, so that no viewer holds up the others for long; the rest follows with the next request.
  /// Not where all was asked for: gvnccapture and Net::VNC ask once, and take the first update for everything.
  static constexpr std::size_t kMaxPixels = 512 * 512;
  /// A part of the picture that went as JPEG is sent without loss when it has been still for once to twice as long.
  static constexpr Duration kStill = milliseconds(300);
  /// Pixels of that in one update: it is not urgent, and nothing else can be sent before it is through.
  static constexpr std::size_t kMaxStillPixels = 256 * 128;
  /// Events that the owner has not taken; a viewer that sends more in one go loses moves and keys.
  static constexpr std::size_t kMaxEvents = 4096;
  /// Answers (to fences and the like) that the viewer has not read; one that asks on without reading is ended.
  static constexpr std::size_t kMaxAnswers = 64U << 10U;
  /// Wishes for another size that wait for an answer. Nobody resizes AMT's screen; more of them get none.
  static constexpr unsigned kMaxDenied = 64;

  /// Begins with ServerInit: `size`, kRgb888 and `name`. (noVNC falls back to 64 colours when it reads AMT's own
  /// name.)
  ServerRole(Size size, const std::string& name);

  /// Errors: Unsupported (a message of which nobody knows the length, a pixel format that is none), TooLarge (also
  /// kMaxAnswers).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n);
  /// There may be something to show() without anything new on the screen.
  std::optional<TimePoint> deadline() const;
  Result<void> tick(TimePoint now);

  // What the screen does. The picture itself goes by show().
  void changed(const Rect& area);
  void resized(Size size);
  void ring();
  /// Appends an update if it is time for one. `screen` has the size that was said last.
  void show(const PixelView& screen, TimePoint now);

  /// Bytes that were dropped: cut texts, extension messages that were not the viewer's to send.
  std::uint64_t ignored() const { return ignored_; }
  std::uint64_t updates() const { return updates_; }
  const RectangleEncoder& encoder() const { return encoder_; }

 private:
  struct Picture;  // what a letterboxed viewer sees

  Result<void> on_message(const ClientMessage& message);
  void on_encodings(const SetEncodings& m);
  void on_request(const UpdateRequest& m);
  void on_pointer(PointerEvent m);
  void on_fence(const ClientFence& m);
  void on_continuous_updates(const EnableContinuousUpdates& m);
  void answer(Bytes message);
  std::optional<Rect> wanted() const;
  void update_sent(std::size_t bytes);
  void event(Event e);
  bool follows() const;
  void fit();
  bool announce();
  void send_size();
  void send_size_answers();
  bool speaks_extended() const;
  void send_picture(const PixelView& view, TimePoint now);
  void send_exactly(const PixelView& view);
  PixelView letterboxed(const PixelView& screen);
  bool ready() const;
  void put_count(std::size_t head, std::size_t count);

  Size screen_size_;
  Size viewer_size_;  // what the viewer believes
  std::string name_;
  RectangleEncoder encoder_;
  ClientMessageReader reader_;
  Damage damage_;  // of what the viewer sees
  std::unique_ptr<Picture> picture_;
  std::optional<ShownPicture> shown_;  // for viewers that know CopyRect
  bool news_ = false;                  // since it was looked for what has scrolled
  Loss loss_;
  std::optional<TimePoint> beat_;
  std::optional<Rect> asked_;
  bool all_in_one_ = false;     // it was asked for, changed or not
  std::optional<Rect> pushed_;  // continuous updates: what is sent unasked
  FenceWindow window_;
  bool fences_said_ = false, continuous_said_ = false;
  Buffer sync_answer_;  // to be sent behind the viewer's next message
  std::size_t answers_ = 0;
  bool colour_map_due_ = false;
  bool size_asked_ = false;  // with ExtendedDesktopSize
  unsigned denied_ = 0;      // wishes for another size that are not answered yet
  bool qemu_key_due_ = false, qemu_key_said_ = false;
  std::vector<Rect> rectangles_;
  std::uint64_t ignored_ = 0;
  std::uint64_t updates_ = 0;
  Outbox out_;
  std::deque<Event> events_;

 public:
  ~ServerRole();
  ServerRole(ServerRole&&) noexcept;
  ServerRole& operator=(ServerRole&&) noexcept;
};

static_assert(Machine<ServerRole>);

}  // namespace amtgate::rfb
