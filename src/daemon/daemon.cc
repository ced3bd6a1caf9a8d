#include "amtgate/daemon/daemon.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>

#include "amtgate/config/load.h"
#include "amtgate/control/metrics.h"
#include "amtgate/control/protocol.h"
#include "amtgate/daemon/access.h"
#include "amtgate/daemon/answer_server.h"
#include "amtgate/daemon/arguments.h"
#include "amtgate/daemon/commander.h"
#include "amtgate/daemon/config_reader.h"
#include "amtgate/gateway/account_commands.h"
#include "amtgate/gateway/certificate.h"
#include "amtgate/gateway/gateway.h"
#include "amtgate/gateway/preflight.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/loop.h"
#include "amtgate/sys/act_as.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/limits.h"
#include "amtgate/sys/log.h"
#include "amtgate/sys/notify.h"
#include "amtgate/sys/privileges.h"

namespace amtgate::daemon {
namespace {

constexpr milliseconds kPatience{7000};  // for sessions to end; the whole stop takes less than 10 s
constexpr unsigned kLastResort_s = 9;
constexpr std::uint64_t kOpenFiles = 262144;  // two sockets and two pipes for each of 65536 sessions
constexpr std::size_t kMaxHttpHead = 8192;    // what browsers send, cookies and all

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::Error: return log::Level::Error;
    case config::LogLevel::Warn: return log::Level::Warn;
    case config::LogLevel::Info: return log::Level::Info;
    case config::LogLevel::Debug: return log::Level::Debug;
  }
  return log::Level::Info;
}

/// load(), and what only the users of its parts can judge.
config::Parsed judged(config::Parsed parsed) {
  if (!parsed.config) return parsed;
  parsed.mistakes = gateway::preflight(*parsed.config);
  if (!parsed.mistakes.empty()) parsed.config.reset();
  return parsed;
}

void print(const config::Parsed& parsed) {
  for (const config::Mistake& m : parsed.mistakes) std::fprintf(stderr, "%s\n", m.to_string().c_str());
  for (config::Mistake m : parsed.warnings) {
    m.text = "warning: " + m.text;
    std::fprintf(stderr, "%s\n", m.to_string().c_str());
  }
}

int check(const std::string& file) {
  const config::Parsed parsed = judged(config::load(file));
  print(parsed);
  return parsed ? 0 : 1;
}

void block_signals(int how) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGHUP, SIGTERM, SIGINT}) ::sigaddset(&set, number);
  ::sigprocmask(how, &set, nullptr);
}

/// The daemon from its configuration to its end. Each step is one function; the order is that of run().
class Daemon {
 public:
  explicit Daemon(std::string file) : file_(std::move(file)) {}

  int run() {
    if (!read_config()) return 1;
    struct Step {
      const char* name;
      Result<void> (Daemon::*go)();
    };
    // The control socket before the gateway: it says best that another daemon is running.
    constexpr Step kSteps[] = {
        {"account", &Daemon::find_account},
        {"reader", &Daemon::start_reader},
        {"state", &Daemon::open_state},
        {"control", &Daemon::open_control},
        {"gateway", &Daemon::open_gateway},
        {"metrics", &Daemon::open_metrics},
        {"terminals", &Daemon::make_terminal_folders},
        {"privileges", &Daemon::drop_rights},
        {"workers", &Daemon::start_gateway},
    };
    for (const Step& step : kSteps) {
      const Result<void> done = (this->*step.go)();
      if (done) continue;
      log::error("start.failed", {{"step", step.name}, {"why", done.error().detail}});
      return 1;
    }
    serve();
    return 0;
  }

 private:
  // --- start-up ---

  bool read_config() {
    config::Parsed parsed = judged(config::load(file_));
    print(parsed);
    if (!parsed) {
      log::error("start.failed", {{"step", "config"}, {"file", file_}, {"mistakes", parsed.mistakes.size()}});
      return false;
    }
    config_ = std::make_shared<const config::Config>(std::move(*parsed.config));
    log::set_level(level_of(config_->gateway.log_level));
    return true;
  }

