#include "amtgate/gateway/gateway.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "amtgate/gateway/images.h"
#include "amtgate/gateway/listeners.h"
#include "amtgate/gateway/metrics.h"
#include "amtgate/gateway/rmcp_relay.h"
#include "amtgate/gateway/screen_key.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/gateway/target_status.h"
#include "amtgate/intercept/queue.h"
#include "amtgate/net/resolve.h"
#include "amtgate/net/worker.h"

namespace amtgate::gateway {
namespace {

constexpr milliseconds kDrainStep{20};

Result<std::shared_ptr<const auth::UsersFile>> read_users(const config::Config& config) {
  if (config.gateway.users_text.empty()) return std::shared_ptr<const auth::UsersFile>();
  Result<auth::UsersFile> users = auth::UsersFile::parse(config.gateway.users_text.reveal(), config.gateway.users);
  if (!users) return users.error();
  return std::shared_ptr<const auth::UsersFile>(std::make_shared<auth::UsersFile>(std::move(*users)));
}

class TheGateway final : public Gateway {
 public:
  TheGateway(std::shared_ptr<const config::Config> config, device::DialerOptions dialer)
      : config_(std::move(config)), shared_(std::move(dialer)), images_(shared_, config_->gateway.state) {
    shared_.recordings = std::make_unique<Recordings>(config_->gateway.state + "/recordings");
  }

  ~TheGateway() override { stop(); }

  Result<void> open(const Options& options) {
    tls::ServerPolicy policy;
    policy.cert_pem = options.cert_pem;
    policy.key_pem = options.key_pem;
    Result<tls::Context> context = tls::Context::server(policy);
    if (!context) return Error{context.error().code, "the gateway's certificate: " + context.error().detail};
    shared_.server_tls = std::move(*context);
    policy.tickets = false;
    context = tls::Context::server(policy);
    if (!context) return Error{context.error().code, "the gateway's certificate: " + context.error().detail};
    shared_.viewer_tls = std::move(*context);
    shared_.own_mark = config_->intercept.mark + 1;
    shared_.listener_port = config_->intercept.port;
    shared_.transparent = config_->intercept.mode == config::InterceptMode::Tproxy;
    Result<std::shared_ptr<const auth::UsersFile>> users = read_users(*config_);
    if (!users) return users.error();
    users_ = std::move(*users);
    publish({});

    const unsigned workers =
        config_->gateway.workers != 0 ? config_->gateway.workers : std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < workers; ++i) {
      Result<Listeners> listening = open_listeners(config_->intercept);
      if (!listening) return listening.error();
      listening_.push_back(std::move(*listening));
    }
    Result<std::vector<sys::UniqueFd>> catchers = open_catchers(config_->intercept);
    if (!catchers) return catchers.error();
    catchers_ = std::move(*catchers);
    if (uses_queue()) {
      Result<std::unique_ptr<intercept::Queue>> queue =
          intercept::Queue::open({config_->intercept.queue, config_->intercept.mark});
      if (!queue) return queue.error();
      queue_ = std::move(*queue);
      queue_->set_classifier(shared_.policy()->directory->classifier());
    }
    return {};
  }

