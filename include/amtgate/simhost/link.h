// Link: one accepted socket, and the machine's side of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/net/listen.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"
#include "amtgate/sim/fault.h"
#include "amtgate/sim/machine_side.h"

namespace amtgate::simhost {

class Host;

class Link {
 public:
  Link(Host& host, std::uint64_t id, sim::Door door, net::Accepted&& accepted);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Faults of the stages connect and tls, the TLS handshake, then the connection. Once, from the loop.
  void start();
  /// The machine has rebooted, or is told to end: looks at it now.
  void wake();
  /// Ends it in order.
  void shutdown();

 private:
  void begin_tls();
  void begin_session();
  bool strike(sim::Stage stage);
  void on_ready(net::Ready ready);
  void read_some();
  void quick_ack();
  void watch_stalled();
  void pump();
  void write_some();
  void take_events();
  void begin_close(bool reset);
  void drain();
  void finish(std::string reason);
  void rearm();
  std::size_t read_allowance();

  Host& host_;
  std::uint64_t id_;
  sim::Door door_;
  Endpoint client_;
  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<sim::MachineSide> connection_;
  net::Timer timer_;   // the connection's deadline
  net::Timer linger_;  // after our end: the client has so long to end too
  net::Timer refill_;  // --slow-reader
  Buffer garbage_;     // of a fault before the session
  TimePoint started_;
  std::string reason_;  // of the Close event
  enum class State { Idle, Running, Closing, Draining, Gone } state_ = State::Idle;
  bool reset_ = false;
  double allowance_ = 0;  // bytes that --slow-reader lets us read
  TimePoint allowance_at_;
};

}  // namespace amtgate::simhost
