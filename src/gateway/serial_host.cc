#include "amtgate/gateway/serial_host.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "amtgate/gateway/shard.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {
namespace {

static_assert(device::LinkOptions::kMostRead <= session::SharedSerial::kMostRead);
// For what AMT has not read yet when nobody needs it any more.
constexpr Duration kFinish = seconds(5);
// A log that could not be opened or written.
constexpr Duration kLogRetry = seconds(10);

log::RateLimit& log_limit() {
  static log::RateLimit limit(1, 10);
  return limit;
}

}  // namespace

SerialHost::SerialHost(Shard& shard, std::string key, std::shared_ptr<const config::Target> target,
                       IpAddress destination, bool shared)
    : shard_(shard),
      key_(std::move(key)),
      target_(std::move(target)),
      destination_(destination),
      shared_(shared),
      id_{shared ? shard.shared().next_id.fetch_add(1, std::memory_order_relaxed) : 0},
      since_(sys::wall_now()),
      serial_(options()),
      link_(shard.loop(), serial_, *this, target_->name, {.reads = device::LinkOptions::Reads::WhenReady}),
      timer_(shard.loop(), [this] {
        armed_.reset();
        pump();
      }) {}

SerialHost::~SerialHost() = default;

session::SerialOptions SerialHost::options() const {
  session::SerialOptions out;
  out.name = target_->name;
  out.reconnect = target_->reconnect;
  out.logs = target_->record_sol;
  out.logs_typed = target_->record_sol && target_->record_input;
  if (!shared_ || gone_) return out;
  out.always = target_->holds_serial();
  out.logs = out.logs || !target_->sol_log.empty();
  out.keep = target_->sol_listen.empty() ? 0 : static_cast<std::size_t>(target_->sol_buffer);
  return out;
}

void SerialHost::configure(std::shared_ptr<const config::Target> target) {
  const TimePoint now = shard_.loop().now();
  if (target == nullptr) {
    gone_ = true;
    doors_.clear();
    log_.reset();
    for (const auto& [id, client] : clients_) serial_.end_user(id, {Errc::Closed, "its configuration has gone"}, now);
  } else {
    gone_ = false;
    target_ = std::move(target);
    log_.reset();  // opened anew by the next byte: somebody may have moved it away
    log_retry_ = {};
    log_problem_.clear();
    open_doors();
  }
  serial_.configure(options(), now);
  soon();
}

void SerialHost::stop() {
  gone_ = true;
  doors_.clear();
  serial_.configure(options(), shard_.loop().now());
  pump();
}

void SerialHost::open_doors() {
  const auto wanted = [this](const auto& door) {
    return std::ranges::find(target_->sol_listen, door.first) != target_->sol_listen.end();
  };
  std::erase_if(doors_, [&](const auto& door) { return !wanted(door); });
  for (const config::SerialDoor& at : target_->sol_listen) {
    if (std::ranges::find(doors_, at, [](const auto& door) { return door.first; }) != doors_.end()) continue;
    doors_.emplace_back(at, SerialDoor::open(shard_.loop(), at, [this, at](sys::UniqueFd fd, const Endpoint& client) {
                          called(at, std::move(fd), client);
                        }));
  }
}

void SerialHost::called(config::SerialDoor at, sys::UniqueFd connection, const Endpoint& client) {
  SerialCaller caller{.connection = std::move(connection), .target = target_, .client = client};
  switch (at.kind) {
    case config::SerialDoor::Kind::Tcp: caller.method = "tcp"; break;
    case config::SerialDoor::Kind::Telnet: caller.method = "telnet"; break;
    case config::SerialDoor::Kind::Pty: caller.method = "pty"; break;
  }
  caller.who = at.kind == config::SerialDoor::Kind::Pty ? config::to_string(at) : client.to_string();
  shard_.adopt(control::SessionId{shard_.shared().next_id.fetch_add(1, std::memory_order_relaxed)},
               std::move(caller));
}

std::string SerialHost::machine() const {
  const IpAddress at = device().port.value != 0 || !shared_ ? device().address : destination_;
  return target_->name + "|" + at.to_string();
}

std::optional<control::SessionInfo> SerialHost::info() const {
  if (!shared_ || gone_ || !target_->holds_serial()) return std::nullopt;
  control::SessionInfo out;
  out.id = id_;
  out.target = target_->name;
  out.service = name(Service::Sol);
  out.client = target_->sol_log.empty() ? "sol_listen" : "sol_log";
  if (device().port.value != 0) out.device = device().to_string();
  out.tls = tls();
  out.state = serial_.state();
  out.role = "holds";
  out.started = since_;
  out.rx_bytes = serial_.rx_bytes();
  out.tx_bytes = serial_.tx_bytes();
  return out;
}

