// Everything that a viewer may send after the handshake, and the bytes of it (RFC 6143 section 7.5; extension types
// from the rfbproto community description). Used by the simulator, the filter towards AMT, and tests.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/pixel_format.h"
#include "amtgate/rfb/protocol.h"

namespace amtgate::rfb {

/// X11 keysym.
struct Keysym {
  std::uint32_t value = 0;
  bool operator==(const Keysym&) const = default;
};

enum class ClientType : std::uint8_t {
  SetPixelFormat = 0,
  SetEncodings = 2,
  FramebufferUpdateRequest = 3,
  KeyEvent = 4,
  PointerEvent = 5,
  ClientCutText = 6,
  EnableContinuousUpdates = 150,
  ClientFence = 248,
  Xvp = 250,
  SetDesktopSize = 251,
  Qemu = 255,
};

/// 20 bytes: 0 type | 1..3 padding | 4 format
struct SetPixelFormat {
  PixelFormat format;
};
/// 0 type | 1 padding | 2 count (BE16) | 4 count times an encoding (BE32, signed)
struct SetEncodings {
  std::vector<std::int32_t> encodings;
};
/// 10 bytes: 0 type | 1 incremental | 2 x y w h (BE16)
struct UpdateRequest {
  bool incremental = false;
  Rect area;
};
/// 8 bytes: 0 type | 1 down | 2 padding | 4 keysym (BE32)
struct KeyEvent {
  bool down = false;
  Keysym key;
};
/// 6 bytes: 0 type | 1 buttons, bit 0 = button 1 | 2 x y (BE16)
struct PointerEvent {
  std::uint8_t buttons = 0;
  std::uint16_t x = 0;
  std::uint16_t y = 0;
};
/// 0 type | 1..3 padding | 4 length (BE32; negative: extended clipboard, minus the length) | 8 text
/// Longer texts than kMaxCutTextKept are cut; `length` says how much there was.
struct ClientCutText {
  Bytes text;  // a view, until the reader's next call
  std::uint32_t length = 0;
  bool extended = false;
};
/// 255 sub-type 0, 12 bytes: 0 type | 1 sub-type | 2 down (BE16) | 4 keysym (BE32) | 8 PC scan code (BE32)
struct QemuKeyEvent {
  bool down = false;
  Keysym key;
  std::uint32_t scan_code = 0;
};
/// 10 bytes: 0 type | 1 enable | 2 x y w h (BE16)
struct EnableContinuousUpdates {
  bool enable = false;
  Rect area;
};
/// 0 type | 1..3 padding | 4 flags (BE32, FenceFlag) | 8 length n, at most kMaxFencePayload | 9 payload
struct ClientFence {
  std::uint32_t flags = 0;
  Bytes payload;  // a view, until the reader's next call
};
/// An extension message that nothing here acts on: 250 (4 bytes), 251 (8 + 16 n), 255 sub-type 1 (4 or 10).
struct OtherClientMessage {
  ClientType type{};
  Bytes message;  // whole, with its type byte; a view, until the reader's next call
};

using ClientMessage = std::variant<SetPixelFormat, SetEncodings, UpdateRequest, KeyEvent, PointerEvent, ClientCutText,
                                   QemuKeyEvent, EnableContinuousUpdates, ClientFence, OtherClientMessage>;

/// Viewers list up to about 60.
inline constexpr std::size_t kMaxEncodings = 1024;
/// AMT's commands in a cut text are below 100 bytes; text beyond is not ours to keep.
inline constexpr std::size_t kMaxCutTextKept = 4096;
/// Longest message that is kept whole: SetEncodings with kMaxEncodings.
inline constexpr std::size_t kMaxClientMessage = 4 + 4 * kMaxEncodings;

/// Length in bytes of the message that begins `in`; empty while `in` is too short to tell. Only a ClientCutText can
/// be longer than kMaxClientMessage. Errors: Unsupported (unknown type or sub-type), TooLarge (kMaxEncodings, fence).
Result<std::optional<std::uint64_t>> client_message_length(Bytes in);

/// Decodes a message of exactly client_message_length(); a cut text may be cut anywhere behind its 8-byte header.
/// Views in the result point into `message`.
ClientMessage decode_client_message(Bytes message);

/// Takes bytes as they come and gives messages. Call next() until it is empty before the next receive(); then at most
/// one message is kept.
class ClientMessageReader {
 public:
  void receive(Bytes in);
  /// Errors: those of client_message_length(); sticky.
  Result<std::optional<ClientMessage>> next();
  /// Bytes taken and not yet given out as messages.
  std::size_t kept() const { return buffer_.size() - at_; }

 private:
  Buffer buffer_;
  std::size_t at_ = 0;
  std::uint64_t skip_ = 0;
  std::optional<Error> error_;
};

void encode(Buffer& out, const SetPixelFormat& m);
/// At most 65535 encodings.
void encode(Buffer& out, const SetEncodings& m);
void encode(Buffer& out, const UpdateRequest& m);
void encode(Buffer& out, const KeyEvent& m);
void encode(Buffer& out, const PointerEvent& m);
/// `m.text` as it is; `m.length` is ignored.
void encode(Buffer& out, const ClientCutText& m);
void encode(Buffer& out, const QemuKeyEvent& m);
void encode(Buffer& out, const EnableContinuousUpdates& m);
void encode(Buffer& out, const ClientFence& m);

}  // namespace amtgate::rfb
