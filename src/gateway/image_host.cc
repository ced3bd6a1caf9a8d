#include "amtgate/gateway/image_host.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "amtgate/base/earliest.h"
#include "amtgate/image/local_image.h"
#include "amtgate/redir/messages.h"
#include "amtgate/sys/clock.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {
namespace {

constexpr std::size_t kReadSize = 64 * 1024;
constexpr int kReadsPerTurn = 8;
constexpr int kWritesPerTurn = 64;

std::string shown(const ImageSpec& spec) {
  return spec.web() ? image::shown_address(spec.source) : spec.source;
}

const char* word(ider::Drive drive) {
  return drive == ider::Drive::Cd ? "cd" : "floppy";
}

Result<sys::UniqueFd> duplicate(const ImageSpec& spec) {
  sys::UniqueFd fd(::fcntl(spec.file->get(), F_DUPFD_CLOEXEC, 0));
  if (!fd) return Error{Errc::System, spec.source + ": " + std::strerror(errno)};
  return fd;
}

bool refused(Errc code) {
  return code == Errc::AuthFailed || code == Errc::Untrusted || code == Errc::Refused || code == Errc::Unsupported;
}

/// What somebody has to do before it works.
std::string what_to_do(const device::Failure& failure, const std::string& target) {
  constexpr auto kConsent = static_cast<std::uint8_t>(redir::StartStatus::ConsentRequired);
  if (failure.start_status == kConsent) return "; `amtgate consent start " + target + "` asks for it";
  switch (failure.error.code) {
    case Errc::AuthFailed: return "; set the right ones in the configuration, and `amtgate reload`";
    case Errc::Unsupported: return "; `amtgate setup ider " + target + "` switches it on";
    case Errc::Busy: return "; whoever has the machine's drives must let go of them";
    default: return "";
  }
}

}  // namespace

ImageHost::ImageHost(ImageTools& tools, std::string target, std::array<DriveTotals, 2>& totals,
                     std::function<void()> gone)
    : tools_(tools),
      target_(std::move(target)),
      totals_(totals),
      gone_(std::move(gone)),
      slots_{Slot{ider::Drive::Cd}, Slot{ider::Drive::Floppy}},
      pause_(tools.pauses.session.first),
      timer_(tools.loop, [this] { on_timer(); }) {}

ImageHost::~ImageHost() {
  tools_.shared.image_holders.release(target_);
  role_.reset();  // before what it reads from
}

// --- the media --------------------------------------------------------------------------------------------

void ImageHost::want(const WantedImages& images) {
  const bool other = wanted_.cd != images.cd || wanted_.floppy != images.floppy;
  const bool asked = !images.configured;
  wanted_ = images;
  if (!other && !asked) return;
  if (!in_session() || wanted_.none()) was_attached_ = false;
  for (Slot& slot : slots_) {
    const std::optional<ImageSpec>& spec = slot.drive == ider::Drive::Cd ? wanted_.cd : wanted_.floppy;
    // One that has changed at its server, or could not be had, is opened anew when somebody asks for it again; so is
    // a file, which may be another one by that name.
    const bool path = spec && !spec->web() && !spec->file;
    const bool again = asked && spec && (path || !slot.medium || slot.medium->changed() || !slot.source);
    if (slot.spec == spec && !again) continue;
    close(slot);
    slot.spec = spec;
    if (spec) open(slot);
  }
  if (wanted_.none()) return end_session();
  if (in_session() && !ending_) {
    // The drives can be exchanged, but not when they appear.
    if (asked && images.start != ider::ClientRole::StartMode::Now && enabled_) {
      was_attached_ = false;
      end_session();
    }
    return;
  }
  pause_ = tools_.pauses.session.first;
  connect_soon();
}

