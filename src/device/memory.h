// What the dialer remembers of each machine, shared by all workers.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "amtgate/base/inet.h"
#include "amtgate/config/config.h"
#include "amtgate/tls/context.h"
#include "amtgate/tls/engine.h"

namespace amtgate::device {

/// What a target's keys say about TLS.
tls::ClientPolicy tls_policy(const config::Target& target);

/// The TLS context of a target, made once a configuration.
class Contexts {
 public:
  Result<tls::Context> get(const config::Target& target);
  void clear();

 private:
  std::mutex mutex_;
  std::map<std::string, tls::Context> by_target_;
};

/// Which port answered last, and the session to resume there.
class Machines {
 public:
  static constexpr std::size_t kMost = 65536;  // machines; more than one gateway serves. Beyond it all are forgotten.

  bool plain_worked(const Endpoint& device);
  void worked(const Endpoint& device, bool plain);
  /// Sessions are a target's own: one made with another target's client certificate or TLS versions would resume what
  /// this target may not have.
  tls::SessionPtr session(const std::string& target, const Endpoint& device);
  void remember(const std::string& target, const Endpoint& device, tls::SessionPtr session);
  void forget_session(const std::string& target, const Endpoint& device);
  void clear();

 private:
  using Key = std::pair<std::string, Endpoint>;
  std::mutex mutex_;
  std::map<Endpoint, bool> plain_;
  std::map<Key, tls::SessionPtr> sessions_;
};

}  // namespace amtgate::device
