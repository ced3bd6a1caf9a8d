#include "amtgate/rfb/client_messages.h"

#include <algorithm>
#include <cassert>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::rfb {
namespace {

constexpr std::size_t kCutTextHeader = 8;

std::uint32_t cut_text_length(std::uint32_t field) {
  // Negative: extended clipboard. The most negative number has no positive twin in 32 bits signed, but in unsigned.
  return field & 0x80000000U ? 0U - field : field;
}

Error unsupported(const char* what, unsigned number) {
  return {Errc::Unsupported, std::string("viewer message ") + what + " " + std::to_string(number) +
                                 ", of which the length is not known"};
}

using Length = Result<std::optional<std::uint64_t>>;

Length known(std::uint64_t n) {
  return std::optional(n);
}
Length unknown_yet() {
  return std::optional<std::uint64_t>{};
}

Length qemu_length(Bytes in) {
  if (in.size() < 2) return unknown_yet();
  if (in[1] == 0) return known(12);
  if (in[1] != 1) return unsupported("255 of sub-type", in[1]);
  Reader r(in);
  r.skip(2);
  const unsigned operation = r.be16();
  if (r.failed()) return unknown_yet();
  if (operation <= 1) return known(4);   // audio off, on
  if (operation == 2) return known(10);  // sample format, channels, frequency
  return unsupported("255, audio operation", operation);
}

}  // namespace

Result<std::optional<std::uint64_t>> client_message_length(Bytes in) {
  if (in.empty()) return unknown_yet();
  Reader r(in);
  switch (static_cast<ClientType>(r.u8())) {
    case ClientType::SetPixelFormat: return known(4 + kPixelFormatSize);
    case ClientType::SetEncodings: {
      r.skip(1);
      const std::size_t count = r.be16();
      if (r.failed()) return unknown_yet();
      if (count > kMaxEncodings) {
        return Error{Errc::TooLarge, "SetEncodings with " + std::to_string(count) + " encodings (limit " +
                                         std::to_string(kMaxEncodings) + ")"};
      }
      return known(4 + 4 * count);
    }
    case ClientType::FramebufferUpdateRequest: return known(10);
    case ClientType::KeyEvent: return known(8);
    case ClientType::PointerEvent: return known(6);
    case ClientType::ClientCutText: {
      r.skip(3);
      const std::uint32_t field = r.be32();
      if (r.failed()) return unknown_yet();
      return known(kCutTextHeader + std::uint64_t{cut_text_length(field)});
    }
    case ClientType::EnableContinuousUpdates: return known(10);
    case ClientType::ClientFence: {
      r.skip(7);
      const std::size_t n = r.u8();
      if (r.failed()) return unknown_yet();
      if (n > kMaxFencePayload)
        return Error{Errc::TooLarge, "ClientFence of " + std::to_string(n) + " bytes (limit 64)"};
      return known(9 + n);
    }
    case ClientType::Xvp: return known(4);
    case ClientType::SetDesktopSize: {
      r.skip(5);
      const std::size_t screens = r.u8();
      if (r.failed()) return unknown_yet();
      r.skip(1);
      return known(8 + 16 * screens);
    }
    case ClientType::Qemu: return qemu_length(in);
  }
  return unsupported("of type", in[0]);
}

ClientMessage decode_client_message(Bytes message) {
  Reader r(message);
  const auto type = static_cast<ClientType>(r.u8());
  switch (type) {
    case ClientType::SetPixelFormat: r.skip(3); return SetPixelFormat{read_pixel_format(r)};
    case ClientType::SetEncodings: {
      r.skip(3);
      SetEncodings m;
      m.encodings.reserve(r.remaining() / 4);
      while (r.remaining() >= 4) m.encodings.push_back(static_cast<std::int32_t>(r.be32()));
      return m;
    }
    case ClientType::FramebufferUpdateRequest: {
      UpdateRequest m;
      m.incremental = r.u8() != 0;
      m.area.x = r.be16();
      m.area.y = r.be16();
      m.area.width = r.be16();
      m.area.height = r.be16();
      return m;
    }
    case ClientType::KeyEvent: {
      KeyEvent m;
      m.down = r.u8() != 0;
      r.skip(2);
      m.key.value = r.be32();
      return m;
    }
    case ClientType::PointerEvent: {
      PointerEvent m;
      m.buttons = r.u8();
      m.x = r.be16();
      m.y = r.be16();
      return m;
    }
    case ClientType::ClientCutText: {
      r.skip(3);
      const std::uint32_t field = r.be32();
      return ClientCutText{r.rest(), cut_text_length(field), (field & 0x80000000U) != 0};
    }
    case ClientType::Qemu:
      if (message.size() == 12 && r.u8() == 0) {
        QemuKeyEvent m;
        m.down = r.be16() != 0;
        m.key.value = r.be32();
        m.scan_code = r.be32();
        return m;
      }
      break;
    case ClientType::EnableContinuousUpdates: {
      EnableContinuousUpdates m;
      m.enable = r.u8() != 0;
      m.area.x = r.be16();
      m.area.y = r.be16();
      m.area.width = r.be16();
      m.area.height = r.be16();
      return m;
    }
    case ClientType::ClientFence: {
      r.skip(3);
      ClientFence m;
      m.flags = r.be32();
      r.skip(1);
      m.payload = r.rest();
      return m;
    }
    case ClientType::Xvp:
    case ClientType::SetDesktopSize: break;
  }
  return OtherClientMessage{type, message};
}

