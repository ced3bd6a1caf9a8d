// Settings: how `amtgate-sim` was called.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/sim/machine_state.h"

namespace amtgate::simhost {

struct Settings {
  sim::Options machine;

  IpAddress listen = IpAddress::v4({127, 0, 0, 1});
  unsigned machines = 1;  // each with an address of its own, from `listen` on
  // 0: the kernel chooses. Whether a port is open at all is the profile's matter.
  Port plain{16994};
  Port tls{16995};
  Port rfb{5900};
  Port web{16992};
  Port web_tls{16993};
  Port asf{623};  // TCP and UDP
  Port asf_tls{664};

  std::string cert_file;  // both empty: one is made at start
  std::string key_file;
  std::string client_ca_file;
  bool rmcp = true;         // presence pings are answered
  bool wrong_cert = false;  // another certificate and key on every connection

  std::uint64_t slow_reader = 0;  // bytes a second that are read from a client; 0 = as they come
  std::string log_file;           // JSON lines; "-" = standard output; empty = none
  std::string setup_bin;          // a Setup.bin that sets the machines up, each by its next record; empty: they are
  std::string frame_file;         // the screen as it was last sent, as PPM
  bool quiet = false;
};

/// The settings of each machine: they differ in address and name.
std::vector<Settings> each_machine(const Settings& settings);

/// What was asked for instead of running.
struct Print {
  std::string text;
};

/// Errors: BadValue, one line that names the option.
Result<std::variant<Settings, Print>> parse_arguments(std::span<const char* const> arguments);

/// The text of --help.
std::string help();

}  // namespace amtgate::simhost
