// status, sessions, end, reload: what the running daemon is asked.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>

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
      {"ID", "TARGET", "SERVICE", "CLIENT", "USER", "DEVICE", "TLS", "STATE", "ROLE", "AGE", "RX", "TX"}};
  for (const control::SessionInfo& s : sessions) {
    rows.push_back({std::to_string(s.id.value), s.target, s.service, s.client, s.user, s.device, s.tls, s.state,
                    s.role, human_duration(seconds_since(s.started)), human_bytes(s.rx_bytes),
                    human_bytes(s.tx_bytes)});
  }
  std::fputs(table(rows).c_str(), stdout);
}

/// An ID as people write it.
std::optional<control::SessionId> session_id(const std::string& text) {
  std::uint64_t id = 0;
  const char* last = text.data() + text.size();
  const auto [end, ec] = std::from_chars(text.data(), last, id);
  if (ec != std::errc{} || end != last) return std::nullopt;
  return control::SessionId{id};
}

/// A command that is done to one session.
int with_session(const Common& common, const std::string& text, std::string (*request)(control::SessionId)) {
  const std::optional<control::SessionId> id = session_id(text);
  if (!id) return fail(kUsage, "'" + text + "' is not a session's number");
  int code = kDone;
  if (ask_or_fail(common, request(*id), code) && common.json) std::puts("{}");
  return code;
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

Run sessions_command(CLI::App& app, const Common& common) {
  const auto id = std::make_shared<std::string>();
  CLI::App* give = app.add_subcommand("give", "give a viewer the keyboard of the screen that it looks at");
  give->add_option("ID", *id, "the viewer's number in `amtgate sessions`")->required();
  give->fallthrough();
  return [&common, give, id] {
    if (give->parsed()) return with_session(common, *id, control::request_give);
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
  return [&common, text] { return with_session(common, *text, control::request_end); };
}

Run reload_command(CLI::App&, const Common& common) {
  return [&common] {
    int code = kDone;
    if (ask_or_fail(common, control::request("reload"), code) && common.json) std::puts("{}");
    return code;
  };
}

}  // namespace amtgate::cli
