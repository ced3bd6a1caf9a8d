// SolTerminal: a person (or a pipe) at a machine's serial console.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "amtgate/base/time.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/screen_session.h"
#include "amtgate/sol/charset.h"
#include "amtgate/sol/key_translator.h"

namespace amtgate::cli {

struct SolOptions {
  std::optional<std::uint8_t> escape = 0x1d;  // ^]
  sol::KeyStyle keys = sol::KeyStyle::Vt100Plus;
  sol::Charset charset = sol::Charset::Utf8;
  bool utf8 = false;  // the terminal's own
  bool title = true;
  bool hold = false;
  std::string log;
  bool timestamps = false;
  Duration idle = seconds(2);  // of a pipe that has ended: so long without output
};

struct SolSummary {
  std::string target, device, tls;
  std::uint64_t rx_bytes = 0;  // from the machine
  std::uint64_t tx_bytes = 0;
  unsigned reconnects = 0;
  Duration took{};
  std::string end;  // why
};

class SolTerminal {
 public:
  SolTerminal(ScreenSource& source, SolOptions options);
  ~SolTerminal();
  SolTerminal(const SolTerminal&) = delete;
  SolTerminal& operator=(const SolTerminal&) = delete;

  /// Until it is over; messages are on standard error. The terminal is as it was then.
  Exit run();
  const SolSummary& summary() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace amtgate::cli
