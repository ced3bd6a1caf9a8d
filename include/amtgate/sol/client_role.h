// ClientRole: a serial-over-LAN client, from the hand-over of the redirection session on. The first bytes it receives
// are redir::ClientRole::take_rest().
#pragma once

#include <deque>
#include <optional>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/redir/framing.h"
#include "amtgate/redir/message_outbox.h"
#include "amtgate/sol/messages.h"

namespace amtgate::sol {

class ClientRole {
 public:
  struct Options {
    Settings settings = {};
    milliseconds heartbeat_every{2000};   // our own 0x2B; zero: none
    bool echo = true;                     // send the device's 0x2B and 0x24 back as amtterm does
    std::size_t chunk = 512;              // bytes in one 0x28, 1 to 1000: no client is known to send more
    std::size_t max_backlog = 64 * 1024;  // bytes waiting in output(); send() takes no more
    milliseconds answer_timeout{10000};   // for the start reply
    milliseconds patience{20000};         // without a byte from the device; zero: for ever
    milliseconds end_timeout{2000};       // for the reply to end()
  };

  struct Started {};
  struct Received {
    Buffer bytes;
  };
  /// The host's control lines, power state, overflow.
  struct Host {
    std::uint8_t control;
    std::uint8_t status;
  };
  /// send() takes bytes again after it had refused some.
  struct Writable {};
  /// The session is over: flush and close.
  struct Ended {};
  using Event = std::variant<Started, Received, Host, Writable, Ended>;

  /// 0x20 is in output() at once.
  ClientRole(Options options, TimePoint now);

  /// Errors: Refused (status of the start reply), Unsupported (unknown message), BadValue (out of order).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n);
  std::optional<TimePoint> deadline() const;
  /// Errors: Timeout (no start reply, or no byte for `patience`).
  Result<void> tick(TimePoint now);

  /// Puts serial bytes in 0x28 messages; returns how many of them it took. None before Started and after end().
  std::size_t send(Bytes bytes);
  /// Asks the device to end the session. Ended follows on its reply or after end_timeout.
  void end(TimePoint now);

 private:
  enum class State { Starting, Open, Ending, Over };

  Result<void> handle(const DeviceMessage& m, TimePoint now);
  void push(const ClientMessage& m);
  void finish();

  Options options_;
  State state_ = State::Starting;
  redir::MessageCutter cutter_{Service::Sol, redir::Direction::FromDevice};
  redir::MessageOutbox out_;
  std::deque<Event> events_;
  std::uint32_t sequence_ = 0;
  bool refused_ = false;  // send() left bytes: a Writable is owed
  std::optional<TimePoint> answer_by_;
  std::optional<TimePoint> heartbeat_at_;
  std::optional<TimePoint> patience_until_;
};

static_assert(Machine<ClientRole>);

}  // namespace amtgate::sol
