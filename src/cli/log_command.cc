// log, audit: what machines noticed, and who did what to them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "amtgate/cli/care_commands.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/fleet.h"
#include "amtgate/sys/clock.h"
#include "amtgate/wsman/audit_log.h"
#include "amtgate/wsman/event_log.h"

namespace amtgate::cli {
namespace {

std::int64_t wall() {
  return std::chrono::duration_cast<std::chrono::seconds>(sys::wall_now().time_since_epoch()).count();
}

/// "2026-01-31T12:00:00Z"; empty for a time that nobody knew.
std::string time_word(std::int64_t t) {
  if (t <= 0) return "";
  const std::time_t whole = static_cast<std::time_t>(t);
  std::tm utc{};
  ::gmtime_r(&whole, &utc);
  char text[32];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text, n};
}

/// "30m", "12h", "7d", "2026-01-31", "2026-01-31T12:00:00Z": to Unix seconds.
Result<std::int64_t> parse_since(const std::string& text) {
  const Error wrong{Errc::BadValue, "--since '" + text + "' (30m, 12h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z, UTC)"};
  std::int64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec == std::errc{} && end + 1 == text.data() + text.size() && n >= 0 && n < 1'000'000) {
    const std::int64_t unit = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 0;
    if (unit == 0) return wrong;
    return wall() - n * unit;
  }
  for (const char* format : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"}) {
    std::tm utc{};
    const char* rest = ::strptime(text.c_str(), format, &utc);
    if (rest != nullptr && *rest == '\0') return static_cast<std::int64_t>(::timegm(&utc));
  }
  return wrong;
}

struct Options {
  std::string since;
  std::int64_t from = 0;
  bool clear = false;
};

void add_since(CLI::App& app, Options& o) {
  app.add_option("--since", o.since, "only what is younger: 12h, 7d, 2026-01-31")->option_text("TIME");
}
Result<void> read_since(Options& o) {
  if (o.since.empty()) return {};
  const Result<std::int64_t> from = parse_since(o.since);
  if (!from) return from.error();
  o.from = *from;
  return {};
}

Row row(const wsman::EventLog& log, std::int64_t from) {
  Row out;
  nlohmann::json list = nlohmann::json::array();
  // The oldest first, as people read logs.
  for (auto e = log.events.rbegin(); e != log.events.rend(); ++e) {
    if (e->time < from) continue;
    out.more.push_back({time_word(e->time), e->severity_name(), e->entity_name(), e->sentence()});
    list.push_back({{"time", time_word(e->time)},
                    {"severity", e->severity_name()},
                    {"entity", e->entity_name()},
                    {"event", e->sentence()},
                    {"sensor_type", e->sensor_type},
                    {"offset", e->offset}});
  }
  out.json =
      std::make_shared<nlohmann::json>(nlohmann::json{{"events", std::move(list)}, {"unreadable", log.unreadable}});
  return out;
}

Row row(const wsman::AuditLog& log, std::int64_t from) {
  Row out;
  nlohmann::json list = nlohmann::json::array();
  for (const wsman::AuditRecord& r : log.records) {
    if (r.time < from) continue;
    out.more.push_back({time_word(r.time), r.who, r.place, r.application_name(), r.sentence()});
    list.push_back({{"time", time_word(r.time)},
                    {"who", r.who},
                    {"place", r.place},
                    {"application", r.application_name()},
                    {"event", r.sentence()},
                    {"application_number", r.application},
                    {"event_number", r.event}});
  }
  out.json =
      std::make_shared<nlohmann::json>(nlohmann::json{{"records", std::move(list)}, {"unreadable", log.unreadable}});
  return out;
}

}  // namespace

Run log_command(CLI::App& app, const Common& common) {
  const auto o = std::make_shared<Options>();
  const auto fleet = add_fleet_options(app);
  add_since(app, *o);
  app.add_flag("--clear", o->clear, "and empty it when it has been read");
  return [&common, o, fleet] {
    if (const Result<void> read = read_since(*o); !read) return fail(kUsage, read.error().detail);
    return run_fleet(common, *fleet, {"TIME", "SEVERITY", "ENTITY", "EVENT"},
                     [o](wsman::Caller& machine) -> Result<Row> {
                       const Result<wsman::EventLog> log = wsman::read_event_log(machine);
                       if (!log) return log.error();
                       if (o->clear) {
                         const Result<void> cleared = wsman::clear_event_log(machine);
                         if (!cleared) return cleared.error();
                       }
                       return row(*log, o->from);
                     });
  };
}

Run audit_command(CLI::App& app, const Common& common) {
  const auto o = std::make_shared<Options>();
  const auto fleet = add_fleet_options(app);
  add_since(app, *o);
  return [&common, o, fleet] {
    if (const Result<void> read = read_since(*o); !read) return fail(kUsage, read.error().detail);
    return run_fleet(common, *fleet, {"TIME", "WHO", "FROM", "PART", "EVENT"},
                     [o](wsman::Caller& machine) -> Result<Row> {
                       const Result<wsman::AuditLog> log = wsman::read_audit_log(machine);
                       if (!log) return log.error();
                       return row(*log, o->from);
                     });
  };
}

}  // namespace amtgate::cli
