#include "amtgate/gateway/shard.h"

#include "amtgate/gateway/flow.h"

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
  auto flow = std::make_unique<Flow>(*this, id, std::move(accepted));
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
