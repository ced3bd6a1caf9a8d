// Connection: the machine's side of one accepted connection on a redirection port or on 5900, as a Machine.
//
// On a redirection port redir::ServerRole takes start and authentication, and the feature that was asked for stands
// behind it. output() is never more than one message: write it, call sent(), and with TLS it is one record.
// Faults of the plan strike here from stage Start on; those of Connect and Tls are the edge's.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "amtgate/base/machine.h"
#include "amtgate/redir/server_role.h"
#include "amtgate/sim/feature.h"
#include "amtgate/sim/machine_side.h"
#include "amtgate/sim/machine_state.h"
#include "amtgate/sim/unit_queue.h"

namespace amtgate::sim {

class Connection final : public MachineSide, private FeatureHost {
 public:
  /// `machine` must outlive this.
  Connection(MachineState& machine, Door door, TimePoint now);
  ~Connection() override;

  /// Never an error: what goes wrong is a Close event.
  Result<void> receive(Bytes in, TimePoint now) override;
  std::optional<Event> next_event() override;
  Bytes output() const override;
  void sent(std::size_t n) override;
  std::optional<TimePoint> deadline() const override;
  Result<void> tick(TimePoint now) override;

  void produce(TimePoint now) override;
  bool wants_input() const override;
  bool stalled() const override;
  void closed(TimePoint now) override;
  std::string_view kind() const override;

 private:
  void send(Bytes message) override;
  std::size_t queued() const override;
  void opened() override;
  void log(const JsonLine& line) override;
  void close(std::string reason) override;
  void reboot() override;
  void set_mode(Size size) override;
  MachineState& machine() override { return machine_; }

  void enter(Stage stage);
  Duration rest_behind(Bytes message) const;
  void strike(const Fault& fault);
  void pump_role(TimePoint now);
  void on(const redir::ServerRole::Start& start, TimePoint now);
  void on(const redir::ServerRole::Authenticated& event, TimePoint now);
  void on(const redir::ServerRole::AuthFailed& event, TimePoint now);
  void on(const redir::ServerRole::OpenRequested& event, TimePoint now);
  void on(const redir::ServerRole::HandOff& event, TimePoint now);
  void on(const redir::ServerRole::Ended& event, TimePoint now);
  void flush_role();
  void to_feature(Bytes in, TimePoint now);
  void start_feature(TimePoint now);
  void end(bool reset, std::string reason);

  MachineState& machine_;
  Door door_;
  unsigned boot_;
  std::optional<redir::ServerRole> role_;
  std::optional<Service> wanted_;
  MachineState::Lease lease_;
  std::unique_ptr<Feature> feature_;
  UnitQueue units_;
  std::deque<Event> events_;
  TimePoint now_;

  Stage stage_ = Stage::Start;
  std::optional<Fault> fault_;
  std::uint64_t stage_sent_ = 0;
  Buffer glue_;  // the first message behind an OpenRequested goes out together with it
  std::string user_;
  bool in_log_ = false;  // the machine's log tells of this session's begin
  bool stalled_ = false;
  bool ended_ = false;
};

static_assert(Machine<Connection>);

}  // namespace amtgate::sim
