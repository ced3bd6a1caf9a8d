#include "amtgate/gateway/session_record.h"

namespace amtgate::gateway {
namespace {

log::RateLimit& failure_limit() {
  static log::RateLimit limit(10, 50);
  return limit;
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

}  // namespace

std::vector<log::Field> SessionRecord::fields() const {
  return {
      {"sid", id.value},  {"kind", kind()},        {"client", client},          {"target", target->name},
      {"device", device}, {"user", or_dash(user)}, {"method", or_dash(method)}, {"tls", tls.empty() ? "none" : tls}};
}

void SessionRecord::opened(Counters& counters, const net::Stream& connection, TimePoint now) const {
  counters.opened_of(*service).add();
  std::vector<log::Field> line = fields();
  line.emplace_back("trust", or_dash(trust));
  line.emplace_back("client_tls", connection.is_tls() ? connection.tls_version() : "none");
  line.emplace_back("took_ms", now - began);
  log::write_gathered(log::Level::Info, "session.open", line);
}

void SessionRecord::ended(Counters& counters, const Ending& ending, TimePoint now) const {
  counters.to_device_bytes.add(ending.rx_bytes);
  counters.to_client_bytes.add(ending.tx_bytes);
  std::vector<log::Field> line = fields();
  line.emplace_back("cause", ending.cause);
  line.emplace_back("side", ending.side);
  line.emplace_back("rx_bytes", ending.rx_bytes);
  line.emplace_back("tx_bytes", ending.tx_bytes);
  line.emplace_back("duration_ms", now - began);
  line.emplace_back("why", ending.why);
  log::write_gathered(log::Level::Info, "session.end", line);
}

void SessionRecord::failed(Counters& counters, const Error& error, TimePoint now) const {
  if (denied || target == nullptr) return;
  counters.failed_of(error.code).add();
  if (error.code == Errc::AuthFailed && stage == "join") counters.login_refused.add();
  log::warn(failure_limit(), "session.failed",
            {{"sid", id.value},
             {"kind", or_dash(kind())},
             {"client", client},
             {"target", target->name},
             {"device", or_dash(device_text())},
             {"user", or_dash(user)},
             {"stage", stage},
             {"cause", amtgate::name(error.code)},
             {"took_ms", now - began},
             {"why", error.detail}});
}

control::SessionInfo SessionRecord::info() const {
  control::SessionInfo out;
  out.id = id;
  out.target = target->name;
  out.service = kind();
  out.client = client;
  out.user = user;
  out.device = device_text();
  out.tls = tls;
  out.started = started;
  return out;
}

}  // namespace amtgate::gateway