  Result<void> start() override {
    const net::Destination destination = shared_.transparent ? net::Destination::Socket : net::Destination::NatTable;
    // The first packets wait for their verdict, so the queue's thread carries nothing else but the names.
    Result<std::unique_ptr<net::Worker>> watch = net::Worker::start("amtgate-watch");
    if (!watch) return watch.error();
    watch_ = std::move(*watch);
    watch_->run_there([this] {
      resolver_.emplace(watch_->loop(), net::ResolverOptions{},
                        [this](const std::string& name, const std::vector<IpAddress>& addresses) {
                          names_[name] = addresses;
                          // Answers come in flocks, and the whole table is made anew.
                          if (std::exchange(names_changed_, true)) return;
                          watch_->loop().defer([this] {
                            names_changed_ = false;
                            publish(names_);
                          });
                        });
      resolver_->set_names(Directory::names(*current()));
      if (queue_) queue_->start(watch_->loop());
    });
    for (std::size_t i = 0; i < listening_.size(); ++i) {
      Result<std::unique_ptr<net::Worker>> worker = net::Worker::start("amtgate-" + std::to_string(i));
      if (!worker) return worker.error();
      auto lane = std::make_unique<Lane>();
      lane->worker = std::move(*worker);
      Lane& l = *lane;
      lanes_.push_back(std::move(lane));
      l.worker->run_there([&] { l.shard = std::make_unique<Shard>(l.worker->loop(), shared_); });
      shared_.shards.push_back(l.shard.get());
    }
    for (std::size_t i = 0; i < listening_.size(); ++i) {
      Lane& l = *lanes_[i];
      l.worker->run_there([&] {
        l.shard->listen(std::move(listening_[i].v4), destination);
        if (listening_[i].v6) l.shard->listen(std::move(listening_[i].v6), destination);
      });
    }
    listening_.clear();
    apply_serial();
    if (!catchers_.empty()) {
      Lane& first = *lanes_.front();
      first.worker->run_there(
          [&] { rmcp_ = std::make_unique<RmcpRelay>(first.worker->loop(), shared_, std::move(catchers_)); });
    }
    images_.apply(*config_);
    shared_.recordings->keep(recording_limits());
    return {};
  }

  std::vector<std::string> reload(std::shared_ptr<const config::Config> config) override {
    std::vector<std::string> notes = needs_restart(*config_, *config);
    Result<std::shared_ptr<const auth::UsersFile>> users = read_users(*config);
    if (users) {
      const std::lock_guard lock(publishing_);
      users_ = std::move(*users);
    } else {
      notes.push_back(users.error().detail + "; the users before stay");
    }
    // What only a restart can change keeps its old value everywhere, so that rules, sockets and tables agree.
    auto merged = std::make_shared<config::Config>(*config);
    merged->intercept.mode = config_->intercept.mode;
    merged->intercept.classify = config_->intercept.classify;
    merged->intercept.port = config_->intercept.port;
    merged->intercept.queue = config_->intercept.queue;
    merged->intercept.mark = config_->intercept.mark;
    merged->intercept.table = config_->intercept.table;
    merged->gateway.workers = config_->gateway.workers;
    {
      const std::lock_guard lock(publishing_);
      config_ = std::move(merged);
    }
    shared_.dialer.forget();
    watch_->run_there([this] {
      resolver_->set_names(Directory::names(*current()));
      names_.clear();
      for (const std::string& name : Directory::names(*current())) {
        if (std::vector<IpAddress> known = resolver_->addresses(name); !known.empty())
          names_[name] = std::move(known);
      }
      publish(names_);
    });
    apply_serial();
    images_.apply(*config_);
    shared_.recordings->keep(recording_limits());
    return notes;
  }

  std::vector<control::SessionInfo> sessions() const override {
    std::vector<control::SessionInfo> out;
    for (const auto& lane : lanes_) {
      lane->worker->run_there([&] {
        const std::vector<control::SessionInfo> here = lane->shard->sessions();
        out.insert(out.end(), here.begin(), here.end());
      });
    }
    const std::vector<control::SessionInfo> own = images_.sessions();
    out.insert(out.end(), own.begin(), own.end());
    std::ranges::sort(out, {}, &control::SessionInfo::id);
    return out;
  }

  Result<void> end(control::SessionId id, const std::string& why) override {
    bool found = false;
    for (const auto& lane : lanes_) {
      lane->worker->run_there([&] { found = lane->shard->end(id, Error{Errc::Closed, why}); });
      if (found) return {};
    }
    for (const control::SessionInfo& own : images_.sessions()) {
      if (own.id != id) continue;
      return Error{Errc::Refused, "session " + std::to_string(id.value) +
                                      " is the gateway's own, which would come back: `amtgate images detach " +
                                      own.target + "` ends it"};
    }
    return Error{Errc::BadValue,
                 "there is no session " + std::to_string(id.value) + "; `amtgate sessions` lists them"};
  }

