#include "amtgate/rfb/server_messages.h"

#include <algorithm>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::rfb {
namespace {

constexpr std::size_t kRectangleHeader = 12;
constexpr std::size_t kMaxColours = 256;

using Next = Result<std::optional<ServerMessage>>;

Next not_yet() {
  return std::optional<ServerMessage>{};
}
Next message(ServerMessage m) {
  return std::optional(std::move(m));
}

}  // namespace

void ServerMessageReader::receive(Bytes in) {
  if (error_) return;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, in.size()));
  skip_ -= skipped;
  append(buffer_, in.subspan(skipped));
}

Result<std::optional<ServerMessage>> ServerMessageReader::next() {
  if (error_) return *error_;
  Next r = in_update_ ? next_rectangle() : next_message();
  if (!r) error_ = r.error();
  return r;
}

Bytes ServerMessageReader::consume(std::size_t n) {
  const Bytes out = Bytes(buffer_).subspan(at_, n);
  at_ += n;
  return out;
}

Result<std::optional<ServerMessage>> ServerMessageReader::next_message() {
  const Bytes in = Bytes(buffer_).subspan(at_);
  if (in.empty()) return not_yet();
  Reader r(in);
  switch (static_cast<ServerType>(r.u8())) {
    case ServerType::FramebufferUpdate: {
      r.skip(1);
      const std::uint16_t count = r.be16();
      if (r.failed()) return not_yet();
      consume(4);
      in_update_ = true;
      left_ = count;
      return message(UpdateBegin{count});
    }
    case ServerType::SetColourMapEntries: {
      r.skip(1);
      const std::uint16_t first = r.be16();
      const std::size_t count = r.be16();
      if (r.failed()) return not_yet();
      if (count > kMaxColours) {
        return Error{Errc::TooLarge, "colour map of " + std::to_string(count) + " entries (limit " +
                                         std::to_string(kMaxColours) + ")"};
      }
      if (r.remaining() < 6 * count) return not_yet();
      return message(ColourMap{first, consume(6 + 6 * count).subspan(6)});
    }
    case ServerType::Bell: consume(1); return message(Bell{});
    case ServerType::ServerCutText: {
      r.skip(3);
      const std::uint32_t length = r.be32();
      if (r.failed()) return not_yet();
      const std::size_t kept = std::min<std::size_t>(length, kMaxCutText);
      if (r.remaining() < kept) return not_yet();
      const std::size_t taken = std::min<std::size_t>(length, r.remaining());
      skip_ = length - taken;
      return message(ServerCutText{consume(8 + taken).subspan(8, kept), length});
    }
    case ServerType::EndOfContinuousUpdates:
    case ServerType::ServerFence: break;
  }
  return Error{Errc::Unsupported, "message of type " + std::to_string(in[0]) + " from the device"};
}

Result<std::optional<ServerMessage>> ServerMessageReader::next_rectangle() {
  if (left_ == 0) {
    in_update_ = false;
    return message(UpdateEnd{});
  }
  Reader r(Bytes(buffer_).subspan(at_));
  Rectangle rect;
  rect.area.x = r.be16();
  rect.area.y = r.be16();
  rect.area.width = r.be16();
  rect.area.height = r.be16();
  rect.encoding = static_cast<std::int32_t>(r.be32());
  if (r.failed()) return not_yet();
  if (rect.encoding == kDesktopSize) {
    consume(kRectangleHeader);
    --left_;
    return message(rect);
  }
  if (rect.encoding != kRaw && rect.encoding != kZrle) {
    return Error{Errc::Unsupported, "rectangle of encoding " + std::to_string(rect.encoding) + " from the device"};
  }
  const std::string size = std::to_string(rect.area.width) + "x" + std::to_string(rect.area.height);
  if (rect.area.empty() || rect.area.width > options_.max_side || rect.area.height > options_.max_side) {
    return Error{Errc::TooLarge, "rectangle of " + size + " pixels (1 to " + std::to_string(options_.max_side) + ")"};
  }
  std::size_t head = kRectangleHeader;
  std::size_t length = std::size_t{rect.area.width} * rect.area.height * options_.bytes_per_pixel;
  std::size_t limit = kMaxRawBytes;
  if (rect.encoding == kZrle) {
    length = r.be32();
    if (r.failed()) return not_yet();
    head += 4;
    if (options_.max_side <= kMaxTileSide) limit = kMaxTileData;
  }
  if (length > limit) {
    return Error{Errc::TooLarge, "rectangle of " + size + " in " + std::to_string(length) + " bytes (limit " +
                                     std::to_string(limit) + ")"};
  }
  if (r.remaining() < length) return not_yet();
  rect.data = consume(head + length).subspan(head);
  --left_;
  return message(rect);
}

void encode(Buffer& out, const UpdateBegin& m) {
  Writer(out).u8(static_cast<unsigned>(ServerType::FramebufferUpdate)).u8(0).be16(m.rectangles);
}

void encode_rectangle_header(Buffer& out, const Rect& area, std::int32_t encoding) {
  Writer w(out);
  w.be16(area.x).be16(area.y).be16(area.width).be16(area.height).be32(static_cast<std::uint32_t>(encoding));
}

void encode(Buffer& out, const Rectangle& m) {
  Writer w(out);
  encode_rectangle_header(out, m.area, m.encoding);
  if (m.encoding == kZrle) w.be32(static_cast<std::uint32_t>(m.data.size()));
  w.bytes(m.data);
}

void encode(Buffer& out, const Bell&) {
  Writer(out).u8(static_cast<unsigned>(ServerType::Bell));
}

void encode(Buffer& out, const EndOfContinuousUpdates&) {
  Writer(out).u8(static_cast<unsigned>(ServerType::EndOfContinuousUpdates));
}

void encode(Buffer& out, const ServerFence& m) {
  Writer(out)
      .u8(static_cast<unsigned>(ServerType::ServerFence))
      .zeros(3)
      .be32(m.flags)
      .u8(static_cast<unsigned>(m.payload.size()))
      .bytes(m.payload);
}

void encode(Buffer& out, const ServerCutText& m) {
  Writer(out)
      .u8(static_cast<unsigned>(ServerType::ServerCutText))
      .zeros(3)
      .be32(static_cast<std::uint32_t>(m.text.size()))
      .bytes(m.text);
}

}  // namespace amtgate::rfb
