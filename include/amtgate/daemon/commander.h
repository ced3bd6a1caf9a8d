// Commander: what the control socket and the metrics page ask, answered by the gateway and the daemon together.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "amtgate/control/commands.h"
#include "amtgate/gateway/gateway.h"

namespace amtgate::daemon {

class Commander final : public control::Commands {
 public:
  /// `reload` reads the configuration again and gives every mistake. `gateway` outlives this. `problems`: of the
  /// start, which stay.
  Commander(gateway::Gateway& gateway, std::string config_file, std::vector<std::string> problems,
            std::function<std::vector<std::string>()> reload);

  control::Status status() const override;
  std::vector<control::SessionInfo> sessions() const override;
  Result<void> end(control::SessionId id) override;
  Result<void> give(control::SessionId id) override;
  Result<std::size_t> park(const std::string& target, const std::string& what, Duration lease) override;
  Result<void> unpark(const std::string& target) override;
  std::vector<control::ImageInfo> images() const override;
  Result<void> attach(const control::AttachRequest& request) override;
  Result<void> detach(const std::string& target) override;
  std::vector<std::string> reload() override;
  std::vector<control::Metric> metrics() const override;

 private:
  gateway::Gateway& gateway_;
  std::string config_file_;
  std::vector<std::string> problems_;
  std::function<std::vector<std::string>()> reload_;
  control::WallTime started_;
  control::WallTime loaded_;
  bool reload_failed_ = false;
};

}  // namespace amtgate::daemon
