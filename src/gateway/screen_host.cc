#include "amtgate/gateway/screen_host.h"

#include <algorithm>
#include <vector>

#include "amtgate/base/earliest.h"
#include "amtgate/gateway/shard.h"
#include "amtgate/sys/log.h"

namespace amtgate::gateway {
namespace {

// For what AMT has not read yet when nobody needs it any more.
constexpr Duration kFinish = seconds(10);

session::Share share_of(config::VncShare share) {
  switch (share) {
    case config::VncShare::No: return session::Share::No;
    case config::VncShare::Yes: return session::Share::Yes;
    case config::VncShare::View: return session::Share::View;
  }
  return session::Share::No;
}

session::ScreenOptions screen_options(const config::Target& target, Shared& shared) {
  session::ScreenOptions out;
  out.name = target.name;
  out.share = share_of(target.vnc_share);
  out.reconnect = target.reconnect;
  out.frame_buffer_limit = target.frame_buffer_limit;
  out.keyboard = shared.layouts.get(target.keyboard);
  return out;
}

}  // namespace

ScreenHost::ScreenHost(Shard& shard, std::string key, std::shared_ptr<const config::Target> target,
                       IpAddress destination)
    : shard_(shard),
      key_(std::move(key)),
      target_(std::move(target)),
      destination_(destination),
      screen_(screen_options(*target_, shard.shared()), shard.random()),
      link_(shard.loop(), screen_, *this, target_->name, {.reads = device::LinkOptions::Reads::UntilShort}),
      timer_(shard.loop(), [this] { pump(); }) {}

ScreenHost::~ScreenHost() = default;

ScreenHost::Client* ScreenHost::find(session::ViewerId id) {
  const auto it = clients_.find(id);
  return it == clients_.end() ? nullptr : it->second;
}

void ScreenHost::attach(Client& client, session::ViewerId id, const session::ViewerOptions& options,
                        const std::string& who) {
  clients_[id] = &client;
  if (!options.script) people_[id] = {who, ""};
  screen_.add_viewer(id, options, who, shard_.loop().now());
}

void ScreenHost::detach(session::ViewerId id) {
  if (clients_.erase(id) == 0) return;
  held_.erase(id);
  people_.erase(id);
  if (recorder_) {
    recorder_->left(id, shard_.loop().now());
    if (recorder_->lookers() == 0) recorder_.reset();
  }
  screen_.remove_viewer(id, shard_.loop().now());
  // Keys that it held go up at the machine: those bytes still have to leave, also behind the last viewer.
  if (!pumping_) timer_.arm(Duration::zero());
}

bool ScreenHost::takes(session::ViewerId id) {
  if (screen_.takes(id)) return true;
  held_.insert(id);
  return false;
}

void ScreenHost::receive(session::ViewerId id, Bytes in) {
  screen_.receive_viewer(id, in, shard_.loop().now());
}

void ScreenHost::sent(session::ViewerId id, std::size_t n) {
  screen_.viewer_sent(id, n, shard_.loop().now());
}

void ScreenHost::tls_started(session::ViewerId id) {
  screen_.viewer_tls_started(id, shard_.loop().now());
}

void ScreenHost::end(session::ViewerId id, const Error& why) {
  screen_.end_viewer(id, why, shard_.loop().now());
}

Result<void> ScreenHost::give(session::ViewerId id) {
  Result<void> given = screen_.give(id, shard_.loop().now());
  pump();
  return given;
}

std::size_t ScreenHost::park(const std::string& what, Duration lease) {
  const TimePoint now = shard_.loop().now();
  screen_.park(what, now + lease, now);
  pump();  // may end this host
  return clients_.size();
}

void ScreenHost::unpark() {
  screen_.unpark(shard_.loop().now());
  pump();
}

void ScreenHost::pump() {
  if (pumping_) {
    again_ = true;
    return;
  }
  pumping_ = true;
  do {
    again_ = false;
    if (const auto due = screen_.deadline(); due && shard_.loop().now() >= *due) screen_.tick(shard_.loop().now());
    link_.write();
    link_.read();
    handle_events();
    // What there is to say goes out; that may bring more (a viewer that has room gets the next picture).
    std::vector<session::ViewerId> ids;
    ids.reserve(clients_.size());
    for (const auto& [id, client] : clients_) {
      const bool resumes = screen_.takes(id) && held_.erase(id) > 0;
      if (resumes || !screen_.viewer_output(id).empty()) ids.push_back(id);
    }
    for (const session::ViewerId id : ids) {
      if (Client* client = find(id)) client->screen_output();
    }
    // Behind what the viewers wait for: AMT may draw meanwhile, but nobody would see it sooner.
    link_.write();
    handle_events();  // that was all it had to be told, for one
    if (recorder_) recorder_->pump(shard_.loop().now());
    again_ = again_ || std::any_of(held_.begin(), held_.end(), [this](const auto& id) { return screen_.takes(id); });
  } while (again_);
  pumping_ = false;
  if (clients_.empty() && !link_.busy()) {
    timer_.cancel();
    return shard_.screen_done(*this);
  }
  link_.want();
  if (const auto due = earliest({screen_.deadline(), recorder_ ? recorder_->deadline() : std::nullopt})) {
    timer_.arm_at(*due);
  } else {
    timer_.cancel();
  }
}

void ScreenHost::handle_events() {
  while (auto event = screen_.next_event()) {
    std::visit([this](const auto& e) { handle(e); }, *event);
  }
}

void ScreenHost::handle(const session::SharedScreen::NeedDevice&) {
  const Result<IpAddress> address = shard_.shared().policy()->directory->device(*target_, destination_);
  if (!address) return link_.fail(address.error());
  device::Request request;
  request.target = target_;
  request.address = *address;
  request.service = Service::Vnc;
  link_.open(shard_.shared().dialer, std::move(request));
}

void ScreenHost::handle(const session::SharedScreen::DropDevice&) {
  link_.finish(kFinish);
}

void ScreenHost::handle(const session::SharedScreen::ViewerStartTls& start) {
  if (Client* client = find(start.id)) client->screen_start_tls();
}

void ScreenHost::handle(const session::SharedScreen::ViewerKnown& known) {
  if (const auto person = people_.find(known.id); person != people_.end()) person->second.user = known.user;
  if (Client* client = find(known.id)) client->screen_known(known);
}

void ScreenHost::handle(const session::SharedScreen::ViewerJoined& joined) {
  if (Client* client = find(joined.id)) client->screen_joined();
  record(joined.id);
}

void ScreenHost::record(session::ViewerId id) {
  const auto person = people_.find(id);
  if (!target_->record_vnc || person == people_.end()) return;
  const TimePoint now = shard_.loop().now();
  if (!recorder_) {
    const sys::WallTime started = sys::wall_now();
    auto recording = shard_.shared().recordings->begin(target_->name, id.value, started, ".fbs");
    log::info("recording.begin", {{"recording", recording->id()}, {"target", target_->name}, {"kind", "vnc"}});
    recorder_ =
        std::make_unique<ScreenRecorder>(screen_, std::move(recording), target_->name, device(), started, now);
  }
  recorder_->joined(id, person->second, now);
}

void ScreenHost::handle(const session::SharedScreen::ViewerEnded& ended) {
  if (Client* client = find(ended.id)) client->screen_ended(ended.error);
}

void ScreenHost::handle(const session::SharedScreen::DeviceLost& lost) {
  if (recorder_) recorder_->event("away", shard_.loop().now());
  log::warn("screen.lost", {{"target", target_->name},
                            {"device", device()},
                            {"viewers", clients_.size()},
                            {"cause", amtgate::name(lost.error.code)},
                            {"why", lost.error.detail}});
}

void ScreenHost::handle(const session::SharedScreen::DeviceBack& back) {
  if (recorder_) recorder_->event("back", shard_.loop().now());
  log::info("screen.back",
            {{"target", target_->name}, {"device", device()}, {"viewers", clients_.size()}, {"away_ms", back.away}});
}

}  // namespace amtgate::gateway
