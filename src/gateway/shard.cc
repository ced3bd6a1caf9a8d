#include "amtgate/gateway/shard.h"

#include "amtgate/gateway/flow.h"
#include "amtgate/gateway/screen_host.h"
#include "amtgate/gateway/screen_key.h"

namespace amtgate::gateway {

Shard::Shard(net::Loop& loop, Shared& shared) : loop_(loop), shared_(shared), pool_(loop) {}
Shard::~Shard() = default;

void Shard::listen(sys::UniqueFd listener, net::Destination destination) {
  listeners_.push_back(std::make_unique<net::Listener>(loop_, std::move(listener), destination,
                                                       [this](net::Accepted a) { accepted(std::move(a)); }));
}

void Shard::stop_listening() {
  listeners_.clear();
}

void Shard::accepted(net::Accepted accepted) {
  counters_.accepted.add();
  const control::SessionId id{shared_.next_id.fetch_add(1, std::memory_order_relaxed)};
  if (Shard* home = home_of(accepted); home != this) {
    auto moving = std::make_shared<net::Accepted>(std::move(accepted));
    home->loop().post([home, id, moving] { home->adopt(id, std::move(*moving)); });
    return;
  }
  begin(id, std::move(accepted));
}

/// Viewers of one machine have to meet on one shard: AMT has one KVM session.
Shard* Shard::home_of(const net::Accepted& accepted) {
  if (accepted.destination.port != kVncPort || shared_.shards.size() < 2) return this;
  const std::string key = screen_key(*shared_.policy()->directory, accepted.client.address, accepted.destination);
  if (key.empty()) return this;
  return &shared_.home(key);
}

void Shard::adopt(control::SessionId id, net::Accepted accepted) {
  begin(id, std::move(accepted));
}

void Shard::adopt(control::SessionId id, ScriptViewer viewer) {
  begin(id, std::move(viewer));
}

template <class Connection>
void Shard::begin(control::SessionId id, Connection connection) {
  auto flow = std::make_unique<Flow>(*this, id, std::move(connection));
  Flow& started = *flow;
  flows_.emplace(id.value, std::move(flow));
  started.start();
}

void Shard::finished(Flow& flow) {
  const auto found = flows_.find(flow.id().value);
  if (found == flows_.end()) return;
  loop_.retire(std::shared_ptr<Flow>(std::move(found->second)));
  flows_.erase(found);
}

ScreenHost& Shard::screen(const std::string& key, std::shared_ptr<const config::Target> target,
                          const IpAddress& destination) {
  std::unique_ptr<ScreenHost>& host = screens_[key];
  if (!host) host = std::make_unique<ScreenHost>(*this, key, std::move(target), destination);
  return *host;
}

void Shard::screen_done(ScreenHost& screen) {
  const auto found = screens_.find(screen.key());
  if (found == screens_.end() || found->second.get() != &screen) return;
  loop_.retire(std::shared_ptr<ScreenHost>(std::move(found->second)));
  screens_.erase(found);
}

std::optional<Result<void>> Shard::give(control::SessionId id) {
  const auto found = flows_.find(id.value);
  if (found == flows_.end() || !found->second->is_session()) return std::nullopt;
  return found->second->take_keyboard();
}

std::size_t Shard::park(const std::string& key, const std::string& what, Duration lease) {
  const auto found = screens_.find(key);
  return found == screens_.end() ? 0 : found->second->park(what, lease);
}

void Shard::unpark(const std::string& key) {
  if (const auto found = screens_.find(key); found != screens_.end()) found->second->unpark();
}

std::vector<control::SessionInfo> Shard::sessions() const {
  std::vector<control::SessionInfo> out;
  for (const auto& [id, flow] : flows_) {
    if (flow->is_session()) out.push_back(flow->info());
  }
  return out;
}

bool Shard::end(control::SessionId id, const Error& why) {
  const auto found = flows_.find(id.value);
  if (found == flows_.end() || !found->second->is_session()) return false;
  found->second->end(why);
  return true;
}

void Shard::end_all(const Error& why) {
  // Flow::end() may take the flow out of the map.
  std::vector<std::uint64_t> ids;
  ids.reserve(flows_.size());
  for (const auto& [id, flow] : flows_) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    if (const auto found = flows_.find(id); found != flows_.end()) found->second->end(why);
  }
}

}  // namespace amtgate::gateway