void ImageHost::open(Slot& slot) {
  slot.failed.clear();
  const std::uint32_t block_size = slot.drive == ider::Drive::Cd ? 2048 : 512;
  if (slot.spec->web()) {
    slot.medium = tools_.web.open(slot.spec->source, block_size);
  } else {
    Result<sys::UniqueFd> fd = slot.spec->file ? duplicate(*slot.spec) : image::open_image_file(slot.spec->source);
    Result<std::unique_ptr<image::Medium>> made =
        fd ? image::make_local_image(tools_.loop, tools_.reader, std::move(*fd), slot.spec->source, block_size)
           : Result<std::unique_ptr<image::Medium>>(fd.error());
    if (!made) {
      if (slot.failed.empty() && slot.pause == Duration{}) {
        log::warn("image.failed", {{"target", target_}, {"drive", word(slot.drive)}, {"why", made.error().detail}});
      }
      slot.failed = made.error().detail;
      slot.pause = std::clamp(slot.pause * 2, tools_.pauses.file.first, tools_.pauses.file.last);
      Slot* const again = &slot;
      if (!slot.again) {
        slot.again = std::make_unique<net::Timer>(tools_.loop, [this, again] {
          if (again->spec && !again->medium) open(*again);
        });
      }
      slot.again->arm(slot.pause);
      return;
    }
    slot.medium = std::move(*made);
  }
  slot.pause = {};
  Slot* const it = &slot;
  slot.medium->on_news([this, it] { medium_news(*it); });
  if (slot.medium->state() != image::Medium::State::Opening) medium_news(slot);
}

void ImageHost::close(Slot& slot) {
  if (slot.again) slot.again->cancel();
  slot.pause = {};
  slot.failed.clear();
  if (slot.source && role_) {
    role_->insert(slot.drive, nullptr);
    if (stream_ && !ending_) timer_.arm(Duration::zero());  // it may have had an answer to send
  }
  if (slot.source) tools_.loop.retire(std::shared_ptr<ServedImage>(std::move(slot.source)));
  if (slot.medium) {
    slot.medium->on_news({});
    tools_.loop.retire(std::shared_ptr<image::Medium>(std::move(slot.medium)));
  }
}

void ImageHost::medium_news(Slot& slot) {
  const bool ready = slot.medium && slot.medium->state() == image::Medium::State::Ready;
  if (!ready) {
    // The other drive does not wait for one that cannot be had.
    const bool failed = slot.medium && slot.medium->state() == image::Medium::State::Failed;
    if (failed && !in_session() && !opening_) connect_soon();
    return;
  }
  if (!slot.source) {
    slot.source = std::make_unique<ServedImage>(
        tools_.loop, *slot.medium, target_, totals_[slot.drive == ider::Drive::Cd ? 0 : 1],
        [this] { return role_ ? role_->stats().commands : 0; }, [this] { resume(); });
    if (role_ && !ending_) role_->insert(slot.drive, slot.source.get());
    if (!in_session() && !opening_) connect_soon();
  }
  resume();
}

void ImageHost::resume() {
  if (!role_ || !stream_ || ending_) return;
  role_->resume();
  take_events();
  if (stream_) write_some();
}

// --- the session ------------------------------------------------------------------------------------------

/// As soon as something is there to be shown, and nothing forbids it.
void ImageHost::connect_soon() {
  if (stream_ || opening_ || parked_until_ || wanted_.none()) return;
  if (!connect_at_) connect_at_ = tools_.loop.now();
  timer_.arm_at(*connect_at_);
}

void ImageHost::on_timer() {
  const TimePoint now = sys::now();
  if (parked_until_ && now >= *parked_until_) unpark();
  if (stream_ && role_) {
    const Result<void> ticked = role_->tick(now);
    take_events();
    if (!ticked && stream_) return lost(ticked.error());
    if (stream_) write_some();
    return;
  }
  if (connect_at_ && now >= *connect_at_ && !opening_ && !parked_until_) connect();
}

