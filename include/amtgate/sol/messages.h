// Serial-over-LAN messages, after the hand-over of a redirection session. Each begins with type, status or 0, two
// reserved bytes and a sequence number (LE32) that no client checks; AMT counts its own. Integers are little-endian.
// Source: amtterm redir.c and RedirectionConstants.h, MeshCommander amt-terminal-0.0.2.js, hamtsolo; Intel guide page
// soltout.
#pragma once

#include <cstdint>
#include <variant>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"

namespace amtgate::sol {

/// What the client asks of the device, in milliseconds unless said otherwise. The defaults are amtterm's.
struct Settings {
  std::uint16_t max_transmit = 1000;     // bytes that the device may collect before it sends
  std::uint16_t transmit_timeout = 100;  // it sends at the latest then; 0 = only when full
  std::uint16_t overflow_timeout = 0;    // how long a full buffer may block before bytes are dropped; 0 = for ever
  std::uint16_t rx_timeout = 10000;      // it ends the session when the client was silent that long; 0 = never
  std::uint16_t fifo_timeout = 0;        // host FIFO RX flush
  std::uint16_t heartbeat = 5000;        // period of its 0x2B; 0 = none

  bool operator==(const Settings&) const = default;
};

/// 0x20, client to device, 24 bytes: 0 header | 8 max transmit | 10 transmit time-out | 12 overflow | 14 RX time-out
/// | 16 FIFO | 18 heartbeat (each LE16) | 20 zeros (4)
struct Start {
  std::uint32_t sequence = 0;
  Settings settings;
};
/// 0x21, device to client, 23 bytes: header with status in byte 1, then 15 bytes that nobody parses. amtterm loses
/// what comes in the same read.
struct StartReply {
  std::uint32_t sequence = 0;
  std::uint8_t status = 0;
};
/// 0x22, client to device, 8 bytes.
struct End {
  std::uint32_t sequence = 0;
};
/// 0x23, device to client, 8 bytes. Only as the answer to 0x22: Mesh clients and hamtsolo break on it.
struct EndReply {
  std::uint32_t sequence = 0;
};
/// 0x24, 8 bytes. amtterm sends a device's ping back as it is.
struct Ping {
  std::uint32_t sequence = 0;
};
/// 0x25, 8 bytes. amtterm aborts on it.
struct Pong {
  std::uint32_t sequence = 0;
};
/// 0x27, client to device, 14 bytes, Mesh family only: header, then 00 00 1B 00 00 00. Meaning unknown, no answer.
struct Controls {
  std::uint32_t sequence = 0;
};
/// 0x28 client to device and 0x2A device to client, 10 + n bytes: header | 8 n, LE16 | 10 serial bytes.
struct Data {
  std::uint32_t sequence = 0;
  Bytes bytes;  // at most 65535
};
/// 0x29, device to client, 10 bytes: header | 8 control lines | 9 status.
struct HostStatus {
  static constexpr std::uint8_t kRts = 0x01, kDtr = 0x02, kBreak = 0x04;  // control
  static constexpr std::uint8_t kTxOverflow = 0x01, kLoopback = 0x02, kPowered = 0x04, kFifoTimeout = 0x08,
                                kTestMode = 0x10;  // status
  std::uint32_t sequence = 0;
  std::uint8_t control = 0;
  std::uint8_t status = 0;
};
/// 0x2B, both ways, 8 bytes.
struct Heartbeat {
  std::uint32_t sequence = 0;
};
/// 0x12, client to device, 4 bytes: EndRedirectionSession, see redir/messages.h.
struct EndSession {};

/// Of a client, and of a device. 0x2A and 0x28 are the same struct: the direction tells.
using ClientMessage = std::variant<Start, End, Ping, Pong, Controls, Data, Heartbeat, EndSession>;
using DeviceMessage = std::variant<StartReply, EndReply, Ping, Pong, HostStatus, Data, Heartbeat>;

/// One whole message as redir::MessageCutter gives it. Views point into it. Errors: BadValue (wrong length for the
/// type), Unsupported (unknown type).
Result<ClientMessage> parse_client(Bytes message);
Result<DeviceMessage> parse_device(Bytes message);

void encode(Buffer& out, const ClientMessage& m);
void encode(Buffer& out, const DeviceMessage& m);

}  // namespace amtgate::sol
