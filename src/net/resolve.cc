#include "amtgate/net/resolve.h"

#include <algorithm>
#include <map>

#include "amtgate/net/name_lookup.h"
#include "amtgate/sys/log.h"

namespace amtgate::net {

struct Resolver::Impl {
  Impl(Loop& l, const ResolverOptions& o, OnChange c)
      : loop(l), options(o), on_change(std::move(c)), lookup(l, o.lookup) {}

  struct Entry {
    Entry(Loop& l, std::function<void()> ask) : timer(l, std::move(ask)) {}
    // A family whose question failed keeps its own last answer.
    std::vector<IpAddress> v4;
    std::vector<IpAddress> v6;
    std::vector<IpAddress> addresses;
    Duration pause{};            // zero: the last question was answered
    std::uint64_t question = 0;  // the one that is open or was last
    Timer timer;
  };

  Loop& loop;
  const ResolverOptions options;
  const OnChange on_change;
  std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries;
  std::uint64_t questions = 0;
  NameLookup lookup;

  void ask(const std::string& name) {
    const std::uint64_t number = ++questions;
    entries.at(name)->question = number;
    lookup.ask(name, [this, name, number](const Result<FoundName>& found) {
      const auto it = entries.find(name);
      if (it == entries.end() || it->second->question != number) return;  // no longer wanted
      if (found) {
        on_found(name, *it->second, *found);
      } else {
        on_failure(name, *it->second, found.error());
      }
    });
  }

  void on_failure(const std::string& name, Entry& e, const Error& error) const {
    if (e.pause == Duration::zero()) {
      log::warn("resolve.failed", {{"name", name}, {"reason", error.detail}, {"kept", e.addresses.size()}});
      e.pause = options.retry_first;
    } else {
      e.pause = std::min(e.pause * 2, options.retry_most);
    }
    e.timer.arm(e.pause);
  }

  void on_found(const std::string& name, Entry& e, const FoundName& found) const {
    if (e.pause != Duration::zero()) log::info("resolve.recovered", {{"name", name}});
    e.pause = Duration::zero();
    e.timer.arm(found.ttl ? std::clamp<Duration>(*found.ttl, options.least, options.most) : options.hosts_refresh);
    if (found.v4) e.v4 = *found.v4;
    if (found.v6) e.v6 = *found.v6;
    std::vector<IpAddress> all = e.v4;
    all.insert(all.end(), e.v6.begin(), e.v6.end());
    all = in_order(std::move(all));
    if (all == e.addresses) return;
    e.addresses = all;
    on_change(name, all);  // may drop the name
  }
};

Resolver::Resolver(Loop& loop, const ResolverOptions& options, OnChange on_change)
    : impl_(std::make_unique<Impl>(loop, options, std::move(on_change))) {}

Resolver::~Resolver() = default;

void Resolver::set_names(const std::vector<std::string>& names) {
  Impl& s = *impl_;
  for (auto it = s.entries.begin(); it != s.entries.end();) {
    const bool stays = std::find(names.begin(), names.end(), it->first) != names.end();
    it = stays ? std::next(it) : s.entries.erase(it);
  }
  for (const std::string& name : names) {
    if (s.entries.contains(name)) continue;
    s.entries.emplace(name, std::make_unique<Impl::Entry>(s.loop, [raw = &s, name] { raw->ask(name); }));
    s.ask(name);
  }
}

std::vector<IpAddress> Resolver::addresses(const std::string& name) const {
  const auto it = impl_->entries.find(name);
  return it == impl_->entries.end() ? std::vector<IpAddress>{} : it->second->addresses;
}

}  // namespace amtgate::net