void ImageHost::connect() {
  const bool any = std::ranges::any_of(slots_, [](const Slot& s) { return s.source != nullptr; });
  // Both drives at once, where both may be there in a moment: the machine sees less of a change.
  const bool soon = std::ranges::any_of(
      slots_, [](const Slot& s) { return s.medium && s.medium->state() == image::Medium::State::Opening; });
  if (!any || (soon && !was_attached_)) {
    connect_at_.reset();
    return;  // medium_news() begins anew
  }
  connect_at_.reset();
  const std::shared_ptr<const Directory> directory = tools_.shared.policy()->directory;
  const Result<Directory::Machine> machine = directory->find(target_);
  if (!machine) return lost(machine.error());
  const Result<IpAddress> address = directory->device(*machine->target, machine->address);
  if (!address) return lost(address.error());
  machine_ = machine->target;
  device::Request request;
  request.target = machine_;
  request.address = *address;
  request.service = Service::Ider;
  device_at_ = {*address, Port{0}};
  tools_.shared.image_holders.hold(target_);
  opening_ = tools_.shared.dialer.open(tools_.loop, std::move(request),
                                       [this](auto outcome) { opened(std::move(outcome)); });
}

void ImageHost::opened(std::variant<device::Opened, device::Failure> outcome) {
  tools_.loop.retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  if (auto* failure = std::get_if<device::Failure>(&outcome)) {
    if (failure->device.port.value != 0) device_at_ = failure->device;
    return lost({failure->error.code, failure->error.detail + what_to_do(*failure, target_)});
  }
  auto& done = std::get<device::Opened>(outcome);
  device_at_ = done.device;
  device_tls_ = std::move(done.tls);
  device_session_ = std::move(done.session);
  stream_ = std::move(done.stream);
  id_ = control::SessionId{tools_.shared.next_id.fetch_add(1, std::memory_order_relaxed)};
  started_ = sys::wall_now();
  enabled_ = ending_ = finished_ = false;
  ider::ClientRole::Options options;
  options.cd = slots_[0].source.get();
  options.floppy = slots_[1].source.get();
  options.start = was_attached_ ? ider::ClientRole::StartMode::Now : wanted_.start;
  options.gather = true;
  start_ = options.start;
  role_.emplace(options, tools_.loop.now());
  stream_->on_ready([this](net::Ready ready) { pump(ready.read); });
  if (!done.rest.empty()) {
    const Result<void> taken = role_->receive(done.rest, tools_.loop.now());
    take_events();
    if (!taken && stream_) return lost(taken.error());
  }
  if (wanted_.none() || parked_until_) return end_session();
  if (stream_) write_some();
}

void ImageHost::pump(bool readable) {
  if (!stream_) return;
  if (readable) read_some();
  if (stream_) write_some();
  if (role_) role_->prepare(tools_.loop.now());
}

void ImageHost::read_some() {
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; i < kReadsPerTurn && stream_ && !finished_; ++i) {
    const net::IoResult got = stream_->read(buffer);
    if (got.status == net::Io::Again) return;
    if (got.status != net::Io::Ok) {
      if (ending_) return closed();
      const bool end = got.status == net::Io::Closed || stream_->error().code == Errc::Closed;
      return lost(end ? Error{Errc::Closed, target_ + " (" + device_at_.to_string() + ") closed the connection"}
                      : Error(stream_->error()));
    }
    const Result<void> taken = role_->receive(Bytes(buffer).first(got.bytes), tools_.loop.now());
    take_events();
    if (!taken && stream_) return lost({taken.error().code, target_ + ": " + taken.error().detail});
    // A command is less than this: there is nothing more to ask for before it is answered.
    if (got.bytes < buffer.size()) return;
  }
}

void ImageHost::write_some() {
  for (int i = 0; i < kWritesPerTurn; ++i) {
    // A record for each message, as other clients make them; whether firmware takes larger ones nobody has tried.
    std::size_t record = tls::kLargestRecord;
    const Bytes out = stream_->is_tls() ? role_->output_run(record) : role_->output();
    if (out.empty()) break;
    const net::IoResult put = stream_->write(out, record);
    if (put.status == net::Io::Again) break;
    if (put.status != net::Io::Ok) {
      if (ending_) return closed();
      return lost(stream_->error());
    }
    role_->sent(put.bytes);
  }
  if (finished_ && role_->output().empty()) return closed();
  stream_->want(true, !role_->output().empty());
  std::optional<TimePoint> due = earliest({role_->deadline(), parked_until_});
  if (due) {
    timer_.arm_at(*due);
  } else {
    timer_.cancel();
  }
}

