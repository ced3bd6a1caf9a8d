#include "amtgate/sim/connection.h"

#include <limits>
#include <random>
#include <utility>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"
#include "amtgate/base/writer.h"
#include "amtgate/redir/framing.h"
#include "amtgate/sim/features.h"

namespace amtgate::sim {
namespace {

redir::ServerRole::Options role_options(const MachineState& machine) {
  const Options& o = machine.options();
  redir::ServerRole::Options out;
  out.methods.clear();
  for (const std::uint8_t m : o.profile.methods) out.methods.push_back(static_cast<redir::AuthMethod>(m));
  out.policy = redir::Verify{&machine.redirection_users()};
  out.realm = machine.realm();
  out.qop = o.profile.qop;
  out.failure_style = o.login_failure;
  out.max_failures = o.login_tries;
  out.strict_uri = true;
  out.strict_nc = o.profile.strict_nonce_count;
  out.step_timeout = std::chrono::duration_cast<milliseconds>(o.session_timeout);
  return out;
}

Slot slot_of(Service service) {
  switch (service) {
    case Service::Sol: return Slot::Sol;
    case Service::Ider: return Slot::Ider;
    default: return Slot::Kvm;
  }
}

}  // namespace

Connection::Connection(MachineState& machine, Door door, TimePoint now)
    : machine_(machine), door_(door), boot_(machine.boots()), units_(machine.options().shape), now_(now) {
  ++machine_.counters().connections;
  if (door_ != Door::Rfb) {
    role_.emplace(role_options(machine_), machine_.random(), now);
    enter(Stage::Start);
    return;
  }
  enter(Stage::Open);
  wanted_ = Service::Vnc;
  std::optional<MachineState::Lease> lease = machine_.take(Slot::Kvm, now);
  if (lease) lease_ = std::move(*lease);
  feature_ = make_rfb_door(*this, static_cast<bool>(lease_), now);
  feature_->produce(now);
}

Connection::~Connection() {
  if (feature_ && !ended_) feature_->ended(now_);
}

std::string_view Connection::kind() const {
  return wanted_ ? name(slot_of(*wanted_)) : "";
}

// --- what goes out -----------------------------------------------------------------------------------------

void Connection::enter(Stage stage) {
  stage_ = stage;
  stage_sent_ = 0;
  fault_ = machine_.faults().take(stage);
}

void Connection::send(Bytes message) {
  if (ended_ || stalled_ || message.empty()) return;
  Buffer glued;
  if (!glue_.empty()) {
    glued = std::exchange(glue_, {});
    append(glued, message);
    message = glued;
  }
  if (fault_ && fault_->kind == FaultKind::Unknown && stage_sent_ >= fault_->after) {
    const Fault fault = *std::exchange(fault_, std::nullopt);
    Buffer unknown;
    Writer(unknown).u8(fault.message).zeros(8).u8(0x06);  // as 0x29 tells of loopback and power: ten bytes
    log(JsonLine("fault").add("fault", to_string(fault)));
    units_.push(unknown, rest_behind(unknown));
  } else if (fault_ && fault_->kind != FaultKind::Unknown && stage_sent_ + message.size() > fault_->after) {
    units_.push(message.first(static_cast<std::size_t>(fault_->after - stage_sent_)));
    strike(*std::exchange(fault_, std::nullopt));
    return;
  }
  stage_sent_ += message.size();
  units_.push(message, rest_behind(message));
}

Duration Connection::rest_behind(Bytes message) const {
  const bool framed = wanted_ != Service::Vnc && stage_ >= Stage::Open;
  const bool rest = framed && door_ == Door::Plain && redir::discards_rest(message.front());
  return rest ? machine_.options().gap : Duration{};
}

void Connection::strike(const Fault& fault) {
  log(JsonLine("fault").add("fault", to_string(fault)));
  switch (fault.kind) {
    case FaultKind::Close: end(false, "fault " + to_string(fault)); return;
    case FaultKind::Reset: end(true, "fault " + to_string(fault)); return;
    case FaultKind::Garbage: {
      Buffer garbage(kGarbageBytes);
      std::minstd_rand random(static_cast<unsigned>(machine_.counters().connections));
      for (std::uint8_t& b : garbage) b = static_cast<std::uint8_t>(random() >> 8);
      units_.push(garbage);
      break;
    }
    case FaultKind::Stall:
    case FaultKind::Unknown:
    case FaultKind::Refuse: break;
  }
  stalled_ = true;
}

void Connection::opened() {
  ++machine_.counters().opened;
  machine_.management().opt_in().used();
  in_log_ = true;
  machine_.management().session(kind(), true, user_, now_);
  log(JsonLine("open").add("kind", kind()));
  enter(Stage::Stream);
}

void Connection::log(const JsonLine& line) {
  events_.push_back(Log{line.fields()});
}

void Connection::close(std::string reason) {
  end(false, std::move(reason));
}

void Connection::reboot() {
  log(JsonLine("reboot"));
  machine_.reboot(now_);
  events_.push_back(Reboot{});
  end(false, "reboot");
}

void Connection::set_mode(Size size) {
  log(JsonLine("mode").add("width", size.width).add("height", size.height));
  machine_.screen().set_mode({size.width, size.height});
  events_.push_back(ModeChanged{});
}

void Connection::end(bool reset, std::string reason) {
  if (ended_) return;
  ended_ = true;
  if (feature_) feature_->ended(now_);  // now, so that its last words are still logged
  lease_.release(now_);
  if (in_log_) machine_.management().session(kind(), false, user_, now_);
  events_.push_back(Close{reset, std::move(reason)});
}

std::size_t Connection::queued() const {
  // Nothing more goes out: nobody may try to fill the queue up to a mark that it cannot reach.
  return ended_ || stalled_ ? std::numeric_limits<std::size_t>::max() : units_.size();
}

Bytes Connection::output() const {
  return units_.output();
}

void Connection::sent(std::size_t n) {
  units_.sent(n);
}

void Connection::produce(TimePoint now) {
  now_ = now;
  if (feature_ && !ended_ && !stalled_ && units_.size() < kHighMark) feature_->produce(now);
}

bool Connection::stalled() const {
  return stalled_ && units_.empty();
}

bool Connection::wants_input() const {
  if (ended_ || stalled_ || units_.size() > 4 * kHighMark) return false;
  return !feature_ || feature_->wants_input();
}

// --- what comes in -----------------------------------------------------------------------------------------

Result<void> Connection::receive(Bytes in, TimePoint now) {
  now_ = now;
  if (ended_ || stalled_) return {};
  if (feature_) {
    to_feature(in, now);
    return {};
  }
  if (!role_) return {};
  const Result<void> took = role_->receive(in, now);
  pump_role(now);
  if (!took) end(false, took.error().detail);
  return {};
}

void Connection::to_feature(Bytes in, TimePoint now) {
  // In IDE-R every message of ours is answered, so an answer shows that the client has read it alone.
  if (wanted_ == Service::Ider) units_.end_gap();
  const Result<void> took = feature_->receive(in, now);
  if (!took) return end(false, took.error().detail);
  produce(now);
}

void Connection::flush_role() {
  while (!role_->output().empty()) {
    const Bytes message = role_->output();
    send(message);
    role_->sent(message.size());
  }
}

void Connection::pump_role(TimePoint now) {
  while (!ended_ && !stalled_) {
    const std::optional<redir::ServerRole::Event> event = role_->next_event();
    if (!event) break;
    std::visit([&](const auto& e) { on(e, now); }, *event);
    if (!role_) return;  // handed off
  }
  flush_role();
}

void Connection::on(const redir::ServerRole::Start& start, TimePoint now) {
  wanted_ = start.service;
  using enum redir::StartStatus;
  redir::StartStatus status = Success;
  if (!start.service) {
    status = UnknownType;
  } else if (machine_.lacks(slot_of(*start.service))) {
    status = Unsupported;
  } else if ((*start.service == Service::Ider && machine_.management().needs_consent()) ||
             (*start.service == Service::Vnc && machine_.refuses_kvm())) {
    status = ConsentRequired;
  } else if (std::optional<MachineState::Lease> lease = machine_.take(slot_of(*start.service), now)) {
    lease_ = std::move(*lease);
  } else {
    status = Busy;
  }
  log(JsonLine("start")
          .add("tag", std::string_view(start.message.tag.data(), start.message.tag.size()))
          .add("status", static_cast<unsigned>(status)));
  if (status != Success) {
    role_->reject(status);
    flush_role();
    if (!stalled_) end(false, "refused: " + redir::describe(status));
    return;
  }
  const Result<void> accepted = role_->accept(now);
  // The reply belongs to this stage; answers to what the client sent ahead come by later events.
  const Bytes reply = role_->output();
  send(reply);
  role_->sent(reply.size());
  if (!stalled_ && !ended_) enter(Stage::Auth);
  if (!accepted) end(false, accepted.error().detail);
}

void Connection::on(const redir::ServerRole::Authenticated& event, TimePoint) {
  ++machine_.counters().logins;
  user_ = event.user;
  log(JsonLine("auth").add("ok", true).add("user", event.user).add("method", static_cast<unsigned>(event.method)));
  flush_role();
  if (!stalled_ && !ended_) enter(Stage::Open);
}

void Connection::on(const redir::ServerRole::AuthFailed& event, TimePoint) {
  ++machine_.counters().failed_logins;
  machine_.management().login_failed(event.user, now_);
  log(JsonLine("auth").add("ok", false).add("user", event.user).add("reason", event.reason));
  flush_role();
  if (event.final && !stalled_) end(false, "authentication failed: " + event.reason);
}

void Connection::on(const redir::ServerRole::OpenRequested&, TimePoint) {
  role_->confirm_open();
  // AMT's greeting follows in the same segment [seen on hardware by kvm-pilot].
  glue_.assign(role_->output().begin(), role_->output().end());
  role_->sent(glue_.size());
}

void Connection::on(const redir::ServerRole::HandOff&, TimePoint now) {
  flush_role();
  const Buffer rest = role_->take_rest();
  role_.reset();
  if (ended_ || stalled_) return;
  start_feature(now);
  if (!rest.empty() && !ended_ && !stalled_) to_feature(rest, now);
}

void Connection::on(const redir::ServerRole::Ended&, TimePoint) {
  end(false, "client ended the session");
}

void Connection::start_feature(TimePoint now) {
  switch (slot_of(*wanted_)) {
    case Slot::Sol: feature_ = make_sol(*this, now); break;
    case Slot::Ider: feature_ = make_ider(*this, now); break;
    case Slot::Kvm: {
      const std::optional<std::uint64_t> raw = machine_.options().kvm_stream;
      feature_ = raw ? make_raw_stream(*this, *raw) : make_kvm(*this, now);
      break;
    }
  }
  feature_->produce(now);
  if (!glue_.empty()) send(std::exchange(glue_, {}));  // a feature that waits for its client
}

void Connection::closed(TimePoint now) {
  now_ = now;
  end(false, "client closed");
}

std::optional<Connection::Event> Connection::next_event() {
  return take_front(events_);
}

std::optional<TimePoint> Connection::deadline() const {
  std::optional<TimePoint> out = units_.deadline();
  if (ended_ || stalled_) return out;
  if (role_) out = earliest({out, role_->deadline()});
  if (feature_) out = earliest({out, feature_->deadline()});
  return out;
}

Result<void> Connection::tick(TimePoint now) {
  now_ = now;
  units_.tick(now);
  if (ended_ || stalled_) return {};
  if (machine_.boots() != boot_) {
    end(false, "reboot");
    return {};
  }
  if (door_ != Door::Rfb && !machine_.management().listener_on()) {
    end(false, "the listener is off");
    return {};
  }
  if (role_) {
    const Result<void> r = role_->tick(now);
    pump_role(now);
    if (!r) end(false, r.error().detail);
  } else if (feature_) {
    const Result<void> r = feature_->tick(now);
    if (!r) end(false, r.error().detail);
  }
  produce(now);
  return {};
}

}  // namespace amtgate::sim