  Result<void> give(control::SessionId id) override {
    std::optional<Result<void>> given;
    for (const auto& lane : lanes_) {
      lane->worker->run_there([&] { given = lane->shard->give(id); });
      if (given) return *given;
    }
    return Error{Errc::BadValue,
                 "there is no session " + std::to_string(id.value) + "; `amtgate sessions` lists them"};
  }

  std::optional<AccountRights> rights(const std::string& user) const override {
    const std::shared_ptr<const Policy> policy = shared_.policy();
    const auth::UserEntry* entry = policy->users ? policy->users->find(user) : nullptr;
    if (entry == nullptr) return std::nullopt;
    return AccountRights{user, auth::role_everywhere(entry->grants), [policy, user](std::string_view name) {
                           const config::Target* target = policy->directory->config().find(name);
                           return target == nullptr ? std::nullopt
                                                    : policy->users->role_at(user, target->name, target->tags);
                         }};
  }

  Result<std::size_t> park(const std::string& name, const std::string& what, Duration lease) override {
    const Result<std::string> key = key_of(name);
    if (!key) return key.error();
    std::size_t viewers = 0;
    for (const auto& lane : lanes_) {  // one of them has it, if anybody looks at it
      lane->worker->run_there([&] { viewers += lane->shard->park(*key, what, lease); });
    }
    if (const auto machine = shared_.policy()->directory->find(name))
      images_.park(machine->target->name, what, lease);
    log::info("screen.parked", {{"target", name}, {"what", what}, {"viewers", viewers}});
    return viewers;
  }

  Result<void> unpark(const std::string& name) override {
    const Result<std::string> key = key_of(name);
    if (!key) return key.error();
    for (const auto& lane : lanes_) {
      lane->worker->run_there([&] { lane->shard->unpark(*key); });
    }
    if (const auto machine = shared_.policy()->directory->find(name)) images_.unpark(machine->target->name);
    log::info("screen.unparked", {{"target", name}});
    return {};
  }

  std::vector<control::ImageInfo> images() const override { return images_.list(); }
  Result<void> attach(const control::AttachRequest& request) override { return images_.attach(request); }
  Result<void> detach(const std::string& target) override { return images_.detach(target); }

  Result<TakeViewer> viewer(const std::string& name, const Script& script) override {
    const std::shared_ptr<const Directory> directory = shared_.policy()->directory;
    Result<Directory::Machine> machine = directory->find(name);
    if (!machine) return machine.error();
    if (script.serial) return terminal(*directory, *machine, script);
    if (!machine->target->serves(Service::Vnc)) {
      return Error{Errc::Refused, machine->target->name + ": `services` of this target does not name vnc"};
    }
    session::Hands hands = session::Hands::On;
    if (script.rights) {
      const std::string& target = machine->target->name;
      const std::optional<auth::Role> has = script.rights->at(target);
      const auth::Role needed = script.types ? auth::Role::Console : auth::Role::View;
      if (!auth::includes(has, needed)) {
        const char* what = script.types ? "keyboard and mouse" : "the screen";
        return Error{Errc::Refused, auth::why_not(script.rights->user, what, target, needed, has)};
      }
      if (!auth::includes(has, auth::Role::Console)) hands = session::Hands::Off;
    }
    const Result<std::string> key = screen_key(*directory, *machine->target, machine->address);
    if (!key) return key.error();
    Shard* home = &shared_.home(*key);
    const std::string user = script.rights ? script.rights->user : std::string();
    return TakeViewer([this, home, target = machine->target, address = machine->address, who = script.who, user,
                       hands](sys::UniqueFd connection) {
      const control::SessionId id{shared_.next_id.fetch_add(1, std::memory_order_relaxed)};
      const auto moving =
          std::make_shared<ScriptViewer>(ScriptViewer{std::move(connection), target, address, who, user, hands});
      home->loop().post([home, id, moving] { home->adopt(id, std::move(*moving)); });
    });
  }

