// Scanner: looks for AMT at many addresses, at a pace: a presence ping (RMCP), and what the web ports say of
// themselves without a login. One thread, one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/base/time.h"
#include "amtgate/http/banner.h"
#include "amtgate/packet/rmcp.h"

namespace amtgate::cli {

struct ScanOptions {
  unsigned rate = 50;          // addresses a second; each is five packets, and two more for who says nothing
  Duration wait = seconds(3);  // for the answer to a ping, and for a connection
  std::uint32_t mark = 0;      // SO_MARK, so that the gateway's own rules leave it alone; 0 = none
};

/// What is known of an address where something of AMT answered.
struct Found {
  std::optional<packet::Pong> pong;
  std::optional<http::Banner> banner;
  std::vector<Port> ports;  // where a web server of AMT's is
};

/// "16.1.30" where the web server says it, "16.1" where only the pong does, empty where neither.
std::string version_of(const Found& found);
/// As packet::name(Provisioning). A web server that answers is that of a machine which is set up.
std::string provisioning_of(const Found& found);

/// Told how many addresses are done, of how many, and how many have something of AMT's.
using OnProgress = std::function<void(std::size_t done, std::size_t all, std::size_t found)>;

/// Blocks until all is known. Errors: System, Unreachable where nothing could be sent to any address.
Result<std::map<IpAddress, Found>> scan(const std::vector<IpAddress>& addresses, const ScanOptions& options,
                                        const OnProgress& on_progress);

}  // namespace amtgate::cli
