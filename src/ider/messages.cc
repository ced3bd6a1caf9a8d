#include "amtgate/ider/messages.h"

#include <algorithm>
#include <cassert>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"
#include "amtgate/redir/framing.h"
#include "amtgate/redir/messages.h"

namespace amtgate::ider {
namespace {

constexpr std::uint8_t kCompleted = 2;  // attributes: the last message of a command
constexpr std::uint8_t kDma = 1;
constexpr std::uint8_t kStatusError = 0x01;  // in the ATA status register
constexpr std::uint8_t kDriveIsCd = 0x10;    // in the drive select register

Result<void> check_length(Bytes message, redir::Direction direction) {
  const auto length = redir::next_service_message(message, Service::Ider, direction);
  if (!length) return length.error();
  if (*length && **length == message.size()) return {};
  return Error{Errc::BadValue, "ider message of " + std::to_string(message.size()) + " bytes" +
                                   (message.empty() ? "" : ", " + redir::describe_byte(message[0])) +
                                   ", has the wrong length"};
}

Drive drive_of(std::uint8_t select) {
  return select & kDriveIsCd ? Drive::Cd : Drive::Floppy;
}

void header(Writer& w, unsigned type, std::uint32_t sequence, unsigned attributes = 0, unsigned status = 0) {
  w.u8(type).u8(status).u8(0).u8(attributes).le32(sequence);
}

struct ClientEncoder {
  Writer w;
  void operator()(const Open& m) {
    header(w, 0x40, m.sequence);
    w.le16(m.rx_timeout).le16(m.tx_timeout).le16(m.heartbeat).le32(m.version);
  }
  void operator()(const Close& m) { header(w, 0x42, m.sequence); }
  void operator()(const Ping& m) { header(w, 0x44, m.sequence); }
  void operator()(const Pong& m) { header(w, 0x45, m.sequence); }
  void operator()(const ResetReply& m) { header(w, 0x47, m.sequence); }
  void operator()(const Features& m) {
    header(w, 0x48, m.sequence);
    w.u8(m.type);
    if (m.type != Features::kGetSupported && m.type != Features::kGetState) w.le32(m.value);
  }
  void operator()(const Heartbeat& m) { header(w, 0x4b, m.sequence); }
  void operator()(const CommandEnd& m) {
    const auto device = static_cast<unsigned>(m.drive);
    header(w, 0x51, m.sequence, kCompleted);
    w.zeros(12);
    if (m.sense == Sense{}) {
      w.u8(0xc5).u8(0).u8(3).zeros(3).u8(device).u8(0x50).zeros(3);
    } else {
      w.u8(0x87).u8(static_cast<unsigned>(m.sense.key << 4) & 0xff).u8(3).zeros(3).u8(device).u8(0x51);
      w.u8(m.sense.key).u8(m.sense.asc).u8(m.sense.ascq);
    }
  }
  void operator()(const GetData& m) {
    header(w, 0x52, m.sequence);
    w.u8(0).le16(m.size).u8(0);
    w.u8(0xb5).zeros(3).le16(m.size).u8(static_cast<unsigned>(m.drive)).u8(0x58).zeros(11);
  }
  void operator()(const DataToHost& m) {
    assert(m.bytes.size() <= 65535);
    data_header(m, static_cast<std::uint16_t>(m.bytes.size()));
    w.bytes(m.bytes);
  }
  void operator()(const EndSession&) { w.u8(0x12).zeros(3); }

