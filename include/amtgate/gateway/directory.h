// Directory: the configuration made ready for look-up: which target a connection is for, whether its client may use
// it, and where that machine's AMT is. Immutable; a reload or a name that resolves anew makes another one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/config/config.h"
#include "amtgate/packet/classifier.h"

namespace amtgate::gateway {

class Directory {
 public:
  /// What names resolve to now; a name that is missing here has no address yet.
  using Names = std::map<std::string, std::vector<IpAddress>>;

  Directory(std::shared_ptr<const config::Config> config, const Names& names);

  /// The names of a configuration that have to be kept resolved.
  static std::vector<std::string> names(const config::Config& config);

  const config::Config& config() const { return *config_; }
  std::shared_ptr<const packet::Classifier> classifier() const { return classifier_; }

  struct Match {
    packet::Decision decision;
    std::shared_ptr<const config::Target> target;  // null with NoTarget; keeps the configuration alive
  };
  Match match(const IpAddress& client, const Endpoint& destination, packet::Origin origin) const;

  /// The same for a presence ping.
  Match match_ping(const IpAddress& client, const Endpoint& destination, packet::Origin origin) const;

  struct Machine {
    std::shared_ptr<const config::Target> target;  // keeps the configuration alive
    IpAddress address;                             // what clients aim at
  };
  /// The machine that a person means (config/machine.h). Errors: BadValue (no such), Unreachable (a name that has no
  /// address yet).
  Result<Machine> find(std::string_view machine) const;

  /// Where the AMT of the machine behind `destination` is. Errors: Unreachable (a name that has no address yet).
  Result<IpAddress> device(const config::Target& target, const IpAddress& destination) const;
  /// The addresses that a target has now, for `amtgate status`.
  std::vector<std::string> addresses(const config::Target& target) const;
  /// A sentence when a name of the target has no address; empty otherwise.
  std::string unresolved(const config::Target& target) const;

 private:
  Match match(packet::Decision decision) const;
  std::vector<Network> destinations(const config::Target& target) const;

  std::shared_ptr<const config::Config> config_;
  Names names_;
  std::shared_ptr<const packet::Classifier> classifier_;
};

}  // namespace amtgate::gateway
