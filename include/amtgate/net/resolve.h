// Names to addresses, while the daemon runs.
//
// getaddrinfo in a few threads of its own (so /etc/hosts and nsswitch count, and a dead DNS server stalls nobody). It
// gives no expiry times, so every name is asked again after `refresh`. A name that fails keeps its last good answer
// and is asked again with growing pauses.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/net/loop.h"

namespace amtgate::net {

/// More addresses than one machine has; the rest of an answer is ignored.
inline constexpr std::size_t kMaxAddresses = 32;

/// Blocks; for command-line tools. Sorted, without repeats. Errors: Unreachable (no such name), Timeout (DNS is
/// down).
Result<std::vector<IpAddress>> resolve_now(const std::string& name);

struct ResolverOptions {
  Duration refresh = seconds(60);
  Duration retry_first = seconds(1);  // doubles with each failure
  Duration retry_most = seconds(60);
  unsigned threads = 2;
};

class Resolver {
 public:
  /// On `loop`, whenever a name's addresses are other than before. Sorted. Failures are logged, once per change.
  using OnChange = std::function<void(const std::string& name, const std::vector<IpAddress>& addresses)>;
  Resolver(Loop& loop, const ResolverOptions& options, OnChange on_change);
  /// Does not wait for questions in flight; their threads end by themselves.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// The names to keep resolved. New ones are asked at once; those that stay keep their answers; others are dropped.
  void set_names(const std::vector<std::string>& names);
  /// The last good answer; empty when there was none yet.
  std::vector<IpAddress> addresses(const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace amtgate::net
