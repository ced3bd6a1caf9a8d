// NameLookup: questions about names, on a loop. /etc/hosts is looked at first, then the name servers of
// /etc/resolv.conf are asked for IPv4 and IPv6 addresses. Other sources of nsswitch.conf(5) are not.
//
// No thread waits for an answer, and an answer says how long it holds, which getaddrinfo(3) does not. c-ares is
// behind it (src/net/name_lookup.cc).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/net/loop.h"

namespace amtgate::net {

/// More addresses than one machine has; the rest of an answer is ignored.
inline constexpr std::size_t kMaxAddresses = 32;

/// Sorted, without repeats, at most kMaxAddresses.
std::vector<IpAddress> in_order(std::vector<IpAddress> addresses);

struct LookupOptions {
  std::string hosts = "/etc/hosts";
  std::string resolv_conf = "/etc/resolv.conf";  // read again when it is another than before
  Port port{53};                                 // of the name servers
  /// For a name server's answer; doubles with each round through the servers. Less than the usual 5 s: the servers
  /// are asked in their order, so each question waits this long for a dead one before a live one.
  Duration first_wait = seconds(2);
  unsigned rounds = 3;
};

/// What is known of one name; at least one address. Lists are in_order().
struct FoundName {
  /// Empty: it has none of this family. None: nobody could say.
  std::optional<std::vector<IpAddress>> v4;
  std::optional<std::vector<IpAddress>> v6;
  /// The least time to live of the records it was made from; none when it is from the hosts file.
  std::optional<seconds> ttl;
};

class NameLookup {
 public:
  /// Questions on their way at a time; the others wait for their turn. Two datagrams each, and what comes back at
  /// once must find room in the socket's buffer.
  static constexpr std::size_t kMaxAsked = 64;

  NameLookup(Loop& loop, LookupOptions options);
  /// Questions that are open are forgotten.
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  /// `on_found` comes on the loop, not before this returns; it may ask again, but not destroy this object. Errors:
  /// Unreachable (no such name, or it has no address), Timeout (no name server answers), BadValue (answers that
  /// cannot be read), System.
  using OnFound = std::function<void(const Result<FoundName>&)>;
  void ask(std::string name, OnFound on_found);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Blocks until all are answered or given up: what a daemon on this host would find. Names without an address have an
/// empty list. Errors: System.
Result<std::map<std::string, std::vector<IpAddress>>> look_up_now(const std::vector<std::string>& names,
                                                                  const LookupOptions& options = {});

/// Blocks; for command-line tools that are given a host: getaddrinfo(3), so what nsswitch.conf(5) names counts, as
/// with other programs. in_order(). Errors: Unreachable (no such name), Timeout (DNS is down).
Result<std::vector<IpAddress>> resolve_now(const std::string& name);

}  // namespace amtgate::net
