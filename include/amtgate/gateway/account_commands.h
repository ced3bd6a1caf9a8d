// AccountCommands: the control socket's commands for an account of this host that is no operator: what its roles
// leave of them.
//
//   status, sessions   the targets that it may view, and what is going on there
//   end, give          console at the session's target
//   park, unpark       power at the target
//   images             those of the targets that it may view
//   attach, detach     admin at the target; an address on the web, which the daemon asks from where it stands, takes
//                      admin everywhere
//   all others         admin everywhere
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/control/commands.h"
#include "amtgate/gateway/gateway.h"

namespace amtgate::gateway {

class AccountCommands final : public control::Commands {
 public:
  /// For the log: why a command was refused.
  using OnRefused = std::function<void(const std::string& why)>;
  /// `all` outlives this.
  AccountCommands(control::Commands& all, AccountRights rights, OnRefused on_refused)
      : all_(all), rights_(std::move(rights)), on_refused_(std::move(on_refused)) {}

  Result<void> may(std::string_view command) const override;
  control::Status status() const override;
  std::vector<control::SessionInfo> sessions() const override;
  Result<void> end(control::SessionId id) override;
  Result<void> give(control::SessionId id) override;
  Result<std::size_t> park(const std::string& target, const std::string& what, Duration lease) override;
  Result<void> unpark(const std::string& target) override;
  std::vector<control::ImageInfo> images() const override;
  Result<void> attach(const control::AttachRequest& request) override;
  Result<void> detach(const std::string& target) override;
  std::vector<std::string> reload() override { return all_.reload(); }
  std::vector<control::Metric> metrics() const override { return all_.metrics(); }

 private:
  bool sees(std::string_view target) const { return auth::includes(rights_.at(target), auth::Role::View); }
  Error refuse(std::string why) const;
  Result<void> may_with(control::SessionId id, std::string_view what) const;
  Result<void> may_switch(const std::string& target) const;
  Result<void> may_attach(const std::string& target) const;

  control::Commands& all_;
  AccountRights rights_;
  OnRefused on_refused_;
};

}  // namespace amtgate::gateway
