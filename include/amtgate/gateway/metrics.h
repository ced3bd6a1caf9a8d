// The samples of the metrics port, made of what the parts of the gateway count.
#pragma once

#include <vector>

#include "amtgate/control/commands.h"
#include "amtgate/device/dialer.h"
#include "amtgate/gateway/counters.h"
#include "amtgate/gateway/rmcp_relay.h"
#include "amtgate/intercept/queue.h"

namespace amtgate::gateway {

/// Each appends its samples to `out`. `workers` has the counters of each worker.
void add_session_metrics(const std::vector<control::SessionInfo>& now, const std::vector<const Counters*>& workers,
                         std::vector<control::Metric>& out);
void add_login_metrics(const device::Dialer& dialer, std::vector<control::Metric>& out);
void add_ping_metrics(const RmcpRelay::Counts& counts, std::vector<control::Metric>& out);
void add_queue_metrics(const intercept::Queue::Stats& stats, std::vector<control::Metric>& out);

}  // namespace amtgate::gateway
