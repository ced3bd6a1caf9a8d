// ServerRole: the device's side of serial-over-LAN, for the simulator. After the start reply, and after each 0x29, it
// waits a moment before it goes on: stock amtterm loses what it reads together with them.
#pragma once

#include <deque>
#include <optional>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/redir/framing.h"
#include "amtgate/redir/message_outbox.h"
#include "amtgate/sol/messages.h"

namespace amtgate::sol {

class ServerRole {
 public:
  struct Options {
    std::uint8_t start_status = 0;        // of 0x21; another than 0 refuses
    milliseconds pause{50};               // after 0x21 and 0x29
    bool announce_host = true;            // 0x29 "00 06" and "02 04" after the start, as seen on hardware
    std::size_t max_backlog = 64 * 1024;  // bytes waiting to be sent; send() takes no more
    milliseconds start_timeout{15000};    // for the client's 0x20; zero: none
    std::optional<milliseconds> heartbeat = std::nullopt;   // instead of what the client asks; zero: none
    std::optional<milliseconds> rx_timeout = std::nullopt;  // likewise
  };

  struct Started {
    Settings settings;
  };
  struct Received {
    Buffer bytes;
  };
  struct ControlsReceived {};  // 0x27
  /// send() takes bytes again after it had refused some.
  struct Writable {};
  /// 0x22, which was answered. The client may still send data, which is dropped.
  struct EndRequested {};
  /// 0x12: flush and close.
  struct Ended {};
  using Event = std::variant<Started, Received, ControlsReceived, Writable, EndRequested, Ended>;

  ServerRole(Options options, TimePoint now);

  /// Errors: Unsupported (unknown message), BadValue (out of order), TooLarge (pings without reading the answers).
  Result<void> receive(Bytes in, TimePoint now);
  std::optional<Event> next_event();
  /// One message at a time: an edge makes each a write of its own.
  Bytes output() const { return out_.view(); }
  void sent(std::size_t n);
  std::optional<TimePoint> deadline() const;
  /// Errors: Timeout (no 0x20, or nothing from the client for its RX time-out): the session ends.
  Result<void> tick(TimePoint now);

  /// Serial bytes for the client, cut to its max_transmit; returns how many were taken. None before Started and after
  /// 0x22.
  std::size_t send(Bytes bytes, TimePoint now);
  /// Tells the client that the host's lines or power state changed (0x29).
  void set_host(std::uint8_t control, std::uint8_t status, TimePoint now);

  /// Ends the session from our side (0x23): amtterm says so and leaves. Nothing more is sent.
  void end(TimePoint now);

  bool open() const { return state_ == State::Open; }

 private:
  enum class State { Waiting, Open, Ending, Over };

  Result<void> handle(const ClientMessage& m, TimePoint now);
  Result<void> start(const Start& m, TimePoint now);
  void push(DeviceMessage m, TimePoint now);
  void release(TimePoint now);
  std::size_t backlog() const { return out_.size() + waiting_bytes_; }

  Options options_;
  State state_ = State::Waiting;
  Settings settings_;
  redir::MessageCutter cutter_{Service::Sol, redir::Direction::FromClient};
  redir::MessageOutbox out_;
  std::deque<Buffer> waiting_;  // behind a pause
  std::size_t waiting_bytes_ = 0;
  TimePoint ready_at_{};
  std::deque<Event> events_;
  std::uint32_t sequence_ = 0;
  bool refused_ = false;
  milliseconds heartbeat_{0};
  milliseconds rx_timeout_{0};
  std::optional<TimePoint> heartbeat_at_;
  std::optional<TimePoint> silent_at_;
};

static_assert(Machine<ServerRole>);

}  // namespace amtgate::sol
