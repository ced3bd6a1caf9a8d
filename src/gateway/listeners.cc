#include "amtgate/gateway/listeners.h"

#include <utility>

#include "amtgate/config/served_ports.h"
#include "amtgate/net/datagram.h"
#include "amtgate/net/listen.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {

Result<Listeners> open_listeners(const config::Intercept& intercept) {
  net::ListenOptions options;
  options.transparent = intercept.mode == config::InterceptMode::Tproxy;
  options.reuse_port = true;
  // TPROXY names the loopback address as the listener's (rules/plan.h): what is caught gets there, and nobody else
  // can. NAT rewrites to an address of the interface, whichever that is.
  const IpAddress v4_at = options.transparent ? IpAddress::v4({127, 0, 0, 1}) : IpAddress{};
  const IpAddress v6_at = options.transparent ? *IpAddress::parse("::1") : IpAddress::v6({});
  Listeners out;
  options.at = {v4_at, intercept.port};
  Result<sys::UniqueFd> v4 = net::open_listener(options);
  if (!v4) return v4.error();
  out.v4 = std::move(*v4);
  options.at.address = v6_at;
  if (Result<sys::UniqueFd> v6 = net::open_listener(options)) {
    out.v6 = std::move(*v6);
  } else if (v6.error().code == Errc::Busy) {
    return v6.error();
  } else {
    log::warn("listen.no_ipv6", {{"why", v6.error().detail}});
  }
  return out;
}

// The same addresses as the listeners', and for the same reason.
Result<std::vector<sys::UniqueFd>> open_catchers(const config::Intercept& intercept) {
  std::vector<sys::UniqueFd> out;
  if (!config::relays_rmcp(intercept)) return out;
  Result<sys::UniqueFd> v4 = net::open_datagram_catcher({IpAddress::v4({127, 0, 0, 1}), intercept.port});
  if (!v4) return v4.error();
  out.push_back(std::move(*v4));
  // Its absence was said of the listeners.
  if (Result<sys::UniqueFd> v6 = net::open_datagram_catcher({*IpAddress::parse("::1"), intercept.port})) {
    out.push_back(std::move(*v6));
  }
  return out;
}

}  // namespace amtgate::gateway
