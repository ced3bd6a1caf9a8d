// WebClient: WS-Management to many machines at once. libcurl does HTTP, digest and keep-alive; trust in certificates
// is decided as everywhere else (tls/trust.h).
//
// One thread of its own moves all connections (libcurl's multi interface). Whoever has a Caller blocks in call(), so
// that what is done with a machine is a plain sequence; as many machines are worked on at once as there are threads
// that have one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/base/time.h"
#include "amtgate/config/config.h"
#include "amtgate/device/known_store.h"
#include "amtgate/wsman/caller.h"

namespace amtgate::device {

struct WebClientOptions {
  std::string state;       // folder of the file known_certificates
  std::uint32_t mark = 0;  // SO_MARK of the connections; 0 = none
  Duration connect_deadline = seconds(5);
  Duration deadline = seconds(30);  // for each request with its answer
};

class WebClient {
 public:
  explicit WebClient(WebClientOptions options);
  /// Every Caller must be gone.
  ~WebClient();
  WebClient(const WebClient&) = delete;
  WebClient& operator=(const WebClient&) = delete;

  /// A machine: nothing is connected yet. With `port` 0: 16993 and 664, and then, where TLS is not demanded and was
  /// never seen at it, 16992 and 623. A Caller is one thread's. Its errors name the target and the endpoint.
  std::unique_ptr<wsman::Caller> machine(std::shared_ptr<const config::Target> target, const IpAddress& address,
                                         Port port = Port{0});
  /// The certificates that are known. Any thread's.
  KnownStore& known();

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// How a machine was reached.
struct WebRoute {
  Endpoint device;
  std::string tls;     // "TLSv1.2", "" when plain
  std::string server;  // its Server header
};
/// Of a Caller that WebClient made; empty before its first answer.
WebRoute route_of(const wsman::Caller& machine);

}  // namespace amtgate::device
