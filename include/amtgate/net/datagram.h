// UDP for messages that are passed on one by one: where a caught one was going, answers from addresses that are not
// ours, and one question to a machine.
#pragma once

#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/net/connect.h"
#include "amtgate/sys/fd.h"

namespace amtgate::net {

/// A socket for what TPROXY hands over. Errors: Busy (the port is taken), Unreachable (no such address), System.
Result<sys::UniqueFd> open_datagram_catcher(const Endpoint& at);

struct Datagram {
  Endpoint from;
  Endpoint to;       // what it was sent to
  Bytes data;        // into the caller's buffer
  bool cut = false;  // it was longer than the buffer
};
/// The next one that waits, or nothing. One without a known destination is thrown away.
std::optional<Datagram> receive_datagram(int fd, MutableBytes buffer);

/// Sends one datagram with `from` as its source, whoever's address that is, and `mark` on it. Errors: System.
Result<void> send_datagram_as(const Endpoint& from, const Endpoint& to, Bytes data, std::uint32_t mark);

/// A UDP socket that sends to and hears from `options.to` only. Of the options all but the TCP ones count. Errors: as
/// Connector's.
Result<sys::UniqueFd> connect_datagram(const ConnectOptions& options);

}  // namespace amtgate::net
