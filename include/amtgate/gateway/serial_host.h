// SerialHost: the edge around a session::SharedSerial: the link to the device, the timer, the log file, the doors of
// `sol_listen`, and the flows that use it. One for a machine that has `sol_listen` or `sol_log`, for as long as the
// configuration says so; else one for each client that has a session of its own. All of its users are on the shard
// that it lives on.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "amtgate/config/config.h"
#include "amtgate/control/commands.h"
#include "amtgate/device/link.h"
#include "amtgate/gateway/serial_door.h"
#include "amtgate/gateway/serial_recorder.h"
#include "amtgate/gateway/target_problem.h"
#include "amtgate/net/loop.h"
#include "amtgate/session/line_stamps.h"
#include "amtgate/session/shared_serial.h"

namespace amtgate::gateway {

class Shard;

class SerialHost {
 public:
  /// More users at once are not let in.
  static constexpr std::size_t kMostUsers = 32;

  /// A user's flow. Called from pump() and from the loop, never from inside the other calls.
  class Client {
   public:
    virtual ~Client() = default;
    /// There may be output, or takes() is true again.
    virtual void serial_output() = 0;
    /// It is over; what is left of output() may be flushed. Calls detach().
    virtual void serial_ended(const session::SharedSerial::UserEnded& end) = 0;
  };
  /// Empty: the machine is there, or its users are let in to its absence.
  using OnReady = std::function<void(const std::optional<session::DeviceFailure>&)>;

  /// `destination`: what the first user aimed at, for machines whose AMT is at the address itself. `shared`: of the
  /// configuration's, and looked up there at each try.
  SerialHost(Shard& shard, std::string key, std::shared_ptr<const config::Target> target, IpAddress destination,
             bool shared);
  ~SerialHost();
  SerialHost(const SerialHost&) = delete;
  SerialHost& operator=(const SerialHost&) = delete;

  /// A shared one's: the configuration was read (again). Doors, log and ring follow; the log's file is opened anew.
  /// Null: it is not shared any more; its users are ended, and it goes when they have gone.
  void configure(std::shared_ptr<const config::Target> target);
  /// The gateway stops: doors close, and the session ends in order.
  void stop();
  /// The session has been opened already. Before anything else.
  void adopt(device::Opened opened);

  /// `on_ready` comes once, from the loop, unless cancel() comes first.
  void wait(session::UserId id, OnReady on_ready);
  void cancel(session::UserId id);
  void attach(Client& client, session::UserId id, std::unique_ptr<session::SerialUser> user, const Onlooker& who);
  void detach(session::UserId id);
  /// False: it must not be read from now; serial_output() comes when that has changed.
  bool takes(session::UserId id);
  void receive(session::UserId id, Bytes in);
  Bytes output(session::UserId id) const { return serial_.user_output(id); }
  void sent(session::UserId id, std::size_t n);
  void end(session::UserId id, const Error& why);
  Result<void> give(session::UserId id);
  /// Gives how many users it has.
  std::size_t park(const std::string& what, Duration lease);
  void unpark();
  /// Carries out what has become due. After every receive(), sent(), end().
  void pump();

  const std::string& key() const { return key_; }
  control::SessionId id() const { return id_; }
  bool shared() const { return shared_; }
  const config::Target& target() const { return *target_; }
  /// "pc1|10.99.0.10": the machine, as parking names it.
  std::string machine() const;
  bool full() const { return clients_.size() >= kMostUsers; }
  bool types(session::UserId id) const { return serial_.writer() == id; }
  /// Something of it is still open.
  bool busy() const { return link_.busy(); }
  /// Its own entry in the list of sessions: the gateway's, where it holds one.
  std::optional<control::SessionInfo> info() const;
  /// What of `sol_listen` and `sol_log` does not work.
  std::vector<TargetProblem> problems() const;
  Endpoint device() const { return link_.device(); }
  const std::string& tls() const { return link_.tls(); }
  const std::string& trust() const { return link_.trust(); }
  /// How far the last attempt to reach the device came.
  const std::string& stage() const { return link_.stage(); }

 private:
  void handle(const session::SharedSerial::NeedDevice& need);
  void handle(const session::SharedSerial::DropDevice& drop);
  void handle(const session::SharedSerial::Ready& ready);
  void handle(const session::SharedSerial::NotReady& not_ready);
  void handle(const session::SharedSerial::UserEnded& ended);
  void handle(const session::SharedSerial::WriterChanged& writer);
  void handle(const session::SharedSerial::DeviceLost& lost);
  void handle(const session::SharedSerial::DeviceBack& back);
  void answer(const std::optional<session::DeviceFailure>& failure);
  void handle_events();
  void write_log();
  void write_file(Bytes said);
  void open_doors();
  void soon();
  void called(config::SerialDoor at, sys::UniqueFd connection, const Endpoint& client);
  session::SerialOptions options() const;

  Shard& shard_;
  const std::string key_;
  std::shared_ptr<const config::Target> target_;
  IpAddress destination_;
  const bool shared_;
  bool gone_ = false;  // from the configuration, or the gateway stops
  const control::SessionId id_;
  const control::WallTime since_;
  session::SharedSerial serial_;
  device::Link<session::SharedSerial, SerialHost> link_;
  std::map<session::UserId, Client*> clients_;
  std::map<session::UserId, OnReady> waiting_;
  std::set<session::UserId> held_;  // were told that they are not taken from
  std::vector<std::pair<config::SerialDoor, std::unique_ptr<SerialDoor>>> doors_;
  std::optional<device::Opened> given_;       // opened already
  std::unique_ptr<SerialRecorder> recorder_;  // while there are users and `record` has sol
  sys::UniqueFd log_;
  std::string log_path_;
  TimePoint log_retry_{};
  std::string log_problem_;
  session::LineStamps stamps_;
  net::Timer timer_;
  std::optional<TimePoint> armed_;  // when timer_ comes
  bool pumping_ = false;
  bool again_ = false;
};

}  // namespace amtgate::gateway