void ImageHost::take_events() {
  while (stream_) {
    const std::optional<ider::ClientRole::Event> event = role_->next_event();
    if (!event) return;
    if (const auto* e = std::get_if<ider::ClientRole::Enabled>(&*event)) {
      if (!e->accepted) return lost({Errc::Refused, target_ + " did not attach the drives"});
      enabled_ = true;
      pause_ = tools_.pauses.session.first;
      const bool back = away_.has_value();
      away_.reset();
      const auto name = [](const Slot& s) { return s.source ? shown(*s.spec) : std::string("-"); };
      log::info(back ? "image.reattached" : "image.attached", {{"sid", id_.value},
                                                               {"target", target_},
                                                               {"device", device_at_},
                                                               {"tls", device_tls_.empty() ? "none" : device_tls_},
                                                               {"cd", name(slots_[0])},
                                                               {"floppy", name(slots_[1])}});
      was_attached_ = true;
    } else if (std::holds_alternative<ider::ClientRole::HostReset>(*event)) {
      log::info("image.reset", {{"target", target_}, {"why", "the machine's drives were reset, it boots"}});
      for (Slot& slot : slots_) {
        if (!slot.medium || !slot.medium->changed()) continue;
        close(slot);  // what the server has now is as good as any for a machine that begins anew
        open(slot);
      }
    } else if (const auto* d = std::get_if<ider::ClientRole::DeviceReported>(&*event)) {
      log::warn("image.device_error", {{"target", target_}, {"code", unsigned{d->code}}});
    } else if (std::holds_alternative<ider::ClientRole::Ended>(*event)) {
      finished_ = true;
    }
  }
}

void ImageHost::end_session() {
  if (opening_) tools_.loop.retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  if (!stream_) return closed();
  if (!ending_) {
    ending_ = true;
    role_->end(tools_.loop.now());
    take_events();
  }
  write_some();
}

/// The session is over, as asked or by the machine's own end.
void ImageHost::closed() {
  if (stream_ && !ending_) return lost({Errc::Closed, target_ + " took the drives away"});
  if (stream_) {
    log::info("image.ended", {{"sid", id_.value}, {"target", target_}, {"device", device_at_}});
    stream_->want(false, false);
    // Not here: this may be its callback, and finish() gives it another.
    const auto last = std::make_shared<std::unique_ptr<net::Stream>>(std::move(stream_));
    tools_.loop.defer([&loop = tools_.loop, last] { net::finish(loop, std::move(*last)); });
  }
  drop();
  if (wanted_.none()) {
    timer_.cancel();
    return gone_();
  }
  if (parked_until_) return timer_.arm_at(*parked_until_);
  connect_soon();
}

void ImageHost::lost(const Error& why) {
  const bool first = !away_ || away_->detail != why.detail;
  if (first) {
    log::warn("image.away",
              {{"target", target_}, {"device", device_at_}, {"cause", amtgate::name(why.code)}, {"why", why.detail}});
  }
  away_ = why;
  if (stream_) {
    stream_->want(false, false);
    tools_.loop.retire(std::shared_ptr<net::Stream>(std::move(stream_)));
  }
  drop();
  if (wanted_.none()) {
    timer_.cancel();
    return gone_();
  }
  if (parked_until_) return timer_.arm_at(*parked_until_);
  connect_at_ = sys::now() + (refused(why.code) ? std::max(pause_, tools_.pauses.refused) : pause_);
  pause_ = std::min(pause_ * 2, tools_.pauses.session.last);
  connect_soon();
}

