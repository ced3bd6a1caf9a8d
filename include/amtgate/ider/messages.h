// IDE-R messages, after the hand-over of a redirection session. Each begins with type, two zeros, attributes and a
// sequence number (LE32): the device counts from 0 (0x41) for every message, and Mesh clients check it; the client
// counts from 0 (0x40), which nobody is known to check, and amtider does not do. Integers are little-endian, SCSI
// data big-endian. Source: MeshCommander amt-ider-ws-0.0.1.js, MeshCentral amt-ider-module.js, amtterm ider.c and
// amtider.c, run against scripted peers.
#pragma once

#include <array>
#include <cstdint>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::ider {

/// Which of the two drives; the values are their ATA device bytes in what a client sends.
enum class Drive : std::uint8_t { Floppy = 0xa0, Cd = 0xb0 };

/// Sense data of a command that ended in CHECK CONDITION. Key 0 = none, the command was good.
struct Sense {
  std::uint8_t key = 0;
  std::uint8_t asc = 0;
  std::uint8_t ascq = 0;
  bool operator==(const Sense&) const = default;
};

/// 0x40, client to device, 18 bytes: header | 8 RX time-out ms | 10 TX time-out ms | 12 heartbeat ms | 14 version,
/// LE32. amtider writes its values from offset 1 on: its sequence is garbage and its time-outs read as zero.
struct Open {
  std::uint32_t sequence = 0;
  std::uint16_t rx_timeout = 30000;
  std::uint16_t tx_timeout = 0;
  std::uint16_t heartbeat = 20000;
  std::uint32_t version = 1;
};
/// 0x41, device to client, 30 + n bytes: header with status in byte 1 | 8, 9 protocol | 10, 11 firmware | 16 read
/// buffer: the largest data block of one 0x54 | 18 write buffer | 21 protocol, Mesh wants 0 | 25 IANA number, LE32 |
/// 29 n | 30 OEM data
struct OpenReply {
  std::uint32_t sequence = 0;
  std::uint8_t status = 0;
  std::uint8_t major = 1, minor = 0;
  std::uint8_t firmware_major = 0, firmware_minor = 0;
  std::uint16_t read_buffer = 8192;  // Mesh and ui-toolkit stop at more than 8192
  std::uint16_t write_buffer = 8192;
  std::uint8_t protocol = 0;
  std::uint32_t iana = 343;
  Bytes oem = {};
};
/// 0x42, client to device, and 0x43, device to client, 8 bytes.
struct Close {
  std::uint32_t sequence = 0;
};
struct CloseReply {
  std::uint32_t sequence = 0;
};
/// 0x44 and 0x45, both ways, 8 bytes. amtider echoes 0x44 and aborts on 0x45.
struct Ping {
  std::uint32_t sequence = 0;
};
struct Pong {
  std::uint32_t sequence = 0;
};
/// 0x46, device to client, 9 bytes: header | 8 mask. The client drops what it was doing and answers 0x47, 8 bytes.
struct Reset {
  std::uint32_t sequence = 0;
  std::uint8_t mask = 0;
};
struct ResetReply {
  std::uint32_t sequence = 0;
};
/// 0x48, client to device: header | 8 type | 9 value, LE32, absent for the types 1 and 2.
struct Features {
  static constexpr std::uint8_t kGetSupported = 1, kGetState = 2, kSetState = 3;
  static constexpr std::uint32_t kEnable = 0x01, kNextReboot = 0x08, kGraceful = 0x10, kNow = 0x18;
  std::uint32_t sequence = 0;
  std::uint8_t type = kSetState;
  std::uint32_t value = 0;
};
/// 0x49, device to client, 13 bytes: header | 8 type | 9 value: bit 0 register control available, bit 1 enabled, 1 =
/// done
struct FeaturesReply {
  std::uint32_t sequence = 0;
  std::uint8_t type = 0;
  std::uint32_t value = 0;
};
/// 0x4A, device to client, 11 bytes: header | 8 code. Mesh ignores it, amtider aborts.
struct DeviceError {
  std::uint32_t sequence = 0;
  std::uint8_t code = 0;
};
/// 0x4B, both ways, 8 bytes.
struct Heartbeat {
  std::uint32_t sequence = 0;
};
/// 0x50, device to client, 28 bytes, the ATA registers of a PACKET command: header | 8 device control | 9 feature,
/// bit 0: DMA | 10 sector count | 11 sector | 12 byte count limit | 14 drive select, bit 4: CD | 15 command, always
/// 0xA0 | 16 CDB
struct Command {
  std::uint32_t sequence = 0;
  bool dma = false;
  std::uint16_t byte_count_limit = 0;
  Drive drive = Drive::Cd;
  std::array<std::uint8_t, 12> cdb{};
};
/// 0x51, client to device, 31 bytes: header, attributes 2 | 8 zeros (12) | 20 registers | 28 key, ASC, ASCQ
/// Good: registers C5 00 03 00 00 00 drive 50; amtider's mask is 85. Check: 87 key<<4 03 00 00 00 drive 51.
struct CommandEnd {
  std::uint32_t sequence = 0;
  Drive drive = Drive::Cd;
  Sense sense;
};
/// 0x52, client to device, 31 bytes: header | 9 bytes wanted, LE16 | 12 registers. The device answers with 0x53.
struct GetData {
  std::uint32_t sequence = 0;
  Drive drive = Drive::Cd;
  std::uint16_t size = 0;
};
/// 0x53, device to client, 14 + n bytes: header | 9 n, LE16 | 14 data
struct DataFromHost {
  std::uint32_t sequence = 0;
  Bytes bytes;
};
/// 0x54, client to device, 34 + n bytes: header, attributes 2 in the last one of a command, + 1 with DMA (not
/// reliable) | 9 n, LE16 | 12 input registers | 20 output registers, set in the last one | 34 data. No 0x51 follows
/// the last one.
struct DataToHost {
  std::uint32_t sequence = 0;
  Drive drive = Drive::Cd;
  bool last = false;
  bool dma = false;
  Bytes bytes;
};
/// 0x12, client to device, 4 bytes: see redir/messages.h.
struct EndSession {};

using ClientMessage = std::variant<Open, Close, Ping, Pong, ResetReply, Features, Heartbeat, CommandEnd, GetData,
                                   DataToHost, EndSession>;
using DeviceMessage = std::variant<OpenReply, CloseReply, Ping, Pong, Reset, FeaturesReply, DeviceError, Heartbeat,
                                   Command, DataFromHost>;

inline constexpr std::size_t kDataToHostHeader = 34;

/// One whole message as redir::MessageCutter gives it. Views point into it. Errors: BadValue (wrong length for the
/// type), Unsupported (unknown type).
Result<ClientMessage> parse_client(Bytes message);
Result<DeviceMessage> parse_device(Bytes message);

/// Bytes are at most 65535, OEM data 255.
void encode(Buffer& out, const ClientMessage& m);
void encode(Buffer& out, const DeviceMessage& m);
/// The header of a 0x54 for `n` bytes, which the caller appends: saves a copy of each block. m.bytes is not used.
void encode_header(Buffer& out, const DataToHost& m, std::uint16_t n);

/// The sequence number of any of them; 0 for 0x12, which has none.
std::uint32_t sequence_of(const ClientMessage& m);
std::uint32_t sequence_of(const DeviceMessage& m);

}  // namespace amtgate::ider
