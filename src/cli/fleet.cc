#include "amtgate/cli/fleet.h"

#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "amtgate/cli/exit.h"
#include "amtgate/cli/own_mark.h"
#include "amtgate/cli/terminal.h"
#include "amtgate/config/load.h"
#include "amtgate/config/machine.h"
#include "amtgate/device/web_client.h"
#include "amtgate/net/name_lookup.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/log.h"

namespace amtgate::cli {
namespace {

struct Member {
  std::shared_ptr<const config::Target> target;
  std::string name;
  config::Host at;  // where its AMT is
  config::Host pc;  // what clients aim at
};

struct Fleet {
  std::vector<Member> members;
  std::string state;
  std::uint32_t mark = 0;
};

/// With `amt =` all addresses of a target are one machine.
bool same_machine(const config::Target& target, const config::Host& one, const config::Host& other) {
  return target.amt || one == other;
}

Result<Fleet> from_configuration(const Common& common, const FleetOptions& o) {
  config::Parsed parsed = config::load(common.config);
  if (!parsed) {
    const std::string why = parsed.mistakes.empty() ? common.config : parsed.mistakes[0].to_string();
    return Error{Errc::System, "the configuration cannot be used (" + why + "); mend it, or try as root"};
  }
  const auto config = std::make_shared<const config::Config>(std::move(*parsed.config));
  Fleet fleet;
  fleet.state = config->gateway.state;
  fleet.mark = own_mark(*config);
  const auto add = [&](const config::Machine& m, const std::string& name) {
    // Two tasks at once would be in each other's way.
    const auto there = [&](const Member& x) {
      return x.target.get() == m.target && same_machine(*m.target, x.pc, m.aim);
    };
    if (std::ranges::any_of(fleet.members, there)) return;
    fleet.members.push_back({{config, m.target}, name, m.target->amt ? *m.target->amt : m.aim, m.aim});
  };
  for (const std::string& name : o.targets) {
    const Result<config::Machine> machine = config::find_machine(*config, name);
    if (!machine) return machine.error();
    add(*machine, name);
  }
  std::string left_out;
  for (const config::Target& t : config->targets) {
    const bool tagged = std::ranges::any_of(
        o.tags, [&](const std::string& tag) { return std::ranges::find(t.tags, tag) != t.tags.end(); });
    if (!o.all && !tagged) continue;
    // Which machines are in a network is not known here.
    if (const Result<config::Machine> machine = config::find_machine(*config, t.name)) {
      add(*machine, t.name);
    } else {
      left_out += (left_out.empty() ? "" : ", ") + t.name;
    }
  }
  if (!left_out.empty()) {
    std::fprintf(stderr,
                 "amtgate: left out, as they have more than one address: %s; name their machines by address\n",
                 left_out.c_str());
  }
  for (const std::string& tag : o.tags) {
    const auto has = [&](const config::Target& t) { return std::ranges::find(t.tags, tag) != t.tags.end(); };
    if (std::ranges::none_of(config->targets, has))
      return Error{Errc::BadValue, "no target has the tag '" + tag + "'; `tags` in the configuration gives it"};
  }
  if (fleet.members.empty() && !left_out.empty()) return Error{Errc::BadValue, "no machine is left"};
  if (fleet.members.empty() && o.all) return Error{Errc::BadValue, "the configuration has no target"};
  if (fleet.members.empty()) return Error{Errc::BadValue, "no machine is meant; name targets, or --all, --tag or -h"};
  return fleet;
}

Result<Fleet> from_host(const Common& common, const FleetOptions& o) {
  auto target = std::make_shared<config::Target>(o.login.target);
  target->name = o.host;
  if (!o.user.empty()) target->username = o.user;
  if (target->password.empty()) {
    const std::string prompt = "Password of " + target->username + " at " + o.host + ": ";
    const Result<std::string> given =
        on_terminal() ? ask_secret(prompt) : Result<std::string>(Error{Errc::Closed, "no terminal"});
    if (!given) {
      return Error{Errc::BadValue, o.host + ": no password; set AMT_PASSWORD, or name a file with --password-file"};
    }
    target->password = config::Secret(*given);
  }
  Fleet fleet;
  fleet.state = o.login.state.empty() ? default_state() : o.login.state;
  if (target->tls != config::TlsMode::No) {
    if (const Result<void> made = sys::make_directories(fleet.state, 0700); !made) return made.error();
  }
  fleet.mark = own_mark(common);
  fleet.members.push_back({target, o.host, config::Host(o.host), config::Host(o.host)});
  return fleet;
}

Result<Fleet> find_fleet(const Common& common, const FleetOptions& o) {
  if (o.host.empty()) return from_configuration(common, o);
  if (!o.targets.empty() || o.all || !o.tags.empty()) {
    return Error{Errc::BadValue, "-h, and targets of the configuration; one of them is meant"};
  }
  return from_host(common, o);
}

/// "12 of 1000 machines, 1 failed", on a terminal only, and only where one would wait.
class Progress {
 public:
  explicit Progress(std::size_t all) : all_(all), shown_(all > 1 && ::isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_ && drawn_) std::fputs("\r\033[K", stderr);
  }
  void one_done(bool failed) {
    const std::lock_guard lock(mutex_);
    ++done_;
    if (failed) ++failed_;
    const TimePoint now = sys::now();
    if (!shown_ || (drawn_ && now - drawn_at_ < milliseconds(100))) return;
    drawn_ = true;
    drawn_at_ = now;
    draw_line(std::to_string(done_) + " of " + std::to_string(all_) + " machines, " + std::to_string(failed_) +
              " failed");
  }

