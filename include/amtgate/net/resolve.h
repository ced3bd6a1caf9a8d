// Names to addresses, while the daemon runs: each is asked again when its answer expires. A name that fails keeps its
// last good answer and is asked again with growing pauses.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/name_lookup.h"

namespace amtgate::net {

struct ResolverOptions {
  LookupOptions lookup;
  /// An answer is kept at least so long: a name server that says 0 must not be asked without end.
  Duration least = seconds(5);
  /// And at most so long: a machine that moved is found within the hour whatever the zone said, a mistake included.
  Duration most = std::chrono::hours(1);
  Duration hosts_refresh = seconds(60);  // the hosts file gives no time
  Duration retry_first = seconds(1);     // doubles with each failure
  Duration retry_most = seconds(60);
};

class Resolver {
 public:
  /// On `loop`, whenever a name's addresses are other than before. In order (name_lookup.h). Failures are logged,
  /// once per change. It may call set_names().
  using OnChange = std::function<void(const std::string& name, const std::vector<IpAddress>& addresses)>;
  Resolver(Loop& loop, const ResolverOptions& options, OnChange on_change);
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
