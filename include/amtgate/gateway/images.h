// Images: everything that the gateway serves to machines' drives by itself, as the configuration and the control
// socket say. On threads of its own, which exist once there is something to serve: one for the sessions, so that
// nobody's screen waits for machines that read; one that fetches from web servers; and two that wait for disks.
//
// All calls but names_changed() come from one thread (Gateway's).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "amtgate/base/time.h"
#include "amtgate/control/commands.h"
#include "amtgate/gateway/shard.h"

namespace amtgate::gateway {

class Images {
 public:
  /// `shared` outlives this. `state`: the folder under which images are kept.
  Images(Shared& shared, std::string state);
  ~Images();

  /// Policy and configuration are new: attaches, exchanges and detaches. Images of the control socket stay as they
  /// are, where there still is such a target.
  void apply(const config::Config& config);
  /// The policy has other addresses. From any thread.
  void names_changed();
  Result<void> attach(const control::AttachRequest& request);
  Result<void> detach(const std::string& target);
  std::vector<control::ImageInfo> list() const;
  std::vector<control::SessionInfo> sessions() const;
  /// By the target's name.
  void park(const std::string& target, const std::string& what, Duration lease);
  void unpark(const std::string& target);
  /// Ends all sessions in order; in_session() says how many still are.
  void end_all();
  std::size_t in_session() const;
  void metrics(std::vector<control::Metric>& out) const;

  struct Impl;

 private:
  bool begin();

  Shared& shared_;
  const std::string state_;
  config::Gateway settings_;
  std::unique_ptr<Impl> impl_;
  std::atomic<Impl*> running_{nullptr};
};

}  // namespace amtgate::gateway
