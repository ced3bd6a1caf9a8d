// KvmServer: the RFB server inside AMT, one session, as strict as firmware is reported to be. It begins with the RFB
// greeting: on 16994/16995 behind 0x41, on 5900 with the first byte.
//
// AMT ends a session that it does not like without a word: then receive() or tick() returns an error whose detail is
// for the log, and the edge closes.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/base/machine.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/kvm_extension.h"
#include "amtgate/rfb/server_handshake.h"
#include "amtgate/rfb/zrle.h"
#include "amtgate/sim/kvm_keys.h"
#include "amtgate/sim/kvm_screen.h"

namespace amtgate::sim {

struct KvmOptions {
  rfb::Greeting greeting = rfb::Greeting::V3_8;
  /// None is offered (behind a redirection session), with AMT's 128 behind it: `02 01 80`.
  bool none = true;
  std::vector<std::uint8_t> extra_types = {0x80};
  /// Port 5900: VNC authentication; set `none` to false and `extra_types` to empty.
  std::optional<rfb::ServerHandshake::Password> password;
  /// Said in place of the security types, e.g. "No password configured for VNC Auth". Empty: nobody is refused.
  std::string refusal;

  std::string name = "Intel(r) AMT KVM";
  /// Announced in ServerInit. Some builds keep the last negotiated format (field report): set it to that.
  rfb::PixelFormat native = rfb::kRgb565;
  bool grey_formats = false;  // AMT 16 and later take kGrey8 and kGrey4
  /// AMT 16 and later answer KvmExtCmd; before, it is ignored.
  bool ext_commands = false;
  /// Answers on the in-band channel where 1092 is offered.
  bool data_channel = true;
  rfb::ZrleForm zrle = rfb::ZrleForm::Zlib;
  /// Bytes of a frame; a larger one ends the session. MeshCommander's constant.
  std::uint64_t frame_buffer_limit = 9'216'000;
  Duration idle{};        // without keyboard or mouse; zero: for ever
  Duration no_display{};  // no display attached: ends so long after ServerInit; zero: there is one
  /// After a change of size nothing but a non-incremental request brings pixels. Assumed, after MeshCommander, which
  /// always sends one.
  bool resize_needs_full_request = true;
  /// AMT's back-to-back mode: after the first request updates come unasked.
  bool back_to_back = false;
  milliseconds step_timeout{30'000};
};

class KvmServer {
 public:
  /// The handshake is over. For VNC authentication that failed receive() returns AuthFailed.
  struct Connected {
    rfb::Version version;
    rfb::SecurityType security;
    bool shared;
  };
  struct FormatAsked {
    rfb::PixelFormat format;
    bool accepted;
  };
  struct EncodingsAsked {
    std::vector<std::int32_t> encodings;
    bool accepted;
  };
  struct Key {
    bool down;
    rfb::Keysym key;
    std::optional<std::uint8_t> hid;  // HID page 7 usage that is pressed; empty: AMT does not know the keysym
  };
  struct Pointer {
    std::uint8_t buttons;
    std::uint16_t x, y;
  };
  struct ExtCommand {
    std::uint8_t command, value;
  };
  struct CutText {
    std::uint32_t length;  // of a clipboard text; AMT does nothing with it
  };
  struct Update {
    unsigned rectangles;
    std::uint32_t frame;
    bool incremental;
  };
  struct Resized {
    rfb::Size size;
    bool told;  // false: the viewer did not offer DesktopSize
  };
  using Event =
      std::variant<Connected, FormatAsked, EncodingsAsked, Key, Pointer, ExtCommand, CutText, Update, Resized>;

  /// `screen` must outlive this.
  KvmServer(KvmOptions options, KvmScreen& screen, TimePoint now);

  /// Errors: those of the handshake; Unsupported (pixel format, message), BadValue (RAW not listed, an index out of
  /// range), TooLarge (frame buffer), Refused (`refusal` has been said).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const;
  void sent(std::size_t n);
  std::optional<TimePoint> deadline() const;
  /// Also after the screen's mode was set. Errors: Timeout (handshake, idle), Closed (no display), TooLarge.
  Result<void> tick(TimePoint now);

  bool connected() const { return connected_; }
  /// The format that updates are in now: the one to keep for "last negotiated".
  const rfb::PixelFormat& format() const { return format_; }

 private:
  struct Request {
    bool incremental;
    rfb::Rect area;
  };
  struct Tile {
    bool sent = false;
    std::uint32_t frame = 0;
  };
  /// An update of which some tiles still have to be made.
  struct Sending {
    KvmPicture picture;
    std::vector<rfb::Rect> tiles;
    std::size_t next = 0;
    rfb::PixelFormat format;
    bool zrle;
  };

  Result<void> on_handshake(TimePoint now);
  Result<void> on_message(const rfb::ClientMessage& message, TimePoint now);
  Result<void> on_format(const rfb::SetPixelFormat& m);
  Result<void> on_encodings(const rfb::SetEncodings& m);
  Result<void> on_request(const rfb::UpdateRequest& m);
  void on_cut_text(const rfb::ClientCutText& m);
  void on_ext_command(const rfb::KvmExtCmd& m);
  void answer(Bytes text);
  /// Puts the next thing on the wire, if it is time for it.
  Result<void> advance();
  void begin_update();
  void send_resize();
  void make_tiles();
  void forget_tiles();
  Result<void> end(Error error);

  KvmOptions options_;
  KvmScreen& screen_;
  rfb::ServerHandshake handshake_;
  rfb::ClientMessageReader reader_;
  rfb::ZrleEncoder zrle_;
  std::optional<rfb::ServerHandshake::ViewerReady> viewer_;
  bool connected_ = false;
  bool over_ = false;
  std::optional<Error> late_error_;  // found in sent(); the next tick() returns it
  TimePoint last_seen_;

  rfb::PixelFormat format_;
  bool encodings_set_ = false;
  bool offered_zrle_ = false, offered_resize_ = false, offered_channel_ = false;
  std::uint8_t decimation_ = 2;
  bool zlib_ = true;

  rfb::Size viewer_size_;  // what the viewer believes
  rfb::Size drawn_size_;   // of the screen that `tiles_` tells of
  KvmPicture::Cover drawn_cover_ = KvmPicture::Cover::None;
  bool first_request_ = true;
  bool await_full_request_ = false;
  std::optional<Request> request_;
  std::vector<Tile> tiles_;  // what was sent last, in rows of 64x64
  std::optional<Sending> sending_;
  Buffer pixels_;

  std::optional<TimePoint> idle_at_, display_gone_at_;
  Outbox out_;
  Buffer answers_;  // cut texts that wait for the end of an update
  std::deque<Event> events_;
};

static_assert(Machine<KvmServer>);

}  // namespace amtgate::sim