  control::Status status() const override {
    control::Status out;
    out.workers = static_cast<unsigned>(lanes_.size());
    TargetNews now{sessions(), shared_.dialer.refused_logins(), images_.list(), {}};
    out.sessions = now.sessions.size();
    for (const auto& lane : lanes_) {
      lane->worker->run_there([&] {
        for (TargetProblem& problem : lane->shard->problems()) now.problems.push_back(std::move(problem));
      });
      const Counters& c = lane->shard->counters();
      for (const Counter& opened : c.opened) out.sessions_total += opened.value();
      for (const Counter& failed : c.failed) out.refused_total += failed.value();
      out.refused_total += c.denied.value();
    }
    const std::shared_ptr<const Policy> policy = shared_.policy();
    for (const config::Target& target : policy->directory->config().targets) {
      control::TargetStatus t = target_status(target, *policy->directory, now);
      if (!t.detail.empty()) out.problems.push_back(target.name + ": " + t.detail);
      for (const std::string& problem : t.problems) out.problems.push_back(target.name + ": " + problem);
      out.targets.push_back(std::move(t));
    }
    return out;
  }

  std::vector<control::Metric> metrics() const override {
    std::vector<const Counters*> workers;
    for (const auto& lane : lanes_) workers.push_back(&lane->shard->counters());
    std::vector<control::Metric> out;
    add_session_metrics(sessions(), workers, out);
    add_login_metrics(shared_.dialer, out);
    if (rmcp_) add_ping_metrics(rmcp_->counts(), out);
    images_.metrics(out);
    if (queue_) add_queue_metrics(queue_->stats(), out);
    return out;
  }

  void drain(std::chrono::milliseconds patience) override {
    const Error why{Errc::Closed, "the gateway is stopping"};
    for (const auto& lane : lanes_) {
      lane->worker->run_there([&] {
        lane->shard->stop_listening();
        lane->shard->end_all(why);
        lane->shard->stop_serial();
      });
    }
    images_.end_all();
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
      std::size_t left = images_.in_session();
      for (const auto& lane : lanes_) lane->worker->run_there([&] { left += lane->shard->flows(); });
      if (left == 0) break;
      std::this_thread::sleep_for(kDrainStep);
    }
    stop();
  }

 private:
  /// A script's way to a serial console.
  Result<TakeViewer> terminal(const Directory& directory, const Directory::Machine& machine, const Script& script) {
    const std::string& target = machine.target->name;
    if (!machine.target->serves(Service::Sol)) {
      return Error{Errc::Refused, target + ": `services` of this target does not name sol"};
    }
    if (script.rights) {
      const std::optional<auth::Role> has = script.rights->at(target);
      if (!auth::includes(has, auth::Role::Console)) {
        return Error{Errc::Refused,
                     auth::why_not(script.rights->user, "the serial console", target, auth::Role::Console, has)};
      }
    }
    const Result<std::string> screen = screen_key(directory, *machine.target, machine.address);
    if (!screen) return screen.error();
    Shard* home = &shared_.home(machine.target->shares_serial() ? serial_key(*machine.target) : *screen);
    SerialCaller caller;
    caller.target = machine.target;
    caller.address = machine.address;
    caller.who = script.who;
    if (script.rights) caller.user = script.rights->user;
    caller.method = "control";
    const auto moving = std::make_shared<SerialCaller>(std::move(caller));
    return TakeViewer([this, home, moving](sys::UniqueFd connection) {
      const control::SessionId id{shared_.next_id.fetch_add(1, std::memory_order_relaxed)};
      moving->connection = std::move(connection);
      home->loop().post([home, id, moving] { home->adopt(id, std::move(*moving)); });
    });
  }

  void apply_serial() {
    for (const auto& lane : lanes_) lane->worker->run_there([&] { lane->shard->apply_serial(); });
  }

