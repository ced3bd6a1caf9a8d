// ClientRole: RFB towards AMT, from ServerInit on. Keeps a copy of the machine's screen up to date, whatever its
// viewers do, and says what has changed.
//
// AMT is asked for what it does best and nothing else: RGB565, or RGB332 where a frame would be over its limit (it
// ends the session otherwise); its ZRLE, RAW and DesktopSize; one request at a time, a non-incremental one at the
// start and behind a DesktopSize. Only messages 0, 2, 3, 4 and 5 go to it.
#pragma once

#include <deque>
#include <optional>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/screen.h"
#include "amtgate/rfb/server_init.h"
#include "amtgate/rfb/server_messages.h"
#include "amtgate/rfb/zrle.h"

namespace amtgate::rfb {

/// Bytes of a frame above which firmware ends the session. Source: MeshCommander's code 50002.
inline constexpr std::uint64_t kFrameBufferLimit = 9'216'000;

class ClientRole {
 public:
  struct Options {
    std::uint64_t frame_buffer_limit = kFrameBufferLimit;
    /// AMT ends a session without keyboard and mouse after some minutes (3 on most). So long after the last input the
    /// release of a key that is not pressed is sent: input to AMT, nothing to the PC. Zero: never.
    Duration keep_awake = seconds(60);
  };

  /// Pixels of the screen are others than before.
  struct Changed {
    Rect area;
  };
  /// The screen has another size; what is in both is still there, the rest black until it is drawn.
  struct Resized {
    Size size;
  };
  /// The end of an update: what has changed belongs together.
  struct Complete {};
  struct Rung {};
  using Event = std::variant<Changed, Resized, Complete, Rung>;

  /// Bytes that AMT does not take from the wire; more ends the session.
  static constexpr std::size_t kMaxOutput = 64U << 10U;
  /// Of these the part that keyboard and mouse may bring about, see takes_input().
  static constexpr std::size_t kMaxInput = 32U << 10U;
  /// Rectangles that lie outside of the screen, or cannot be decoded, before the session is given up.
  static constexpr unsigned kMaxGlitches = 1000;
  /// Moves of the mouse without a button are sent no more often; AMT's own clients wait 50 ms.
  static constexpr Duration kMoveInterval = milliseconds(16);

  /// `screen` takes over the size of `init`, and outlives this; what it shows stays until AMT has drawn anew.
  /// Begins at once.
  ClientRole(const Options& options, const ServerInit& init, Screen& screen, TimePoint now);

  /// Errors: TooLarge (a screen beyond Screen's limits, kMaxOutput), Unsupported (a message or an encoding that AMT
  /// does not have), BadValue (kMaxGlitches).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n) { out_.sent(n); }
  std::optional<TimePoint> deadline() const;
  Result<void> tick(TimePoint now);

  /// False while so much of the earlier input waits for AMT that a key should not be pressed now: nobody would see
  /// what comes of it for long. Keys that are down may go up all the same; the mouse is gathered until there is room.
  bool takes_input() const { return out_.view().size() < kMaxInput; }
  /// A key of AMT's keyboard.
  void key(const KeyEvent& event, TimePoint now);
  /// Buttons that AMT does not have are left out, a place outside of the screen is moved to its edge.
  void pointer(const PointerEvent& event, TimePoint now);
  /// Whoever held the mouse is gone.
  void release_buttons(TimePoint now);

  /// False: RGB332, since the frame would be over the limit.
  bool full_colour() const { return full_colour_; }
  /// True when AMT's ZRLE could not be decoded, and RAW is used since.
  bool raw_only() const { return raw_only_; }
  /// True once pixels of this size have come.
  bool drawn() const { return drawn_; }

 private:
  Result<void> on_message(const ServerMessage& message);
  Result<void> on_rectangle(const Rectangle& r);
  Result<void> on_resize(Size size);
  void put(const Rect& area, Bytes pixels, Bytes tile);
  Result<void> glitch(const std::string& what);
  Result<void> choose_format();
  void send_encodings();
  void request(bool incremental);
  void send_pointer(TimePoint now);
  bool full() const { return out_.view().size() > kMaxOutput; }

  Options options_;
  Screen& screen_;
  ServerMessageReader reader_;
  ZrleDecoder zrle_;
  Size size_;  // what AMT said last
  bool full_colour_ = true;
  bool raw_only_ = false;
  bool give_up_zrle_ = false;  // at the end of this update
  bool resized_ = false;       // in this update
  bool drawn_ = false;
  unsigned glitches_ = 0;
  Buffer pixels_;

  PointerEvent pointer_;               // the last one sent
  std::optional<PointerEvent> moved_;  // waits for its turn
  TimePoint pointer_sent_;
  TimePoint last_input_;
  bool idle_key_down_ = false;

  Outbox out_;
  std::deque<Event> events_;
};

static_assert(Machine<ClientRole>);

}  // namespace amtgate::rfb