 private:
  const std::size_t all_;
  const bool shown_;
  std::mutex mutex_;
  std::size_t done_ = 0, failed_ = 0;
  bool drawn_ = false;
  TimePoint drawn_at_;
};

/// A connection is a descriptor.
void allow_descriptors(rlim_t n) {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= n) return;
  now.rlim_cur = std::min(n, now.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &now);
}

std::vector<Result<Row>> work(const Fleet& fleet, const FleetOptions& o, const SiteTask& task) {
  std::vector<Result<Row>> outcomes(fleet.members.size(), Error{Errc::System, "not tried"});
  const unsigned workers =
      static_cast<unsigned>(std::min<std::size_t>(std::max(1U, o.at_once), fleet.members.size()));
  allow_descriptors(workers * 2 + 64);
  device::WebClient client(
      {.state = fleet.state, .mark = fleet.mark, .connect_deadline = o.connect_deadline, .deadline = o.deadline});
  Progress progress(fleet.members.size());
  std::atomic<std::size_t> next{0};
  const auto serve = [&] {
    for (std::size_t i = next++; i < fleet.members.size(); i = next++) {
      const Member& m = fleet.members[i];
      const Result<IpAddress> address = address_of(m.at);
      if (!address) {
        outcomes[i] = Error{address.error().code, m.name + ": " + address.error().detail};
      } else {
        const bool alone = fleet.members.size() == 1;
        outcomes[i] = task({m.name, m.target, *address, Port{o.port}, fleet.state, fleet.mark, client, alone, m.pc});
      }
      progress.one_done(!outcomes[i]);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < workers; ++i) threads.emplace_back(serve);
  serve();
  for (std::thread& t : threads) t.join();
  return outcomes;
}

}  // namespace

Result<IpAddress> address_of(const config::Host& host) {
  if (const auto* network = std::get_if<Network>(&host)) return network->address;
  const std::string& name = std::get<std::string>(host);
  if (const Result<IpAddress> literal = IpAddress::parse(name)) return *literal;
  const Result<std::vector<IpAddress>> found = net::resolve_now(name);
  if (!found) return found.error();
  if (found->empty()) return Error{Errc::Unreachable, name + ": no address"};
  return found->front();
}