  /// Of the screen of a target, by its name.
  Result<std::string> key_of(const std::string& name) const {
    const std::shared_ptr<const Directory> directory = shared_.policy()->directory;
    const Result<Directory::Machine> machine = directory->find(name);
    if (!machine) return machine.error();
    return screen_key(*directory, *machine->target, machine->address);
  }

  struct Lane {
    std::unique_ptr<net::Worker> worker;
    std::unique_ptr<Shard> shard;  // made and destroyed on the worker
  };

  bool uses_queue() const { return config_->intercept.classify == config::Classify::Queue; }

  std::shared_ptr<const config::Config> current() const {
    const std::lock_guard lock(publishing_);
    return config_;
  }

  RecordingLimits recording_limits() const {
    return {config_->gateway.record_limit, std::chrono::hours(24) * config_->gateway.record_days};
  }

  void publish(const Directory::Names& names) {
    const std::lock_guard lock(publishing_);
    auto policy = std::make_shared<Policy>();
    policy->directory = std::make_shared<Directory>(config_, names);
    policy->users = users_;
    if (queue_) queue_->set_classifier(policy->directory->classifier());
    shared_.set_policy(std::move(policy));
    images_.names_changed();
  }

  static std::vector<std::string> needs_restart(const config::Config& old, const config::Config& now) {
    std::vector<std::string> out;
    const auto note = [&](bool changed, const char* key) {
      if (changed) out.push_back(std::string(key) + " changes with a restart only; the old value stays in force");
    };
    note(old.intercept.mode != now.intercept.mode, "[intercept] mode");
    note(old.intercept.classify != now.intercept.classify, "[intercept] classify");
    note(old.intercept.port != now.intercept.port, "[intercept] port");
    note(old.intercept.queue != now.intercept.queue, "[intercept] queue");
    note(old.intercept.mark != now.intercept.mark, "[intercept] mark");
    note(old.intercept.table != now.intercept.table, "[intercept] table");
    note(old.gateway.workers != now.gateway.workers, "[gateway] workers");
    return out;
  }

  void stop() {
    // None may hand a connection to another that is gone already.
    for (const auto& lane : lanes_) {
      if (lane->shard) lane->worker->run_there([&] { lane->shard->stop_listening(); });
    }
    if (rmcp_) lanes_.front()->worker->run_there([this] { rmcp_.reset(); });
    for (const auto& lane : lanes_) {
      lane->worker->run_there([&] { lane->shard.reset(); });
      lane->worker->stop();
    }
    lanes_.clear();
    if (watch_) {
      watch_->run_there([this] {
        resolver_.reset();
        if (queue_) queue_->stop();
      });
      watch_->stop();
      watch_.reset();
    }
  }

  mutable std::mutex publishing_;  // config_, users_: the main thread reloads, the watch thread resolves
  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<const auth::UsersFile> users_;
  Shared shared_;
  std::vector<Listeners> listening_;     // until start()
  std::vector<sys::UniqueFd> catchers_;  // the same
  std::unique_ptr<RmcpRelay> rmcp_;      // on the first lane
  std::unique_ptr<intercept::Queue> queue_;
  std::unique_ptr<net::Worker> watch_;
  std::optional<net::Resolver> resolver_;  // on watch_
  Directory::Names names_;                 // on watch_
  bool names_changed_ = false;             // on watch_: publish() is under way
  std::vector<std::unique_ptr<Lane>> lanes_;
  Images images_;  // goes first: its sessions use the dialer
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::open(std::shared_ptr<const config::Config> config, Options options) {
  device::DialerOptions dialer;
  dialer.state = config->gateway.state;
  dialer.mark = config->intercept.mark + 1;
  auto gateway = std::make_unique<TheGateway>(std::move(config), std::move(dialer));
  if (const Result<void> opened = gateway->open(options); !opened) return opened.error();
  return std::unique_ptr<Gateway>(std::move(gateway));
}

}  // namespace amtgate::gateway
