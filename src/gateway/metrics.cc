#include "amtgate/gateway/metrics.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "amtgate/base/service.h"

namespace amtgate::gateway {
namespace {

using control::MetricType;

void add(std::vector<control::Metric>& out, const char* name, const char* help, MetricType type,
         std::vector<std::pair<std::string, std::string>> labels, double value) {
  out.push_back({name, help, type, std::move(labels), value});
}

}  // namespace

void add_session_metrics(const std::vector<control::SessionInfo>& now, const std::vector<const Counters*>& workers,
                         std::vector<control::Metric>& out) {
  const auto sum = [&](auto get) {
    std::uint64_t total = 0;
    for (const Counters* counters : workers) total += get(*counters).value();
    return static_cast<double>(total);
  };
  for (const Service s : {Service::Vnc, Service::Sol, Service::Ider}) {
    const auto n = std::ranges::count_if(now, [&](const auto& i) { return i.service == amtgate::name(s); });
    add(out, "amtgate_sessions", "Sessions now.", MetricType::Gauge, {{"service", std::string(amtgate::name(s))}},
        static_cast<double>(n));
  }
  for (const Service s : {Service::Vnc, Service::Sol, Service::Ider}) {
    add(out, "amtgate_sessions_total", "Sessions that were joined.", MetricType::Counter,
        {{"service", std::string(amtgate::name(s))}},
        sum([s](const Counters& c) -> const Counter& { return c.opened[static_cast<std::size_t>(s)]; }));
  }
  for (std::size_t i = 0; i < Counters::kCodes; ++i) {
    add(out, "amtgate_sessions_failed_total", "Sessions that ended before they were joined.", MetricType::Counter,
        {{"cause", amtgate::name(static_cast<Errc>(i))}},
        sum([i](const Counters& c) -> const Counter& { return c.failed[i]; }));
  }
  add(out, "amtgate_connections_total", "Connections that the kernel handed over.", MetricType::Counter, {},
      sum([](const Counters& c) -> const Counter& { return c.accepted; }));
  add(out, "amtgate_bypassed_total", "Connections to nobody's machine, relayed plainly.", MetricType::Counter, {},
      sum([](const Counters& c) -> const Counter& { return c.bypassed; }));
  add(out, "amtgate_denied_total", "Clients that `allow` does not name.", MetricType::Counter, {},
      sum([](const Counters& c) -> const Counter& { return c.denied; }));
  add(out, "amtgate_denied_shed_total", "Of those, reset without words: too many at once.", MetricType::Counter, {},
      sum([](const Counters& c) -> const Counter& { return c.shed; }));
  add(out, "amtgate_client_logins_refused_total", "Clients whose own login failed.", MetricType::Counter, {},
      sum([](const Counters& c) -> const Counter& { return c.login_refused; }));
  add(out, "amtgate_to_device_bytes", "Bytes from clients to devices, of sessions that have ended.",
      MetricType::Counter, {}, sum([](const Counters& c) -> const Counter& { return c.to_device_bytes; }));
  add(out, "amtgate_to_client_bytes", "Bytes from devices to clients, of sessions that have ended.",
      MetricType::Counter, {}, sum([](const Counters& c) -> const Counter& { return c.to_client_bytes; }));
  add(out, "amtgate_spliced_bytes", "Bytes that never came through user space.", MetricType::Counter, {},
      sum([](const Counters& c) -> const Counter& { return c.spliced_bytes; }));
  add(out, "amtgate_workers", "Event loops.", MetricType::Gauge, {}, static_cast<double>(workers.size()));
}

void add_login_metrics(const device::Dialer& dialer, std::vector<control::Metric>& out) {
  add(out, "amtgate_device_logins_held_back_total", "Logins not tried, since earlier ones were refused.",
      MetricType::Counter, {}, static_cast<double>(dialer.held_back_total()));
  std::map<std::string, Duration> waits;
  for (const device::Dialer::RefusedLogin& r : dialer.refused_logins())
    waits[r.target] = std::max(waits[r.target], r.wait);
  add(out, "amtgate_targets_login_refused", "Targets whose machine refused the gateway's last login.",
      MetricType::Gauge, {}, static_cast<double>(waits.size()));
  for (const auto& [target, wait] : waits) {
    add(out, "amtgate_target_login_wait_seconds", "Time until the next login to a machine that refused the last one.",
        MetricType::Gauge, {{"target", target}}, static_cast<double>(std::chrono::ceil<seconds>(wait).count()));
  }
}

void add_ping_metrics(const RmcpRelay::Counts& c, std::vector<control::Metric>& out) {
  const auto pings = [&](const char* what, const Counter& n) {
    add(out, "amtgate_rmcp_total", "Presence pings passed on, pongs passed back, and what was not.",
        MetricType::Counter, {{"what", what}}, static_cast<double>(n.value()));
  };
  pings("relayed", c.relayed);
  pings("answered", c.answered);
  pings("limited", c.limited);
  pings("denied", c.denied);
  pings("dropped", c.dropped);
}

void add_queue_metrics(const intercept::Queue::Stats& q, std::vector<control::Metric>& out) {
  const auto packets = [&](const char* verdict, std::uint64_t n) {
    add(out, "amtgate_queue_packets_total", "First packets looked at, by verdict.", MetricType::Counter,
        {{"verdict", verdict}}, static_cast<double>(n));
  };
  packets("catch", q.caught);
  packets("pass", q.passed);
  packets("malformed", q.malformed);
  add(out, "amtgate_queue_overruns_total", "Times the packet queue was full.", MetricType::Counter, {},
      static_cast<double>(q.overruns));
}

}  // namespace amtgate::gateway
