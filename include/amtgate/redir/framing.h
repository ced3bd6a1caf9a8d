// Where the messages of a redirection session end, for relays that pass them on one by one without acting on them.
#pragma once

#include <cstdint>
#include <optional>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"
#include "amtgate/base/service.h"

namespace amtgate::redir {

enum class Direction { FromClient, FromDevice };

/// Kerberos tickets reach tens of kilobytes; more than this in one 0x13 or 0x14 is no authentication.
inline constexpr std::size_t kMaxRelayedAuth = 65536;

/// Before the hand-over (0x10 to 0x14): the length of the message at the front of `in`, which may be more than is
/// there yet; nothing when too few bytes are there to tell. A refusing 0x11 counts as 13 + n although some devices
/// may cut it short: at the end of the stream the relay passes on what is left. Errors: Unsupported (a type that does
/// not belong here in this direction), TooLarge (over kMaxRelayedAuth).
Result<std::optional<std::size_t>> next_message(Bytes in, Direction direction);

/// True for a whole 0x14 with which the device lets the client in (status 0, method not the query): after it the
/// service's own messages begin.
bool is_login_success(Bytes message);

/// After the hand-over, SOL and IDE-R: likewise.
///   SOL   client  12:4 20:24 22:8 24:8 25:8 27:14 28:10+LE16@8 2B:8
///         device  21:23 23:8 24:8 25:8 29:10 2A:10+LE16@8 2B:8
///   IDE-R client  12:4 40:18 42:8 44:8 45:8 47:8 48:9 (byte 8 is 1 or 2) or 13, 4B:8 51:31 52:31 54:34+LE16@9
///         device  41:30+u8@29 43:8 44:8 45:8 46:9 49:13 4A:11 4B:8 50:28 53:14+LE16@9
/// Errors: Unsupported: the type is unknown, so the length is unknowable; a relay copies the rest of the connection
/// blindly. For services without framing (KVM) every byte is unknown.
Result<std::optional<std::size_t>> next_service_message(Bytes in, Service service, Direction direction);

/// The longest message that next_service_message() can announce: 34 + 65535.
inline constexpr std::size_t kMaxServiceMessage = 34 + 65535;

/// True for messages of a device after which amtterm 1.4 to 1.8 and amtider discard everything that they read
/// together with them: 0x14 (success), 0x21, 0x23, 0x29, 0x41, 0x46, 0x49, 0x50. Such a message needs a TLS record of
/// its own, or on plain TCP a pause (50 ms) before the next. `type` is the message's first byte; for 0x14 say so only
/// when its status is 0.
bool discards_rest(std::uint8_t type);

/// Cuts a stream of SOL or IDE-R messages. Keeps what is incomplete, at most kMaxServiceMessage and what one feed()
/// brought.
class MessageCutter {
 public:
  MessageCutter(Service service, Direction direction) : service_(service), direction_(direction) {}

  /// Views that next() gave before become invalid.
  void feed(Bytes in);
  /// The next whole message, a view until the next feed(); nothing when none is complete. Errors: Unsupported as
  /// above, and again on every further call: the owner takes the rest() and copies blindly from there.
  Result<std::optional<Bytes>> next();
  /// What was fed and not given out; the cutter is empty after it.
  Buffer take_rest();
  std::size_t kept() const { return in_.size() - at_; }

 private:
  Service service_;
  Direction direction_;
  Buffer in_;
  std::size_t at_ = 0;
};

}  // namespace amtgate::redir