// --- users ------------------------------------------------------------------------------------------------

void SerialHost::wait(session::UserId id, OnReady on_ready) {
  waiting_[id] = std::move(on_ready);
  serial_.reserve(id);
  soon();
}

void SerialHost::cancel(session::UserId id) {
  waiting_.erase(id);
  serial_.release(id, shard_.loop().now());
  if (!pumping_) soon();
}

void SerialHost::attach(Client& client, session::UserId id, std::unique_ptr<session::SerialUser> user,
                        const Onlooker& who) {
  clients_[id] = &client;
  waiting_.erase(id);
  const TimePoint now = shard_.loop().now();
  if (target_->record_sol) {
    if (!recorder_) {
      (void)serial_.take_log();  // of before
      const sys::WallTime started = sys::wall_now();
      auto recording = shard_.shared().recordings->begin(target_->name, id.value, started, ".cast");
      log::info("recording.begin", {{"recording", recording->id()}, {"target", target_->name}, {"kind", "sol"}});
      recorder_ = std::make_unique<SerialRecorder>(std::move(recording), target_->name, device(), started, now);
    }
    recorder_->joined(id, who, now);
  }
  serial_.add_user(id, std::move(user), who.client, now);
}

void SerialHost::detach(session::UserId id) {
  if (clients_.erase(id) == 0) return;
  held_.erase(id);
  if (recorder_) {
    write_log();
    recorder_->left(id, shard_.loop().now());
    if (recorder_->users() == 0) recorder_.reset();
  }
  serial_.remove_user(id, shard_.loop().now());
  if (!pumping_) soon();
}

bool SerialHost::takes(session::UserId id) {
  if (serial_.takes(id)) return true;
  held_.insert(id);
  return false;
}

void SerialHost::receive(session::UserId id, Bytes in) {
  serial_.receive_user(id, in, shard_.loop().now());
}

void SerialHost::sent(session::UserId id, std::size_t n) {
  serial_.user_sent(id, n, shard_.loop().now());
}

void SerialHost::end(session::UserId id, const Error& why) {
  serial_.end_user(id, why, shard_.loop().now());
}

Result<void> SerialHost::give(session::UserId id) {
  Result<void> given = serial_.give(id, shard_.loop().now());
  pump();
  return given;
}

std::size_t SerialHost::park(const std::string& what, Duration lease) {
  const TimePoint now = shard_.loop().now();
  serial_.park(what, now + lease, now);
  pump();
  return clients_.size();
}

void SerialHost::unpark() {
  serial_.unpark(shard_.loop().now());
  pump();
}

// --- what moves -------------------------------------------------------------------------------------------

void SerialHost::pump() {
  if (pumping_) {
    again_ = true;
    return;
  }
  pumping_ = true;
  do {
    again_ = false;
    if (const auto due = serial_.deadline(); due && shard_.loop().now() >= *due) serial_.tick(shard_.loop().now());
    link_.read();
    handle_events();
    if (!waiting_.empty() && serial_.ready()) answer(std::nullopt);
    link_.write();
    std::vector<session::UserId> ids;
    for (const auto& [id, client] : clients_) {
      const bool resumes = !held_.empty() && serial_.takes(id) && held_.erase(id) > 0;
      if (resumes || !serial_.user_output(id).empty()) ids.push_back(id);
    }
    for (const session::UserId id : ids) {
      if (const auto found = clients_.find(id); found != clients_.end()) found->second->serial_output();
    }
    link_.write();
    handle_events();
    write_log();
    again_ = again_ || std::any_of(held_.begin(), held_.end(), [this](const auto& id) { return serial_.takes(id); });
  } while (again_);
  pumping_ = false;
  const bool idle = clients_.empty() && !serial_.reserved() && !busy();
  if (idle && (!shared_ || gone_)) {
    timer_.cancel();
    return shard_.serial_done(*this);
  }
  link_.want();
  const std::optional<TimePoint> due = serial_.deadline();
  if (due == armed_) return;  // as behind most bytes
  armed_ = due;
  if (due) {
    timer_.arm_at(*due);
  } else {
    timer_.cancel();
  }
}