  Result<void> find_account() {
    if (::geteuid() != 0) {
      account_ = {config_->gateway.user, ::geteuid(), ::getegid()};
      // Whoever started us has chosen the account; only another one than the configuration's is worth a word.
      const Result<sys::Account> named = sys::find_account(config_->gateway.user);
      if (!named || named->uid != ::geteuid())
        log::warn("start.other_account", {{"uid", ::geteuid()}, {"user", config_->gateway.user}});
      return {};
    }
    Result<sys::Account> account = sys::find_account(config_->gateway.user);
    if (!account) return account.error();
    account_ = std::move(*account);
    return {};
  }

  Result<void> start_reader() {
    Result<std::unique_ptr<ConfigReader>> reader = ConfigReader::start(file_, account_);
    if (!reader) return reader.error();
    reader_ = std::move(*reader);
    return {};
  }

  /// The state folder belongs to the daemon's account, and what is made in it is made as that account.
  Result<void> open_state() {
    const std::string& state = config_->gateway.state;
    if (const Result<void> own = own_folder(state, 0750, account_); !own) return own;
    const sys::ActAs as_account(account_.uid, account_.gid);
    if (::faccessat(AT_FDCWD, state.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
      const int code = errno;
      const std::string advice = code == EACCES ? " (chown " + account_.name + " " + state + ")" : "";
      const std::string why =
          "the state folder " + state + " cannot be used by " + account_.name + ": " + std::strerror(code) + advice;
      if (config_->gateway.cert_text.empty()) return Error{Errc::System, why};
      log::warn("start.state", {{"why", why}});
    }
    Result<gateway::Options> options = gateway::certificate(config_->gateway);
    if (!options) return options.error();
    options_ = std::move(*options);
    return {};
  }

  Result<void> open_gateway() {
    const std::uint64_t files = sys::raise_open_files(kOpenFiles);
    log::debug("start.open_files", {{"limit", files}});
    Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
    if (!loop) return loop.error();
    loop_ = std::move(*loop);
    Result<std::unique_ptr<gateway::Gateway>> opened = gateway::Gateway::open(config_, std::move(options_));
    if (!opened) return opened.error();
    gateway_ = std::move(*opened);
    return {};
  }

  Result<void> open_control() {
    const std::string& path = config_->gateway.control;
    // Root's folder, so that nobody else can put another socket in the place of this one.
    const std::string folder = std::filesystem::path(path).parent_path();
    if (const Result<void> made = sys::make_directories(folder, 0755); !made) return made;
    // With roles for accounts everybody may connect, and is asked who he is (may_command).
    Result<sys::UniqueFd> fd = net::open_unix_listener(path, config_->gateway.control_users ? 0666 : 0660);
    if (!fd) return fd.error();
    if (::geteuid() == 0 && ::chown(path.c_str(), 0, account_.gid) != 0) {
      return Error{Errc::System,
                   "cannot give " + path + " to the group of " + account_.name + ": " + std::strerror(errno)};
    }
    control_fd_ = std::move(*fd);
    return {};
  }

  /// The page is worth a warning and not the gateway: without it everything else still works.
  Result<void> open_metrics() {
    if (!config_->gateway.metrics) return {};
    net::ListenOptions options;
    options.at = *config_->gateway.metrics;
    options.backlog = 16;
    Result<sys::UniqueFd> fd = net::open_listener(options);
    if (fd) {
      metrics_fd_ = std::move(*fd);
    } else {
      log::warn("metrics.off", {{"why", fd.error().detail}});
      problems_.push_back("metrics: " + fd.error().detail + "; there is no page until the daemon starts again");
    }
    return {};
  }

  /// cap_net_admin stays: marks on the daemon's own sockets, transparent sockets for those it opens later, verdicts.
  /// And, where it is there, cap_net_bind_service: the answer to a presence ping comes from port 623.
  Result<void> drop_rights() {
    std::vector<sys::Capability> keep = {sys::Capability::NetAdmin};
    if (sys::has_effective(sys::Capability::NetBindService)) keep.push_back(sys::Capability::NetBindService);
    if (const Result<void> dropped = sys::drop_privileges(account_, keep); !dropped) return dropped;
    if (const Result<void> done = sys::no_new_privileges(); !done) return done;
    return sys::disable_core_dumps();
  }

  /// The links of pseudo-terminals are made as the daemon's account, so their folders have to be that account's.
  Result<void> make_terminal_folders() {
    for (const config::Target& target : config_->targets) {
      for (const config::SerialDoor& door : target.sol_listen) {
        const std::string folder = std::filesystem::path(door.path).parent_path();
        if (folder.empty() || sys::exists(folder)) continue;
        if (const Result<void> own = own_folder(folder, 0755, account_); !own) return own;
      }
    }
    return {};
  }

  Result<void> start_gateway() { return gateway_->start(); }

  // --- the loop ---

  void serve() {
    Commander commander(*gateway_, file_, problems_, [this] { return reload(); });
    const net::Signal hup(*loop_, SIGHUP, [&] { (void)commander.reload(); });
    const net::Signal term(*loop_, SIGTERM, [this] { loop_->stop(); });
    const net::Signal interrupt(*loop_, SIGINT, [this] { loop_->stop(); });
    block_signals(SIG_UNBLOCK);

    AnswerOptions control;
    control.end = "\n";
    control.max_request = control::kMaxRequest;
    control.max_passed = control::kMaxPassed;
    control.admit = [this](int fd) { return may_command(fd); };
    std::optional<AnswerServer> control_server(std::in_place, *loop_, std::move(control_fd_), control,
                                               [&](std::string_view request, const AnswerServer::Asking& asking) {
                                                 return answer(commander, request, asking);
                                               });
    std::optional<AnswerServer> metrics_server;
    if (metrics_fd_) {
      AnswerOptions page;
      page.end = "\r\n\r\n";
      page.max_request = kMaxHttpHead;
      metrics_server.emplace(
          *loop_, std::move(metrics_fd_), page, [&](std::string_view head, const AnswerServer::Asking&) {
            return control::http_answer(head, [&] { return control::render(commander.metrics()); });
          });
    }
    const std::optional<Duration> beat = sys::watchdog_interval();
    net::Timer watchdog(*loop_, [&] {
      sys::notify_watchdog();
      watchdog.arm(*beat);
    });
    if (beat) watchdog.arm(*beat);

    log::info("start.ready", {{"version", AMTGATE_VERSION}, {"targets", config_->targets.size()}, {"config", file_}});
    sys::notify_ready(summary());
    loop_->run();
    stop(control_server, metrics_server);
  }

  AnswerServer::Reply answer(Commander& commander, std::string_view request, const AnswerServer::Asking& asking) {
    const Result<net::Credentials> peer = net::peer_credentials(asking.fd);
    if (!peer) return std::string();
    gateway::Script script{"control (uid " + std::to_string(peer->uid) + ")", std::nullopt, false};
    if (!is_operator(peer->uid, peer->gid, account_)) {
      script.rights = rights_of(peer->uid);
      if (!script.rights) return std::string();  // they have just been taken away
    }
    if (const std::optional<control::ViewerRequest> viewer = control::viewer_request(request)) {
      script.types = viewer->types;
      script.serial = viewer->serial;
      Result<gateway::Gateway::TakeViewer> take = gateway_->viewer(viewer->target, script);
      if (take) return std::move(*take);
      if (take.error().code == Errc::Refused && script.rights) control_refused(*peer, take.error().detail);
      return control::viewer_refused(take.error());
    }
    if (!script.rights) return control::answer(commander, request, asking.passed);
    gateway::AccountCommands own(commander, *script.rights,
                                 [&](const std::string& why) { control_refused(*peer, why); });
    return control::answer(own, request, asking.passed);
  }

  std::optional<gateway::AccountRights> rights_of(uid_t uid) const {
    if (!config_->gateway.control_users) return std::nullopt;
    const std::string name = account_name(uid);
    return name.empty() ? std::nullopt : gateway_->rights(name);
  }

  static void control_refused(const net::Credentials& who, const std::string& why) {
    static log::RateLimit limit;
    log::warn(limit, "control.refused", {{"uid", who.uid}, {"pid", who.pid}, {"why", why}});
  }

  bool may_command(int fd) const {
    const Result<net::Credentials> who = net::peer_credentials(fd);
    if (who && (is_operator(who->uid, who->gid, account_) || rights_of(who->uid))) return true;
    if (who) control_refused(*who, "the account may not use the control socket");
    return false;
  }

  std::vector<std::string> reload() {
    sys::notify_reloading();
    config::Parsed parsed = judged(reader_->load());
    std::vector<std::string> mistakes;
    for (const config::Mistake& m : parsed.warnings) log::warn("config.warning", {{"what", m.to_string()}});
    if (parsed) {
      adopt(std::make_shared<const config::Config>(std::move(*parsed.config)));
    } else {
      for (const config::Mistake& m : parsed.mistakes) {
        mistakes.push_back(m.to_string());
        log::error("config.mistake", {{"what", mistakes.back()}});
      }
      log::error("config.refused", {{"file", file_}, {"mistakes", mistakes.size()}});
    }
    sys::notify_ready(summary());
    return mistakes;
  }

  void adopt(std::shared_ptr<const config::Config> next) {
    std::vector<std::string> notes = gateway_->reload(next);
    const config::Gateway& was = config_->gateway;
    const config::Gateway& now = next->gateway;
    const std::pair<const char*, bool> fixed[] = {{"user", was.user != now.user},
                                                  {"control", was.control != now.control},
                                                  {"control_users", was.control_users != now.control_users},
                                                  {"state", was.state != now.state},
                                                  {"metrics", was.metrics != now.metrics},
                                                  {"cert", was.cert_text != now.cert_text},
                                                  {"key", was.key_text != now.key_text}};
    for (const auto& [key, changed] : fixed) {
      if (changed)
        notes.push_back(std::string("[gateway] ") + key +
                        " changes with a restart only; the old value stays in force");
    }
    for (const std::string& note : notes) log::warn("config.note", {{"what", note}});
    // Kept as they are in force, so that the next reload says it again.
    auto merged = std::make_shared<config::Config>(*next);
    merged->gateway.user = was.user;
    merged->gateway.control = was.control;
    merged->gateway.control_users = was.control_users;
    merged->gateway.state = was.state;
    merged->gateway.metrics = was.metrics;
    merged->gateway.cert_text = was.cert_text;
    merged->gateway.key_text = was.key_text;
    config_ = std::move(merged);
    log::set_level(level_of(config_->gateway.log_level));
    log::info("config.loaded", {{"file", file_}, {"targets", config_->targets.size()}});
  }

  std::string summary() const { return std::to_string(config_->targets.size()) + " targets"; }

  void stop(std::optional<AnswerServer>& control_server, std::optional<AnswerServer>& metrics_server) {
    sys::notify_stopping();
    log::info("stop.begin", {{"sessions", gateway_->sessions().size()}});
    // Whatever hangs, the supervisor gets its answer: nothing of worth is lost with the process now.
    struct sigaction last = {};
    last.sa_handler = [](int) { ::_exit(1); };
    ::sigaction(SIGALRM, &last, nullptr);
    ::alarm(kLastResort_s);
    control_server.reset();
    metrics_server.reset();
    ::unlink(config_->gateway.control.c_str());  // may fail, where the folder is root's: the next start replaces it
    gateway_->drain(kPatience);
    log::info("stop.done");
  }

  std::string file_;
  std::shared_ptr<const config::Config> config_;
  sys::Account account_;
  std::unique_ptr<ConfigReader> reader_;
  gateway::Options options_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<gateway::Gateway> gateway_;
  sys::UniqueFd control_fd_;
  sys::UniqueFd metrics_fd_;
  std::vector<std::string> problems_;  // of the start, for the status
};

}  // namespace

int run(int argc, char** argv) {
  const Result<Arguments> arguments = parse_arguments(argc, argv);
  if (!arguments) {
    std::fprintf(stderr, "amtgated: %s; try amtgated --help\n", arguments.error().detail.c_str());
    return 2;
  }
  switch (arguments->what) {
    case Arguments::Do::Help: std::fputs(usage().c_str(), stdout); return 0;
    case Arguments::Do::Version: std::puts("amtgated " AMTGATE_VERSION); return 0;
    case Arguments::Do::Check: return check(arguments->config);
    case Arguments::Do::Serve: break;
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  block_signals(SIG_BLOCK);  // until the loop listens to them
  try {
    return Daemon(arguments->config).run();
  } catch (const std::exception& e) {
    log::error("start.failed", {{"why", e.what()}});
    return 1;
  }
}

}  // namespace amtgate::daemon
