// What AMT sends after ServerInit, as far as it is known: FramebufferUpdate with rectangles of encoding 0, 16 and
// -223, bell, cut text, and (never seen) colour maps. Read by tests, tools and translation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/rfb/geometry.h"
#include "amtgate/rfb/protocol.h"
#include "amtgate/rfb/zrle.h"

namespace amtgate::rfb {

enum class ServerType : std::uint8_t {
  FramebufferUpdate = 0,
  SetColourMapEntries = 1,
  Bell = 2,
  ServerCutText = 3,
  EndOfContinuousUpdates = 150,
  ServerFence = 248,
};

/// 0 type | 1 padding | 2 number of rectangles (BE16, 65535: until LastRect, which AMT does not have)
struct UpdateBegin {
  std::uint16_t rectangles = 0;
};
/// 0 x y w h (BE16) | 8 encoding (BE32, signed) | 12 data: w * h pixels, or BE32 length and that much, or none
struct Rectangle {
  Rect area;
  std::int32_t encoding = kRaw;
  Bytes data;  // pixels, or the deflate data without the length; a view, until the reader's next call
};
struct UpdateEnd {};
struct Bell {};
/// 0 type | 1..3 padding | 4 length (BE32) | 8 text. Longer ones than ServerMessageReader::kMaxCutText are cut.
struct ServerCutText {
  Bytes text;  // a view, until the reader's next call
  std::uint32_t length = 0;
};
/// 0 type | 1 padding | 2 first | 4 count (BE16) | 6 red green blue (BE16 each)
struct ColourMap {
  std::uint16_t first = 0;
  Bytes entries;  // 6 bytes each; a view, until the reader's next call
};
/// 0 type. For viewers only.
struct EndOfContinuousUpdates {};
/// As ClientFence. For viewers only.
struct ServerFence {
  std::uint32_t flags = 0;
  Bytes payload;
};
using ServerMessage = std::variant<UpdateBegin, Rectangle, UpdateEnd, Bell, ServerCutText, ColourMap>;

/// Takes bytes as they come and gives messages, a rectangle at a time. Call next() until it is empty before the next
/// receive(); then at most one rectangle is kept.
class ServerMessageReader {
 public:
  struct Options {
    std::size_t bytes_per_pixel = 2;
    /// Sides of a rectangle with pixels. AMT's tiles have at most 64; other servers' RAW rectangles may be larger, up
    /// to kMaxRawBytes together.
    unsigned max_side = kMaxTileSide;
  };
  static constexpr std::size_t kMaxRawBytes = 4U << 20U;
  static constexpr std::size_t kMaxCutText = 64U << 10U;

  explicit ServerMessageReader(Options options) : options_(options) {}
  ServerMessageReader() : ServerMessageReader(Options{}) {}

  /// For the rectangles from here on. AMT changes format at a message boundary behind SetPixelFormat.
  void set_bytes_per_pixel(std::size_t n) { options_.bytes_per_pixel = n; }

  void receive(Bytes in);
  /// Errors: Unsupported (a type of message or encoding), TooLarge (a side, raw or deflate data); sticky.
  Result<std::optional<ServerMessage>> next();
  std::size_t kept() const { return buffer_.size() - at_; }

 private:
  Result<std::optional<ServerMessage>> next_message();
  Result<std::optional<ServerMessage>> next_rectangle();
  Bytes consume(std::size_t n);

  Options options_;
  Buffer buffer_;
  std::size_t at_ = 0;
  std::uint64_t skip_ = 0;
  std::uint16_t left_ = 0;  // rectangles still to come
  bool in_update_ = false;
  std::optional<Error> error_;
};

void encode(Buffer& out, const UpdateBegin& m);
/// The 12 bytes in front of a rectangle's data.
void encode_rectangle_header(Buffer& out, const Rect& area, std::int32_t encoding);
/// Position, size and encoding; the data follow as they are, for encoding 16 without the length.
void encode(Buffer& out, const Rectangle& m);
void encode(Buffer& out, const Bell& m);
/// `m.text` as it is; `m.length` is ignored.
void encode(Buffer& out, const ServerCutText& m);
void encode(Buffer& out, const EndOfContinuousUpdates& m);
void encode(Buffer& out, const ServerFence& m);

}  // namespace amtgate::rfb