/// pump() comes from the loop.
void SerialHost::soon() {
  armed_.reset();
  timer_.arm(Duration::zero());
}

void SerialHost::handle_events() {
  while (auto event = serial_.next_event()) {
    std::visit([this](const auto& e) { handle(e); }, *event);
  }
}

void SerialHost::write_log() {
  const Buffer said = serial_.take_log();
  const Buffer typed = serial_.take_typed();
  if (recorder_ && !typed.empty()) recorder_->typed(typed, shard_.loop().now());
  if (said.empty()) return;
  if (recorder_) recorder_->said(said, shard_.loop().now());
  if (shared_ && !target_->sol_log.empty()) write_file(said);
}

void SerialHost::write_file(Bytes said) {
  const TimePoint now = shard_.loop().now();
  if (!log_) {
    if (now < log_retry_) return;
    log_.reset(::open(target_->sol_log.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  }
  Buffer text;
  stamps_.write(said, sys::to_iso8601(sys::wall_now()), text);
  if (log_ && ::write(log_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) {
    log_problem_.clear();
    return;
  }
  log_problem_ = std::strerror(errno);
  log::warn(log_limit(), "sol.log_failed",
            {{"target", target_->name}, {"file", target_->sol_log}, {"why", log_problem_}});
  log_.reset();
  log_retry_ = now + kLogRetry;
}

std::vector<TargetProblem> SerialHost::problems() const {
  std::vector<TargetProblem> out;
  if (gone_) return out;
  for (const auto& [at, door] : doors_) {
    if (const std::string why = door->problem(); !why.empty())
      out.push_back({target_->name, "sol_listen " + config::to_string(at) + ": " + why});
  }
  if (!log_problem_.empty()) out.push_back({target_->name, "sol_log " + target_->sol_log + ": " + log_problem_});
  return out;
}

// --- the device -------------------------------------------------------------------------------------------

void SerialHost::adopt(device::Opened opened) {
  given_ = std::move(opened);
}

void SerialHost::handle(const session::SharedSerial::NeedDevice&) {
  if (given_) {
    device::Opened opened = std::move(*given_);
    given_.reset();
    return link_.take_over(std::move(opened));
  }
  const std::shared_ptr<const Directory> directory = shard_.shared().policy()->directory;
  if (shared_) {
    const Result<Directory::Machine> machine = directory->find(target_->name);
    if (!machine) return link_.fail(machine.error());
    destination_ = machine->address;
  }
  const Result<IpAddress> address = directory->device(*target_, destination_);
  if (!address) return link_.fail(address.error());
  device::Request request;
  request.target = target_;
  request.address = *address;
  request.service = Service::Sol;
  link_.open(shard_.shared().dialer, std::move(request));
}

void SerialHost::handle(const session::SharedSerial::DropDevice&) {
  link_.finish(kFinish);
}

void SerialHost::answer(const std::optional<session::DeviceFailure>& failure) {
  std::map<session::UserId, OnReady> waiting;
  waiting.swap(waiting_);
  for (const auto& [id, on_ready] : waiting) {
    if (failure) serial_.release(id, shard_.loop().now());
    on_ready(failure);
  }
}

void SerialHost::handle(const session::SharedSerial::Ready&) {
  answer(std::nullopt);
}

void SerialHost::handle(const session::SharedSerial::NotReady& not_ready) {
  answer(not_ready.failure);
}

void SerialHost::handle(const session::SharedSerial::UserEnded& ended) {
  if (const auto found = clients_.find(ended.id); found != clients_.end()) found->second->serial_ended(ended);
}

void SerialHost::handle(const session::SharedSerial::WriterChanged& writer) {
  log::debug("sol.writer", {{"target", target_->name}, {"sid", writer.id.value}});
}

void SerialHost::handle(const session::SharedSerial::DeviceLost& lost) {
  if (recorder_) recorder_->event("away", shard_.loop().now());
  log::warn("sol.lost", {{"target", target_->name},
                         {"device", device()},
                         {"users", clients_.size()},
                         {"cause", amtgate::name(lost.error.code)},
                         {"why", lost.error.detail}});
}

void SerialHost::handle(const session::SharedSerial::DeviceBack& back) {
  if (recorder_) recorder_->event("back", shard_.loop().now());
  log::info("sol.back",
            {{"target", target_->name}, {"device", device()}, {"users", clients_.size()}, {"away_ms", back.away}});
}

}  // namespace amtgate::gateway