void ImageHost::drop() {
  tools_.shared.image_holders.release(target_);
  device_session_.reset();
  role_.reset();
  enabled_ = ending_ = finished_ = false;
  device_tls_.clear();
}

void ImageHost::recheck() {
  if (!stream_ && !opening_) {
    pause_ = tools_.pauses.session.first;
    if (connect_at_) connect_at_ = tools_.loop.now();
    return connect_soon();
  }
  moved();
}

void ImageHost::try_now() {
  if (stream_ || opening_ || parked_until_) return;
  away_.reset();
  recheck();
}

void ImageHost::moved() {
  if (!stream_ && !opening_) return;
  const std::shared_ptr<const Directory> directory = tools_.shared.policy()->directory;
  const Result<Directory::Machine> machine = directory->find(target_);
  const Result<IpAddress> address =
      machine ? directory->device(*machine->target, machine->address) : Result<IpAddress>(machine.error());
  // A name that does not resolve at the moment says nothing.
  if (!address || *address == device_at_.address) return;
  end_session();
}

void ImageHost::park(const std::string& what, Duration lease) {
  parked_until_ = tools_.loop.now() + lease;
  away_ = Error{Errc::Closed, target_ + " " + what};
  connect_at_.reset();
  log::info("image.parked", {{"target", target_}, {"what", what}});
  end_session();
}

void ImageHost::unpark() {
  if (!parked_until_) return;
  parked_until_.reset();
  pause_ = tools_.pauses.session.first;
  connect_soon();
}

// --- what is told of it -----------------------------------------------------------------------------------

std::string ImageHost::state_of(const Slot& slot, std::string& detail) const {
  const image::Medium* m = slot.medium.get();
  if (!m || m->state() == image::Medium::State::Failed) {
    detail = m ? m->problem() : slot.failed;
    return "failed";
  }
  if (m->state() == image::Medium::State::Opening) {
    detail = m->problem().empty() ? "the image is being opened" : m->problem();
    return "waiting";
  }
  detail = m->problem();
  const bool later = start_ != ider::ClientRole::StartMode::Now;
  if (enabled_ && !ending_) {
    if (detail.empty() && later && slot.source && slot.source->served() == 0)
      detail = start_ == ider::ClientRole::StartMode::NextReboot ? "the machine sees it from its next boot on"
                                                                 : "the machine sees it when it lets go of its own";
    return "attached";
  }
  if (away_) {
    detail = away_->detail;
    return refused(away_->code) ? "failed" : "away";
  }
  if (detail.empty()) detail = "the machine is being asked";
  return "waiting";
}

void ImageHost::describe(std::vector<control::ImageInfo>& out) const {
  for (const Slot& slot : slots_) {
    if (!slot.spec) continue;
    control::ImageInfo info;
    info.target = target_;
    info.drive = word(slot.drive);
    info.image = shown(*slot.spec);
    info.origin = wanted_.configured ? "configuration" : "control";
    info.state = state_of(slot, info.detail);
    if (slot.medium) {
      info.size = slot.medium->size();
      info.web = slot.medium->web();
      info.cached = slot.medium->cached();
    }
    if (slot.source) {
      info.served = slot.source->served();
      info.reads = slot.source->reads();
      info.read_errors = slot.source->errors();
      info.rate = slot.source->rate();
    }
    out.push_back(std::move(info));
  }
}

std::optional<control::SessionInfo> ImageHost::session() const {
  if (!stream_) return std::nullopt;
  control::SessionInfo out;
  out.id = id_;
  out.target = target_;
  out.service = amtgate::name(Service::Ider);
  out.client = "gateway";
  out.device = device_at_.to_string();
  out.tls = device_tls_;
  out.state = ending_ ? "closing" : enabled_ ? "open" : "connecting";
  out.started = started_;
  out.rx_bytes = stream_->tx_bytes();  // "from the client to the device"
  out.tx_bytes = stream_->rx_bytes();
  return out;
}

}  // namespace amtgate::gateway