std::shared_ptr<FleetOptions> add_fleet_options(CLI::App& app) {
  auto o = std::make_shared<FleetOptions>();
  app.set_help_flag("--help", "this help");
  app.add_option("TARGET", o->targets, "machines of the configuration, by name or address");
  app.add_flag("--all", o->all, "every target that is one machine");
  app.add_option("--tag", o->tags, "targets with this word in `tags`")->option_text("WORD");
  app.add_option("-h,--host", o->host, "a machine that no configuration describes")
      ->option_text("HOST")
      ->transform(plain_host);
  app.add_option("-u", o->user, "who logs in there (admin)")->option_text("NAME");
  app.add_option("-P,--port", o->port, "its port (16993, 664, 16992 or 623, which answers)")->option_text("PORT");
  app.add_option("--at-once", o->at_once, "machines at the same time (64)")
      ->option_text("N")
      ->check(CLI::Range(1U, 1024U));
  for (const MachineOption& m : machine_options()) {
    const std::string name(m.name);
    const auto set = [o, set = m.set, name](const std::string& value) {
      const Result<void> done = set(o->login, value);
      if (!done) throw CLI::ValidationError(name, done.error().detail);
    };
    if (m.value.empty()) {
      app.add_flag_callback(
          name, [set] { set(""); }, std::string(m.help));
    } else {
      app.add_option_function<std::string>(name, set, std::string(m.help))->option_text(std::string(m.value));
    }
  }
  return o;
}

Result<std::vector<std::string>> fleet_names(const Common& common, const FleetOptions& o) {
  const Result<Fleet> fleet = find_fleet(common, o);
  if (!fleet) return fleet.error();
  std::vector<std::string> names;
  for (const Member& m : fleet->members) names.push_back(m.name);
  return names;
}

Result<std::vector<Outcome>> ask_sites(const Common& common, const FleetOptions& o, const SiteTask& task) {
  log::set_level(log::Level::Warn);
  const Result<Fleet> fleet = find_fleet(common, o);
  if (!fleet) return fleet.error();
  std::vector<Result<Row>> rows = work(*fleet, o, task);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < rows.size(); ++i) outcomes.push_back({fleet->members[i].name, std::move(rows[i])});
  return outcomes;
}

namespace {

/// One connection for the whole of a task.
SiteTask with_connection(const Task& task) {
  return [&task](const Site& site) {
    const auto machine = site.client.machine(site.target, site.address, site.port);
    return task(*machine);
  };
}

}  // namespace

Result<std::vector<Outcome>> ask_fleet(const Common& common, const FleetOptions& o, const Task& task) {
  return ask_sites(common, o, with_connection(task));
}

int run_fleet(const Common& common, const FleetOptions& o, std::vector<std::string> heading, const Task& task) {
  return run_sites(common, o, std::move(heading), with_connection(task));
}

int run_sites(const Common& common, const FleetOptions& o, std::vector<std::string> heading, const SiteTask& task) {
  const Result<std::vector<Outcome>> outcomes = ask_sites(common, o, task);
  if (!outcomes) return fail(outcomes.error().code == Errc::BadValue ? kUsage : kSaidNo, outcomes.error().detail);

  std::optional<Exit> code;
  heading.insert(heading.begin(), "TARGET");
  std::vector<std::vector<std::string>> rows = {heading};
  nlohmann::json list = nlohmann::json::array();
  for (const Outcome& outcome : *outcomes) {
    const std::string& name = outcome.target;
    const Result<Row>& row = outcome.row;
    nlohmann::json object = {{"target", name}};
    if (row) {
      const auto line = [&](std::vector<std::string> cells) {
        cells.insert(cells.begin(), name);
        rows.push_back(std::move(cells));
      };
      if (!row->cells.empty()) line(row->cells);
      for (const std::vector<std::string>& cells : row->more) line(cells);
      if (row->json) object.update(*row->json);
    } else {
      const Error& e = row.error();
      const std::string line = e.detail.starts_with(name) ? e.detail : name + ": " + e.detail;
      object["error"] = line;
      fail(kSaidNo, line);
      code = !code || *code == exit_code(e.code) ? exit_code(e.code) : kSaidNo;
    }
    list.push_back(std::move(object));
  }
  if (common.json) {
    std::puts(list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else if (rows.size() > 1 && heading.size() > 1) {
    std::fputs(table(rows).c_str(), stdout);
  }
  return code.value_or(kDone);
}

}  // namespace amtgate::cli
