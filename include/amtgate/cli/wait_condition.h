// WaitCondition: what a machine is waited for, as the command line has it.
#pragma once

#include <string>
#include <string_view>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"

namespace amtgate::cli {

struct WaitCondition {
  enum class Kind {
    Ping,    // the PC answers ICMP
    Amt,     // AMT answers WS-Management, and takes the login
    Rmcp,    // AMT answers a presence ping
    Tcp,     // a port of the PC's operating system takes connections
    Power,   // AMT says that the PC is in this state
    Screen,  // it shows a picture
  };
  Kind kind = Kind::Amt;
  bool wanted = true;  // false: until it is not so
  Port port{};         // of Tcp
  std::string value;   // "on" of Power, a file of Screen
  std::string text;    // as it was written

  /// "ping", "amt", "rmcp", "tcp:22", "power=on" (off, sleep, hibernate), "screen=FILE"; with "no-" before it the
  /// contrary; "away" is "no-amt". Errors: BadValue.
  static Result<WaitCondition> parse(std::string_view text);
};

/// Whether a power state is what such a condition names.
bool is_power(std::string_view word, std::uint64_t state);

}  // namespace amtgate::cli
