// Shard: one worker's share of the gateway: its listeners, the connections that came through them, its counters.
// Everything in here happens on one loop; other threads come in by Loop::post.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "amtgate/auth/random.h"
#include "amtgate/auth/users.h"
#include "amtgate/base/inet.h"
#include "amtgate/control/commands.h"
#include "amtgate/device/dialer.h"
#include "amtgate/gateway/counters.h"
#include "amtgate/gateway/directory.h"
#include "amtgate/gateway/image_holders.h"
#include "amtgate/gateway/layouts.h"
#include "amtgate/gateway/recordings.h"
#include "amtgate/gateway/target_problem.h"
#include "amtgate/gateway/web_seats.h"
#include "amtgate/http/challenger.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/relay.h"
#include "amtgate/session/screen_viewer.h"
#include "amtgate/sys/log.h"
#include "amtgate/tls/context.h"

namespace amtgate::gateway {

class Flow;
class ScreenHost;
class SerialHost;
class Shard;

/// What new connections go by. Replaced as a whole by a reload or a name that resolves anew.
struct Policy {
  std::shared_ptr<const Directory> directory;
  std::shared_ptr<const auth::UsersFile> users;  // null: there is no such file
};

/// What all shards share. Outlives them.
struct Shared {
  explicit Shared(device::DialerOptions dialer_options)
      : dialer(std::move(dialer_options)), challenger(random, Clock::now()) {}

  auth::SystemRandom random;
  device::Dialer dialer;
  std::optional<tls::Context> server_tls;  // the gateway's own certificate
  /// The same for viewers: without session tickets, at which TigerVNC 1.12 stalls when they come with the next
  /// record.
  std::optional<tls::Context> viewer_tls;
  std::uint32_t own_mark = 0;
  Port listener_port;       // of the transparent listener: nobody may aim at it
  bool transparent = true;  // foreign source addresses can be used
  std::atomic<std::uint64_t> next_id{1};
  Layouts layouts;
  std::unique_ptr<Recordings> recordings;  // set before the shards run, and gone behind them
  http::Challenger challenger;             // of clients of the web ports
  ImageHolders image_holders;
  /// Every shard, before the first of them listens. A machine's screen lives on the shard that its name falls to.
  std::vector<Shard*> shards;
  Shard& home(const std::string& screen) const { return *shards[std::hash<std::string>{}(screen) % shards.size()]; }

  std::shared_ptr<const Policy> policy() const {
    const std::lock_guard lock(mutex_);
    return policy_;
  }
  void set_policy(std::shared_ptr<const Policy> p) {
    const std::lock_guard lock(mutex_);
    policy_ = std::move(p);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> policy_;
};

/// A script at the control socket that wants to look at a machine's screen.
struct ScriptViewer {
  sys::UniqueFd connection;
  std::shared_ptr<const config::Target> target;
  IpAddress address;   // what clients of this machine aim at
  std::string who;     // "control (uid 0)"
  std::string user{};  // an account with a role of its own
  session::Hands hands = session::Hands::On;
};

/// A program at a machine's serial console: through a door of `sol_listen`, or a script at the control socket.
struct SerialCaller {
  sys::UniqueFd connection{};
  std::shared_ptr<const config::Target> target{};
  Endpoint client{};     // of TCP; port 0 for others, which were let in already
  IpAddress address{};   // what clients of this machine aim at, for a script
  std::string who{};     // "10.0.0.5:51332", "pty:/run/amtgate/tty/pc1", "control (uid 0)"
  std::string user{};    // an account with a role of its own
  std::string method{};  // "tcp", "telnet", "pty", "control"
};

class Shard {
 public:
  Shard(net::Loop& loop, Shared& shared);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// On the loop's thread, as all below.
  void listen(sys::UniqueFd listener, net::Destination destination);
  void stop_listening();
  std::vector<control::SessionInfo> sessions() const;
  /// Of the serial consoles that live here.
  std::vector<TargetProblem> problems() const;
  /// False when there is no such session here.
  bool end(control::SessionId id, const Error& why);
  void end_all(const Error& why);
  /// The keyboard of a shared screen goes to this viewer. Errors: BadValue; empty when there is no such session here.
  std::optional<Result<void>> give(control::SessionId id);
  /// The screen of that key, if it is looked at: SharedScreen::park(). Gives how many viewers it has.
  std::size_t park(const std::string& key, const std::string& what, Duration lease);
  void unpark(const std::string& key);
  /// What is still open: flows, and the sessions that the gateway holds itself.
  std::size_t flows() const;
  /// The serial consoles of the configuration that live here are made, changed and ended as it says now.
  void apply_serial();
  void stop_serial();

  /// From any thread.
  const Counters& counters() const { return counters_; }
  /// Takes a connection over from another shard.
  void adopt(control::SessionId id, net::Accepted accepted);
  /// On the loop's thread of Shared::home() of its screen.
  void adopt(control::SessionId id, ScriptViewer viewer);
  void adopt(control::SessionId id, SerialCaller caller);

  // For the flows.
  net::Loop& loop() { return loop_; }
  net::RelayPool& pool() { return pool_; }
  Shared& shared() { return shared_; }
  Counters& mutable_counters() { return counters_; }
  auth::RandomSource& random() { return random_; }
  /// True while refusals stay below what is worth answering in words.
  bool may_refuse_in_words() { return refusals_.take(loop_.now()); }
  WebSeats& web_seats() { return web_seats_; }
  /// `flow` has ended; it dies at the end of this turn.
  void finished(Flow& flow);
  /// The screen of a machine, made if nobody looks at it yet.
  ScreenHost& screen(const std::string& key, std::shared_ptr<const config::Target> target,
                     const IpAddress& destination);
  /// Its last viewer has gone; it dies at the end of this turn.
  void screen_done(ScreenHost& screen);
  /// The serial console of a machine: the one that all share, or one that is `id`'s alone.
  SerialHost& serial(control::SessionId id, std::shared_ptr<const config::Target> target,
                     const IpAddress& destination);
  void serial_done(SerialHost& serial);

 private:
  void accepted(net::Accepted accepted);
  std::vector<SerialHost*> serials_at(const std::string& key) const;
  Shard* home_of(const net::Accepted& accepted);
  template <class Connection>
  void begin(control::SessionId id, Connection connection);

  net::Loop& loop_;
  Shared& shared_;
  net::RelayPool pool_;
  auth::SystemRandom random_;
  Counters counters_;
  WebSeats web_seats_;
  log::TokenBucket refusals_{50, 200};
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unordered_map<std::string, std::unique_ptr<ScreenHost>> screens_;
  std::unordered_map<std::string, std::unique_ptr<SerialHost>> serials_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Flow>> flows_;
};

}  // namespace amtgate::gateway
