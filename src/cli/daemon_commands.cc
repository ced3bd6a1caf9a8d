// status, sessions, end, reload: what the running daemon is asked.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>

#include "amtgate/cli/commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/sys/clock.h"

namespace amtgate::cli {
namespace {

std::int64_t seconds_since(control::WallTime t) {
  return std::chrono::duration_cast<std::chrono::seconds>(sys::wall_now() - t).count();
}

void print_status(const control::Status& s) {
  std::printf("amtgated %s, pid %llu, up %s, %u workers\n", s.version.c_str(), static_cast<unsigned long long>(s.pid),
              human_duration(seconds_since(s.started)).c_str(), s.workers);
  std::printf("configuration %s, read %s\n", s.config.c_str(), control::format_time(s.loaded).c_str());
  std::printf("sessions: %llu now, %llu since the start, %llu refused\n", static_cast<unsigned long long>(s.sessions),
              static_cast<unsigned long long>(s.sessions_total), static_cast<unsigned long long>(s.refused_total));
  for (const std::string& problem : s.problems) std::printf("problem: %s\n", problem.c_str());
  if (s.targets.empty()) return;
  std::vector<std::vector<std::string>> rows = {{"TARGET", "STATE", "SESSIONS", "DEVICE", "ADDRESSES"}};
  for (const control::TargetStatus& t : s.targets) {
    std::string addresses;
    for (const std::string& a : t.addresses) addresses += (addresses.empty() ? "" : " ") + a;
    rows.push_back({t.name, t.state, std::to_string(t.sessions), t.device, addresses});
  }
  std::printf("\n%s", table(rows).c_str());
}

void print_sessions(const std::vector<control::SessionInfo>& sessions) {
  std::vector<std::vector<std::string>> rows = {
      {"ID", "TARGET", "SERVICE", "CLIENT", "USER", "DEVICE", "TLS", "STATE", "AGE", "RX", "TX"}};
  for (const control::SessionInfo& s : sessions) {
    rows.push_back({std::to_string(s.id.value), s.target, s.service, s.client, s.user, s.device, s.tls, s.state,
                    human_duration(seconds_since(s.started)), human_bytes(s.rx_bytes), human_bytes(s.tx_bytes)});
  }
  std::fputs(table(rows).c_str(), stdout);
}

}  // namespace

Run status_command(CLI::App&, const Common& common) {
  return [&common] {
    int code = kDone;
    const auto reply = ask_or_fail(common, control::request("status"), code);
    if (!reply) return code;
    if (common.json) {
      std::puts(reply->data.c_str());
      return code;
    }
    const Result<control::Status> status = control::status_from_json(reply->data);
    if (!status) return fail(kSaidNo, status.error().detail);
    print_status(*status);
    return code;
  };
}

Run sessions_command(CLI::App&, const Common& common) {
  return [&common] {
    int code = kDone;
    const auto reply = ask_or_fail(common, control::request("sessions"), code);
    if (!reply) return code;
    if (common.json) {
      std::puts(reply->data.c_str());
      return code;
    }
    const Result<std::vector<control::SessionInfo>> sessions = control::sessions_from_json(reply->data);
    if (!sessions) return fail(kSaidNo, sessions.error().detail);
    print_sessions(*sessions);
    return code;
  };
}

Run end_command(CLI::App& app, const Common& common) {
  const auto text = std::make_shared<std::string>();
  app.add_option("ID", *text, "the session's number in `amtgate sessions`")->required();
  return [&common, text] {
    std::uint64_t id = 0;
    const char* last = text->data() + text->size();
    const auto [end, ec] = std::from_chars(text->data(), last, id);
    if (ec != std::errc{} || end != last) return fail(kUsage, "'" + *text + "' is not a session's number");
    int code = kDone;
    if (ask_or_fail(common, control::request_end(control::SessionId{id}), code) && common.json) std::puts("{}");
    return code;
  };
}

Run reload_command(CLI::App&, const Common& common) {
  return [&common] {
    int code = kDone;
    if (ask_or_fail(common, control::request("reload"), code) && common.json) std::puts("{}");
    return code;
  };
}

}  // namespace amtgate::cli
