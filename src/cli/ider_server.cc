#include "amtgate/cli/ider_server.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "amtgate/net/name_lookup.h"

namespace amtgate::cli {
namespace {

constexpr Duration kSecond = seconds(1);
// Between tries: a machine that boots is away for some seconds, one that was switched off for hours.
constexpr int kPauses_s[] = {1, 2, 4, 8, 15, 30};
// A machine that says no so often in a row, after it had said yes, means it.
constexpr unsigned kMaxRefusals = 6;
// AMT does not say who has them.
constexpr const char* kHowToFree =
    "; whoever has the machine's drives must let go of them (another amtgate ider, MeshCommander or the gateway: "
    "amtgate images, amtgate sessions)";
constexpr Duration kFailuresEvery = seconds(10);
constexpr int kReadsPerTurn = 8;
constexpr int kWritesPerTurn = 64;

Exit exit_of(const device::Failure& failure) {
  switch (failure.error.code) {
    case Errc::AuthFailed: return kAuthRefused;
    case Errc::Untrusted: return kUntrusted;
    default: return failure.stage == "connect" ? kNoConnection : kSaidNo;
  }
}

const char* name_of(ider::Drive d) {
  return d == ider::Drive::Cd ? "cd" : "floppy";
}

}  // namespace

IderServer::IderServer(net::Loop& loop, IderReport& report, Options options)
    : loop_(loop),
      report_(report),
      options_(std::move(options)),
      name_(options_.target->name),
      deadline_(loop, [this] { on_deadline(); }),
      second_(loop, [this] { on_second(); }),
      redial_(loop, [this] { dial(); }) {}

// --- the way to the machine

void IderServer::dial() {
  if (finished_) return;
  IpAddress address;
  if (const auto* network = std::get_if<Network>(&options_.at)) {
    address = network->address;
  } else {
    const auto& name = std::get<std::string>(options_.at);
    const Result<std::vector<IpAddress>> found = net::resolve_now(name);
    if (!found || found->empty()) return lost(kNoConnection, found ? name + ": no address" : found.error().detail);
    address = found->front();
  }
  // A copy only as long as it is dialled: the daemon goes on writing its own.
  opened_.reset();
  dialer_.reset();
  if (options_.daemons_state) known_ = std::make_unique<KnownCopy>(options_.state);
  dialer_ = std::make_unique<device::Dialer>(
      device::DialerOptions{.state = known_ ? known_->folder() : options_.state, .mark = options_.mark});
  opening_ =
      dialer_->open(loop_, {.target = options_.target, .address = address, .service = Service::Ider, .log_in = true},
                    [this](std::variant<device::Opened, device::Failure> outcome) { dialed(std::move(outcome)); });
}

void IderServer::dialed(std::variant<device::Opened, device::Failure> outcome) {
  opened_ = std::move(opening_);  // it is inside its own callback
  known_.reset();
  if (finished_) return;
  if (auto* opened = std::get_if<device::Opened>(&outcome)) return begin(std::move(*opened));
  auto& failure = std::get<device::Failure>(outcome);
  if (failure.error.code == Errc::Busy) failure.error.detail += kHowToFree;
  const Exit code = exit_of(failure);
  // To ask again with the same password, or past a certificate that is another's, mends nothing.
  if (code == kAuthRefused || code == kUntrusted) return finish(code, failure.error.detail);
  if (failure.error.code == Errc::Refused && tries_ >= kMaxRefusals) return finish(code, failure.error.detail);
  lost(code, failure.error.detail);
}

void IderServer::begin(device::Opened opened) {
  stream_ = std::move(opened.stream);
  seat_ = std::move(opened.session);
  attached_ = ending_ = false;
  armed_at_.reset();
  ider::ClientRole::Options role = options_.role;
  // Once the machine has used the drives it wants them back at once, whenever it was to see them first.
  if (used_) role.start = ider::ClientRole::StartMode::Now;
  role.gather = true;
  role_.emplace(role, loop_.now());
  const std::string device = opened.device.to_string();
  report_.say("connected", "connected to " + device + (opened.tls.empty() ? "" : " with " + opened.tls),
              {{"device", device}, {"tls", opened.tls}});
  stream_->on_ready([this](net::Ready ready) { on_ready(ready); });
  report_.progress(role_->stats(), loop_.now());
  second_.arm(kSecond);
  if (!opened.rest.empty()) take(opened.rest);
  if (stream_) write_some();
}

/// No session, or no more: the first try counts, what comes after one that was good is tried again.
void IderServer::lost(Exit code, const std::string& why) {
  drop();
  if (interrupted_) return finish(kDone, "");
  if (options_.once || !ever_attached_) return finish(code, why);
  again(why);
}

void IderServer::again(const std::string& why) {
  const int pause = kPauses_s[std::min<std::size_t>(tries_, std::size(kPauses_s) - 1)];
  ++tries_;
  report_.say("lost", why + "; trying again in " + std::to_string(pause) + " s",
              {{"reason", why}, {"retry_s", pause}});
  redial_.arm(seconds(pause));
}

/// Lets go of the session, and keeps what it did.
void IderServer::drop() {
  deadline_.cancel();
  second_.cancel();
  armed_at_.reset();
  if (role_) {
    used_ = used_ || role_->stats().data_bytes > 0;
    report_.session_over(role_->stats());
    role_.reset();
  }
  opening_.reset();
  if (stream_) loop_.retire(std::shared_ptr<net::Stream>(std::move(stream_)));
  seat_.reset();
}

void IderServer::interrupt() {
  if (!role_ || interrupted_) return finish(kDone, "");
  interrupted_ = true;
  role_->end(loop_.now());
  take_events();
  if (stream_) write_some();
}

// --- the session

void IderServer::on_ready(net::Ready ready) {
  if (ready.read) read_some();
  if (stream_) write_some();
  if (role_) role_->prepare(loop_.now());
}

void IderServer::read_some() {
  std::array<std::uint8_t, 16 * 1024> buffer;
  for (int turn = 0; turn < kReadsPerTurn && stream_; ++turn) {
    const net::IoResult r = stream_->read(buffer);
    switch (r.status) {
      case net::Io::Ok:
        take(Bytes(buffer).first(r.bytes));
        // A command is less than this: there is nothing more to ask for before it is answered.
        if (r.bytes < buffer.size()) return;
        break;
      case net::Io::Again: return;
      case net::Io::Closed: return lost(kSaidNo, "the machine ended the session");
      case net::Io::Failed: return lost(kSaidNo, Error(stream_->error()).detail);
    }
  }
}

void IderServer::take(Bytes bytes) {
  const Result<void> r = role_->receive(bytes, loop_.now());
  take_events();
  if (!r && stream_) lost(kSaidNo, r.error().detail);
}

void IderServer::take_events() {
  using Role = ider::ClientRole;
  while (role_) {
    const std::optional<Role::Event> event = role_->next_event();
    if (!event) return;
    if (const auto* e = std::get_if<Role::Enabled>(&*event)) {
      if (!e->accepted) return lost(kSaidNo, "the machine did not attach the drives");
      const bool later = options_.role.start == Role::StartMode::NextReboot && !used_;
      const bool back = std::exchange(ever_attached_, true);
      attached_ = true;
      tries_ = 0;
      report_.say("attached",
                  later  ? "the drives are there after the next boot"
                  : back ? "the drives are attached again"
                         : "the drives are attached",
                  {{"again", back}, {"after_boot", later}});
    } else if (std::holds_alternative<Role::HostReset>(*event)) {
      used_ = true;
      report_.say("reset", "the machine's drives were reset, it boots");
    } else if (const auto* d = std::get_if<Role::DeviceReported>(&*event)) {
      report_.say("device_error", "the machine reports error " + std::to_string(d->code), {{"code", d->code}});
    } else if (const auto* m = std::get_if<Role::MediumFailed>(&*event)) {
      say_failed(m->drive, m->error.detail);
    } else if (const auto* t = std::get_if<Role::Tray>(&*event)) {
      report_.say("tray",
                  std::string("the machine has ") + (t->out ? "ejected" : "loaded") + " the " + name_of(t->drive),
                  {{"drive", name_of(t->drive)}, {"out", t->out}});
    } else if (std::holds_alternative<Role::Ended>(*event)) {
      ending_ = true;
    }
  }
}

void IderServer::write_some() {
  for (int turn = 0; turn < kWritesPerTurn; ++turn) {
    // A record for each message, as other clients make them; whether firmware takes larger ones nobody has tried.
    std::size_t record = tls::kLargestRecord;
    const Bytes out = stream_->is_tls() ? role_->output_run(record) : role_->output();
    if (out.empty()) break;
    const net::IoResult r = stream_->write(out, record);
    if (r.status == net::Io::Again) break;
    if (r.status != net::Io::Ok) return lost(kSaidNo, Error(stream_->error()).detail);
    role_->sent(r.bytes);
  }
  if (ending_ && role_->output().empty()) {
    stream_->close_write();
    if (interrupted_) return finish(kDone, "");
    return lost(kSaidNo, "the machine took the drives away");
  }
  take_events();
  if (!stream_) return;
  stream_->want(true, !role_->output().empty());
  arm();
}

/// Every byte moves the deadline; a timer that fires too early looks again, so it is only set for an earlier one.
void IderServer::arm() {
  const std::optional<TimePoint> due = role_->deadline();
  if (!due || (armed_at_ && *armed_at_ <= *due)) return;
  armed_at_ = due;
  deadline_.arm_at(*due);
}

void IderServer::on_deadline() {
  armed_at_.reset();
  if (!role_) return;
  const Result<void> r = role_->tick(loop_.now());
  take_events();
  if (!stream_) return;
  if (!r) return lost(kSaidNo, r.error().detail);
  write_some();
}

void IderServer::on_second() {
  if (!role_) return;
  for (const ider::Drive d : {ider::Drive::Cd, ider::Drive::Floppy}) {
    ider::BlockSource* medium = d == ider::Drive::Cd ? options_.role.cd : options_.role.floppy;
    if (!medium || !options_.changed) continue;
    const std::optional<std::string> what = options_.changed(d);
    if (!what) continue;
    say_image(d, *what, "");
    role_->insert(d, medium);  // so that the machine forgets what it has read
  }
  report_.progress(role_->stats(), loop_.now());
  write_some();
  if (role_) second_.arm(kSecond);
}

/// Once, by whichever way it was noticed: reading fails, and a look at the file tells.
void IderServer::say_image(ider::Drive drive, const std::string& what, const char* then) {
  std::string& said = drive == ider::Drive::Cd ? said_cd_ : said_floppy_;
  if (!said.empty() && (said.starts_with(what) || what.starts_with(said))) return;
  said = what;
  report_.say("image", what + then, {{"drive", name_of(drive)}, {"error", what}});
}

/// A machine asks for each bad block of a disk, again and again.
void IderServer::say_failed(ider::Drive drive, const std::string& what) {
  const TimePoint now = loop_.now();
  if (failures_until_ && now < *failures_until_) {
    ++failures_unsaid_;
    return;
  }
  std::string then = "; the machine is told of an error";
  if (failures_unsaid_ > 0) then += ", as of " + std::to_string(failures_unsaid_) + " others since";
  failures_until_ = now + kFailuresEvery;
  failures_unsaid_ = 0;
  say_image(drive, what, then.c_str());
}

void IderServer::finish(Exit code, const std::string& why) {
  if (std::exchange(finished_, true)) return;
  code_ = code;
  const bool begun = role_.has_value() || ever_attached_;
  if (role_ && interrupted_ && stream_) stream_->close_write();
  drop();
  redial_.cancel();
  if (begun) report_.end(loop_.now());
  if (!why.empty()) fail(code, why.starts_with(name_) ? why : name_ + ": " + why);
  loop_.stop();
}

}  // namespace amtgate::cli