void ClientMessageReader::receive(Bytes in) {
  if (error_) return;
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  const std::size_t skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, in.size()));
  skip_ -= skipped;
  append(buffer_, in.subspan(skipped));
}

Result<std::optional<ClientMessage>> ClientMessageReader::next() {
  if (error_) return *error_;
  const Bytes in = Bytes(buffer_).subspan(at_);
  const auto length = client_message_length(in);
  if (!length) {
    error_ = length.error();
    return *error_;
  }
  if (!*length) return std::optional<ClientMessage>{};
  std::uint64_t whole = **length;
  // Only a cut text can be longer than this; its rest is skipped as it comes.
  const std::size_t wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(whole, kCutTextHeader + kMaxCutTextKept));
  const std::size_t kept =
      in[0] == static_cast<std::uint8_t>(ClientType::ClientCutText) ? wanted : static_cast<std::size_t>(whole);
  if (in.size() < kept) return std::optional<ClientMessage>{};
  const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(whole, in.size()));
  at_ += taken;
  skip_ = whole - taken;
  return std::optional(decode_client_message(in.first(kept)));
}

void encode(Buffer& out, const SetPixelFormat& m) {
  Writer(out).u8(static_cast<unsigned>(ClientType::SetPixelFormat)).zeros(3);
  write_pixel_format(out, m.format);
}

void encode(Buffer& out, const SetEncodings& m) {
  assert(m.encodings.size() <= 0xffff);
  Writer w(out);
  w.u8(static_cast<unsigned>(ClientType::SetEncodings)).u8(0).be16(static_cast<unsigned>(m.encodings.size()));
  for (const std::int32_t e : m.encodings) w.be32(static_cast<std::uint32_t>(e));
}

void encode(Buffer& out, const UpdateRequest& m) {
  Writer(out)
      .u8(static_cast<unsigned>(ClientType::FramebufferUpdateRequest))
      .u8(m.incremental ? 1 : 0)
      .be16(m.area.x)
      .be16(m.area.y)
      .be16(m.area.width)
      .be16(m.area.height);
}

void encode(Buffer& out, const KeyEvent& m) {
  Writer(out).u8(static_cast<unsigned>(ClientType::KeyEvent)).u8(m.down ? 1 : 0).zeros(2).be32(m.key.value);
}

void encode(Buffer& out, const PointerEvent& m) {
  Writer(out).u8(static_cast<unsigned>(ClientType::PointerEvent)).u8(m.buttons).be16(m.x).be16(m.y);
}

void encode(Buffer& out, const ClientCutText& m) {
  const auto n = static_cast<std::uint32_t>(m.text.size());
  Writer(out)
      .u8(static_cast<unsigned>(ClientType::ClientCutText))
      .zeros(3)
      .be32(m.extended ? 0U - n : n)
      .bytes(m.text);
}

void encode(Buffer& out, const QemuKeyEvent& m) {
  Writer(out)
      .u8(static_cast<unsigned>(ClientType::Qemu))
      .u8(0)
      .be16(m.down ? 1 : 0)
      .be32(m.key.value)
      .be32(m.scan_code);
}

void encode(Buffer& out, const EnableContinuousUpdates& m) {
  Writer(out)
      .u8(static_cast<unsigned>(ClientType::EnableContinuousUpdates))
      .u8(m.enable ? 1 : 0)
      .be16(m.area.x)
      .be16(m.area.y)
      .be16(m.area.width)
      .be16(m.area.height);
}

void encode(Buffer& out, const ClientFence& m) {
  assert(m.payload.size() <= kMaxFencePayload);
  Writer(out)
      .u8(static_cast<unsigned>(ClientType::ClientFence))
      .zeros(3)
      .be32(m.flags)
      .u8(static_cast<unsigned>(m.payload.size()))
      .bytes(m.payload);
}

}  // namespace amtgate::rfb
