// SessionRecord: what is known of one connection as a session. Its flow and the phases of that fill it; the log, the
// counters and `amtgate sessions` are told from it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/base/service.h"
#include "amtgate/base/time.h"
#include "amtgate/config/config.h"
#include "amtgate/control/commands.h"
#include "amtgate/gateway/counters.h"
#include "amtgate/net/stream.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {

struct SessionRecord {
  control::SessionId id;
  std::string client;  // "10.0.0.5:51332", or what a script is called
  control::WallTime started;
  TimePoint began;

  std::shared_ptr<const config::Target> target{};  // null: nobody's machine
  bool denied = false;                             // the client may not use it: said already, no session
  std::optional<Service> service{};
  std::string user{};
  std::string method{};  // how the client was let in
  Endpoint device{};     // port 0: not reached
  std::string tls{};     // towards it
  std::string trust{};
  std::string stage = "client";  // how far it came

  /// Joined: counted and logged.
  void opened(Counters& counters, const net::Stream& connection, TimePoint now) const;
  /// Ended before it was joined.
  void failed(Counters& counters, const Error& error, TimePoint now) const;

  struct Ending {
    std::string_view cause;  // "closed", "reset", ...
    std::string_view side;   // who began it: "client", "device"
    std::string_view why;
    std::uint64_t rx_bytes;  // from the client
    std::uint64_t tx_bytes;
  };
  /// Ended after opened().
  void ended(Counters& counters, const Ending& ending, TimePoint now) const;

  /// Without state, role and bytes.
  control::SessionInfo info() const;

 private:
  std::vector<log::Field> fields() const;
  std::string kind() const { return service ? std::string(amtgate::name(*service)) : std::string(); }
  std::string device_text() const { return device.port.value != 0 ? device.to_string() : std::string(); }
};

}  // namespace amtgate::gateway