  void data_header(const DataToHost& m, std::uint16_t n) {
    const auto device = static_cast<unsigned>(m.drive);
    header(w, 0x54, m.sequence, (m.last ? kCompleted : 0U) | (m.dma ? kDma : 0U));
    w.u8(0).le16(n).u8(0);
    // The byte count of the registers is 0 with DMA in Mesh clients, which work with AMT 7 to 16; amtider has it the
    // other way.
    w.u8(m.dma ? 0xb4 : 0xb5).u8(0).u8(2).u8(0).le16(m.dma ? 0U : n).u8(device).u8(0x58);
    if (m.last) {
      w.u8(0x85).u8(0).u8(3).zeros(3).u8(device).u8(0x50);
    } else {
      w.zeros(8);
    }
    w.zeros(6);
  }
};

struct DeviceEncoder {
  Writer w;
  void operator()(const OpenReply& m) {
    header(w, 0x41, m.sequence, 0, m.status);
    w.u8(m.major).u8(m.minor).u8(m.firmware_major).u8(m.firmware_minor).zeros(4);
    w.le16(m.read_buffer).le16(m.write_buffer).u8(0).u8(m.protocol).zeros(3).le32(m.iana).len8(as_text(m.oem));
  }
  void operator()(const CloseReply& m) { header(w, 0x43, m.sequence); }
  void operator()(const Ping& m) { header(w, 0x44, m.sequence); }
  void operator()(const Pong& m) { header(w, 0x45, m.sequence); }
  void operator()(const Reset& m) {
    header(w, 0x46, m.sequence);
    w.u8(m.mask);
  }
  void operator()(const FeaturesReply& m) {
    header(w, 0x49, m.sequence);
    w.u8(m.type).le32(m.value);
  }
  void operator()(const DeviceError& m) {
    header(w, 0x4a, m.sequence);
    w.u8(m.code).zeros(2);
  }
  void operator()(const Heartbeat& m) { header(w, 0x4b, m.sequence); }
  void operator()(const Command& m) {
    header(w, 0x50, m.sequence);
    w.u8(0).u8(m.dma ? 1 : 0).zeros(2).le16(m.byte_count_limit);
    w.u8(m.drive == Drive::Cd ? kDriveIsCd : 0).u8(0xa0).bytes(m.cdb);
  }
  void operator()(const DataFromHost& m) {
    assert(m.bytes.size() <= 65535);
    header(w, 0x53, m.sequence);
    w.u8(0).le16(static_cast<unsigned>(m.bytes.size())).zeros(3).bytes(m.bytes);
  }
};

}  // namespace

Result<ClientMessage> parse_client(Bytes message) {
  if (const auto ok = check_length(message, redir::Direction::FromClient); !ok) return ok.error();
  Reader r(message.subspan(4));
  const std::uint32_t sequence = r.le32();
  switch (message[0]) {
    case 0x12: return ClientMessage{EndSession{}};
    case 0x40: {
      Open m;
      m.sequence = sequence;
      m.rx_timeout = r.le16();
      m.tx_timeout = r.le16();
      m.heartbeat = r.le16();
      m.version = r.le32();
      return ClientMessage{m};
    }
    case 0x42: return ClientMessage{Close{sequence}};
    case 0x44: return ClientMessage{Ping{sequence}};
    case 0x45: return ClientMessage{Pong{sequence}};
    case 0x47: return ClientMessage{ResetReply{sequence}};
    case 0x48: {
      Features m;
      m.sequence = sequence;
      m.type = r.u8();
      m.value = r.le32();  // 0 where it is absent
      return ClientMessage{m};
    }
    case 0x4b: return ClientMessage{Heartbeat{sequence}};
    case 0x51: {
      CommandEnd m{sequence, drive_of(message[26]), {}};
      if (message[27] & kStatusError) m.sense = {message[28], message[29], message[30]};
      return ClientMessage{m};
    }
    case 0x52: {
      r.skip(1);
      return ClientMessage{GetData{sequence, drive_of(message[18]), r.le16()}};
    }
    case 0x54: {
      r.skip(1);
      const std::uint16_t n = r.le16();
      return ClientMessage{DataToHost{sequence, drive_of(message[18]), (message[3] & kCompleted) != 0,
                                      (message[3] & kDma) != 0, message.subspan(kDataToHostHeader, n)}};
    }
    default: return Error{Errc::Unsupported, "unknown ider message " + redir::describe_byte(message[0])};
  }
}

Result<DeviceMessage> parse_device(Bytes message) {
  if (const auto ok = check_length(message, redir::Direction::FromDevice); !ok) return ok.error();
  Reader r(message.subspan(4));
  const std::uint32_t sequence = r.le32();
  switch (message[0]) {
    case 0x41: {
      OpenReply m;
      m.sequence = sequence;
      m.status = message[1];
      m.major = r.u8();
      m.minor = r.u8();
      m.firmware_major = r.u8();
      m.firmware_minor = r.u8();
      r.skip(4);
      m.read_buffer = r.le16();
      m.write_buffer = r.le16();
      r.skip(1);
      m.protocol = r.u8();
      r.skip(3);
      m.iana = r.le32();
      m.oem = r.take_len8();
      return DeviceMessage{m};
    }
    case 0x43: return DeviceMessage{CloseReply{sequence}};
    case 0x44: return DeviceMessage{Ping{sequence}};
    case 0x45: return DeviceMessage{Pong{sequence}};
    case 0x46: return DeviceMessage{Reset{sequence, message[8]}};
    case 0x49: {
      const std::uint8_t type = r.u8();
      return DeviceMessage{FeaturesReply{sequence, type, r.le32()}};
    }
    case 0x4a: return DeviceMessage{DeviceError{sequence, message[8]}};
    case 0x4b: return DeviceMessage{Heartbeat{sequence}};
    case 0x50: {
      Command m;
      m.sequence = sequence;
      r.skip(1);
      m.dma = (r.u8() & 1) != 0;
      r.skip(2);
      m.byte_count_limit = r.le16();
      m.drive = drive_of(r.u8());
      r.skip(1);  // 0xA0 PACKET; nothing else was ever seen
      std::ranges::copy(r.take(m.cdb.size()), m.cdb.begin());
      return DeviceMessage{m};
    }
    case 0x53: {
      r.skip(1);
      const std::uint16_t n = r.le16();
      r.skip(3);
      return DeviceMessage{DataFromHost{sequence, r.take(n)}};
    }
    default: return Error{Errc::Unsupported, "unknown ider message " + redir::describe_byte(message[0])};
  }
}

void encode(Buffer& out, const ClientMessage& m) {
  std::visit(ClientEncoder{Writer(out)}, m);
}
void encode(Buffer& out, const DeviceMessage& m) {
  std::visit(DeviceEncoder{Writer(out)}, m);
}

void encode_header(Buffer& out, const DataToHost& m, std::uint16_t n) {
  ClientEncoder{Writer(out)}.data_header(m, n);
}

std::uint32_t sequence_of(const ClientMessage& m) {
  return std::visit(
      [](const auto& x) -> std::uint32_t {
        if constexpr (std::is_same_v<std::decay_t<decltype(x)>, EndSession>) {
          return 0;
        } else {
          return x.sequence;
        }
      },
      m);
}

std::uint32_t sequence_of(const DeviceMessage& m) {
  return std::visit([](const auto& x) { return x.sequence; }, m);
}

}  // namespace amtgate::ider
