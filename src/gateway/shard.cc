#include "amtgate/gateway/shard.h"

#include <algorithm>

#include "amtgate/gateway/flow.h"
#include "amtgate/gateway/screen_host.h"
#include "amtgate/gateway/screen_key.h"
#include "amtgate/gateway/serial_host.h"

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

/// Viewers of one machine have to meet on one shard: AMT has one KVM session. So do clients that share a serial
/// console.
Shard* Shard::home_of(const net::Accepted& accepted) {
  if (shared_.shards.size() < 2) return this;
  if (is_redirection_port(accepted.destination.port)) {
    const std::string serial =
        serial_key(*shared_.policy()->directory, accepted.client.address, accepted.destination);
    return serial.empty() ? this : &shared_.home(serial);
  }
  if (accepted.destination.port != kVncPort) return this;
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

void Shard::adopt(control::SessionId id, SerialCaller caller) {
  begin(id, std::move(caller));
}

std::size_t Shard::flows() const {
  return flows_.size() + static_cast<std::size_t>(
                             std::ranges::count_if(serials_, [](const auto& entry) { return entry.second->busy(); }));
}

// --- serial consoles --------------------------------------------------------------------------------------

void Shard::apply_serial() {
  const std::shared_ptr<const Policy> policy = shared_.policy();
  const config::Config& config = policy->directory->config();
  for (const auto& [key, host] : serials_) {
    const config::Target* now = config.find(host->target().name);
    if (host->shared() && (now == nullptr || !now->shares_serial())) host->configure(nullptr);
  }
  for (const config::Target& target : config.targets) {
    const std::string key = serial_key(target);
    if (!target.shares_serial() || &shared_.home(key) != this) continue;
    const std::shared_ptr<const config::Target> kept(policy->directory, &target);
    serial(control::SessionId{}, kept, IpAddress{}).configure(kept);
  }
}

void Shard::stop_serial() {
  std::vector<SerialHost*> all;
  for (const auto& [key, host] : serials_) all.push_back(host.get());
  for (SerialHost* host : all) host->stop();
}

SerialHost& Shard::serial(control::SessionId id, std::shared_ptr<const config::Target> target,
                          const IpAddress& destination) {
  const bool shared = target->shares_serial();
  const std::string key = shared ? serial_key(*target) : std::to_string(id.value);
  std::unique_ptr<SerialHost>& host = serials_[key];
  if (!host) host = std::make_unique<SerialHost>(*this, key, std::move(target), destination, shared);
  return *host;
}

void Shard::serial_done(SerialHost& serial) {
  const auto found = serials_.find(serial.key());
  if (found == serials_.end() || found->second.get() != &serial) return;
  loop_.retire(std::shared_ptr<SerialHost>(std::move(found->second)));
  serials_.erase(found);
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
  std::size_t users = 0;
  for (SerialHost* host : serials_at(key)) users += host->park(what, lease);
  const auto found = screens_.find(key);
  return users + (found == screens_.end() ? 0 : found->second->park(what, lease));
}

void Shard::unpark(const std::string& key) {
  for (SerialHost* host : serials_at(key)) host->unpark();
  if (const auto found = screens_.find(key); found != screens_.end()) found->second->unpark();
}

std::vector<SerialHost*> Shard::serials_at(const std::string& key) const {
  std::vector<SerialHost*> out;
  for (const auto& [name, host] : serials_) {
    if (host->machine() == key) out.push_back(host.get());
  }
  return out;
}

std::vector<control::SessionInfo> Shard::sessions() const {
  std::vector<control::SessionInfo> out;
  for (const auto& [id, flow] : flows_) {
    if (flow->is_session()) out.push_back(flow->info());
  }
  for (const auto& [key, host] : serials_) {
    if (auto held = host->info()) out.push_back(std::move(*held));
  }
  return out;
}

std::vector<TargetProblem> Shard::problems() const {
  std::vector<TargetProblem> out;
  for (const auto& [key, host] : serials_) {
    for (TargetProblem& problem : host->problems()) out.push_back(std::move(problem));
  }
  return out;
}

bool Shard::end(control::SessionId id, const Error& why) {
  // A session that the gateway holds comes back by itself: ending it is a way to begin it anew.
  for (const auto& [key, host] : serials_) {
    if (!host->info() || host->id() != id) continue;
    host->park("session was ended by hand", seconds(1));
    return true;
  }
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
