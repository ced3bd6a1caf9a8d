// RmcpRelay: presence pings to targets, passed on to their AMT, and the pongs back: the answer comes from the address
// that was asked. Nothing else on UDP port 623 is: what is no ping was not caught (packet::Classifier), and what
// comes here all the same is dropped.
//
// A ping is no session: it is counted and not listed. What one client and all together may have passed on in a second
// is limited; the rest is dropped, as UDP may be.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/gateway/counters.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/net/datagram.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {

class RmcpRelay {
 public:
  /// Scanners ask a machine twice and a network's machines 10 ms apart: a person's scan passes.
  static constexpr double kClientRate = 50, kClientBurst = 100;
  static constexpr double kTotalRate = 200, kTotalBurst = 400;
  /// A machine that has not answered by then will not: scanners wait no longer.
  static constexpr Duration kAnswer = seconds(3);
  static constexpr std::size_t kMaxPending = 512;
  static constexpr std::size_t kMaxClients = 1024;

  struct Counts {
    Counter relayed;   // pings to machines
    Counter answered;  // pongs to clients
    Counter limited;   // pings that were too many
    Counter denied;    // pings of clients that `allow` does not name
    Counter dropped;   // everything else: no ping, no pong, nobody's machine, no way to the machine
  };

  /// On the loop's thread, as all but counts(). `sockets` are of open_datagram_catcher(); `shared` outlives this.
  RmcpRelay(net::Loop& loop, Shared& shared, std::vector<sys::UniqueFd> sockets);
  ~RmcpRelay();
  RmcpRelay(const RmcpRelay&) = delete;
  RmcpRelay& operator=(const RmcpRelay&) = delete;

  /// From any thread.
  const Counts& counts() const { return counts_; }

 private:
  struct Socket {
    sys::UniqueFd fd;
    std::unique_ptr<net::Watch> watch;
  };
  struct Question {
    sys::UniqueFd fd;
    std::unique_ptr<net::Watch> watch;
    std::unique_ptr<net::Timer> timer;
    Endpoint client;
    Endpoint asked;
    std::uint8_t tag = 0;
  };
  struct Client {
    log::TokenBucket bucket{kClientRate, kClientBurst};
    TimePoint last;
  };

  void caught(int fd);
  void ping(const net::Datagram& datagram);
  bool within_limits(const IpAddress& client);
  void ask(const Endpoint& device, const config::Target& target, const net::Datagram& datagram, std::uint8_t tag);
  void answered(std::uint64_t id);
  void end(std::uint64_t id);

  net::Loop& loop_;
  Shared& shared_;
  Counts counts_;
  log::TokenBucket total_{kTotalRate, kTotalBurst};
  std::unordered_map<IpAddress, Client> clients_;
  std::vector<Socket> sockets_;
  std::map<std::uint64_t, std::shared_ptr<Question>> questions_;
  std::uint64_t next_ = 0;
};

}  // namespace amtgate::gateway
