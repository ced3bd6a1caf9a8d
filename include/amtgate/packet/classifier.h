// Classifier: which first packets are for the gateway. One immutable table, compiled from the configuration and from
// what its names resolve to; the queue reader asks it for each first packet, the gateway for each accepted
// connection.
//
// Lookup is one hash probe for single addresses plus one for each prefix length in use, whatever the number of
// targets.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"
#include "amtgate/packet/header.h"

namespace amtgate::packet {

/// What happens to a client that `allow` does not name (the configuration's `denied`).
enum class Denied : std::uint8_t { Refuse, Pass };

/// Where a packet comes from: another machine, or a program on this host (it went through OUTPUT, or its source is
/// one of this host's addresses).
enum class Origin : std::uint8_t { Forwarded, Local };

/// One target.
struct Entry {
  std::vector<Network> destinations;  // what clients aim at
  std::vector<Network> allow;         // who may; empty = only packets of this host itself
  Denied denied = Denied::Refuse;
  std::vector<Port> ports;   // TCP ports caught for it
  std::uint32_t target = 0;  // the caller's number for it, e.g. the index in Config::targets
  bool rmcp = false;         // presence pings (rmcp.h), by UDP, are caught too
};

enum class Verdict : std::uint8_t { Pass, Catch };

enum class Reason : std::uint8_t {
  Unread,        // Pass: not a packet that parse() reads
  NotOpening,    // Pass: not the first packet of a TCP connection, and no presence ping
  NoTarget,      // Pass: nobody's destination
  NotServed,     // Pass: a target, but not on this port
  DeniedPass,    // Pass: `allow` does not name the source, and denied = pass
  DeniedRefuse,  // Catch: `allow` does not name the source; the gateway says so in the client's protocol
  Allowed,       // Catch
};

/// "unread", "not_opening", "no_target", "not_served", "denied_pass", "denied_refuse", "allowed".
const char* name(Reason reason);

struct Decision {
  Reason reason = Reason::NoTarget;
  std::uint32_t target = 0;  // Entry::target, from NotServed on
  Verdict verdict() const {
    return reason == Reason::DeniedRefuse || reason == Reason::Allowed ? Verdict::Catch : Verdict::Pass;
  }
};

class Classifier {
 public:
  /// An empty table: everything passes.
  Classifier() = default;
  /// The most specific destination wins; of two equal ones the first in `entries`.
  explicit Classifier(std::vector<Entry> entries);

  /// For a packet from layer 3 on, possibly cut behind its headers (kHeaderBytes). Of UDP, which has no connections,
  /// each presence ping is a first packet.
  Decision decide(Bytes packet, Origin origin) const;
  /// For addresses that are known already, e.g. those of an accepted connection.
  Decision decide(const IpAddress& source, const IpAddress& destination, Port port, Origin origin) const;
  /// The same for a presence ping.
  Decision decide_ping(const IpAddress& source, const IpAddress& destination, Origin origin) const;
  /// The target that `destination` on `port` belongs to, whoever asks.
  std::optional<std::uint32_t> lookup(const IpAddress& destination, Port port) const;

  std::size_t size() const { return entries_.size(); }

 private:
  using Table = std::unordered_map<IpAddress, std::uint32_t>;
  struct Level {
    IpAddress::Family family;
    unsigned prefix;
    Table networks;
  };

  const Entry* find(const IpAddress& destination) const;

  std::vector<Entry> entries_;
  Table single_;
  std::vector<Level> levels_;  // longest prefix first
};

}  // namespace amtgate::packet
