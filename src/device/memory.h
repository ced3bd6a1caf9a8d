// What the dialer remembers of each machine, shared by all workers.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "amtgate/base/inet.h"
#include "amtgate/config/config.h"
#include "amtgate/tls/context.h"
#include "amtgate/tls/engine.h"

namespace amtgate::device {

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
  tls::SessionPtr session(const Endpoint& device);
  void remember(const Endpoint& device, tls::SessionPtr session);
  void forget_session(const Endpoint& device);
  void clear();

 private:
  struct Machine {
    bool plain = false;
    tls::SessionPtr session;
  };
  Machine& at(const Endpoint& device);
  std::mutex mutex_;
  std::map<Endpoint, Machine> by_endpoint_;
};

}  // namespace amtgate::device
