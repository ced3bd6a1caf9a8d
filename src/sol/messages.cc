#include "amtgate/sol/messages.h"

#include <cassert>

#include "amtgate/base/hex.h"
#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"
#include "amtgate/redir/framing.h"
#include "amtgate/redir/messages.h"

namespace amtgate::sol {
namespace {

/// The length that the message's own table row gives it, checked against what is there.
Result<void> check_length(Bytes message, redir::Direction direction) {
  const auto length = redir::next_service_message(message, Service::Sol, direction);
  if (!length) return length.error();
  if (*length && **length == message.size()) return {};
  return Error{Errc::BadValue, "sol message of " + std::to_string(message.size()) + " bytes" +
                                   (message.empty() ? "" : ", " + redir::describe_byte(message[0])) +
                                   ", has the wrong length"};
}

Data parse_data(Bytes message) {
  Reader r(message.subspan(4));
  const std::uint32_t sequence = r.le32();
  return {sequence, r.take(r.le16())};
}

void header(Writer& w, unsigned type, std::uint32_t sequence, unsigned status = 0) {
  w.u8(type).u8(status).zeros(2).le32(sequence);
}

void put_data(Writer& w, unsigned type, const Data& d) {
  assert(d.bytes.size() <= 65535);
  header(w, type, d.sequence);
  w.le16(static_cast<unsigned>(d.bytes.size())).bytes(d.bytes);
}

struct ClientEncoder {
  Writer w;
  void operator()(const Start& m) {
    const Settings& s = m.settings;
    header(w, 0x20, m.sequence);
    w.le16(s.max_transmit).le16(s.transmit_timeout).le16(s.overflow_timeout).le16(s.rx_timeout);
    w.le16(s.fifo_timeout).le16(s.heartbeat).zeros(4);
  }
  void operator()(const End& m) { header(w, 0x22, m.sequence); }
  void operator()(const Ping& m) { header(w, 0x24, m.sequence); }
  void operator()(const Pong& m) { header(w, 0x25, m.sequence); }
  void operator()(const Controls& m) {
    header(w, 0x27, m.sequence);
    w.zeros(2).u8(0x1b).zeros(3);
  }
  void operator()(const Data& m) { put_data(w, 0x28, m); }
  void operator()(const Heartbeat& m) { header(w, 0x2b, m.sequence); }
  void operator()(const EndSession&) { w.u8(0x12).zeros(3); }
};

struct DeviceEncoder {
  Writer w;
  void operator()(const StartReply& m) {
    header(w, 0x21, m.sequence, m.status);
    w.zeros(15);
  }
  void operator()(const EndReply& m) { header(w, 0x23, m.sequence); }
  void operator()(const Ping& m) { header(w, 0x24, m.sequence); }
  void operator()(const Pong& m) { header(w, 0x25, m.sequence); }
  void operator()(const HostStatus& m) {
    header(w, 0x29, m.sequence);
    w.u8(m.control).u8(m.status);
  }
  void operator()(const Data& m) { put_data(w, 0x2a, m); }
  void operator()(const Heartbeat& m) { header(w, 0x2b, m.sequence); }
};

}  // namespace

Result<ClientMessage> parse_client(Bytes message) {
  if (const auto ok = check_length(message, redir::Direction::FromClient); !ok) return ok.error();
  Reader r(message.subspan(4));
  const std::uint32_t sequence = r.le32();  // 0 where the message is too short to have one
  switch (message[0]) {
    case 0x12: return ClientMessage{EndSession{}};
    case 0x20: {
      Start m;
      m.sequence = sequence;
      m.settings.max_transmit = r.le16();
      m.settings.transmit_timeout = r.le16();
      m.settings.overflow_timeout = r.le16();
      m.settings.rx_timeout = r.le16();
      m.settings.fifo_timeout = r.le16();
      m.settings.heartbeat = r.le16();
      return ClientMessage{m};
    }
    case 0x22: return ClientMessage{End{sequence}};
    case 0x24: return ClientMessage{Ping{sequence}};
    case 0x25: return ClientMessage{Pong{sequence}};
    case 0x27: return ClientMessage{Controls{sequence}};
    case 0x28: return ClientMessage{parse_data(message)};
    case 0x2b: return ClientMessage{Heartbeat{sequence}};
    default: return Error{Errc::Unsupported, "unknown sol message " + redir::describe_byte(message[0])};
  }
}

Result<DeviceMessage> parse_device(Bytes message) {
  if (const auto ok = check_length(message, redir::Direction::FromDevice); !ok) return ok.error();
  Reader r(message.subspan(4));
  const std::uint32_t sequence = r.le32();
  switch (message[0]) {
    case 0x21: return DeviceMessage{StartReply{sequence, message[1]}};
    case 0x23: return DeviceMessage{EndReply{sequence}};
    case 0x24: return DeviceMessage{Ping{sequence}};
    case 0x25: return DeviceMessage{Pong{sequence}};
    case 0x29: return DeviceMessage{HostStatus{sequence, message[8], message[9]}};
    case 0x2a: return DeviceMessage{parse_data(message)};
    case 0x2b: return DeviceMessage{Heartbeat{sequence}};
    default: return Error{Errc::Unsupported, "unknown sol message " + redir::describe_byte(message[0])};
  }
}

void encode(Buffer& out, const ClientMessage& m) {
  std::visit(ClientEncoder{Writer(out)}, m);
}
void encode(Buffer& out, const DeviceMessage& m) {
  std::visit(DeviceEncoder{Writer(out)}, m);
}

}  // namespace amtgate::sol
