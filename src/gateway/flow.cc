#include "amtgate/gateway/flow.h"

#include <algorithm>

#include "amtgate/control/protocol.h"
#include "amtgate/gateway/carry.h"
#include "amtgate/gateway/local_address.h"
#include "amtgate/session/passthrough_joint.h"
#include "amtgate/session/redir_joint.h"
#include "amtgate/session/vnc_joint.h"
#include "amtgate/sys/clock.h"

namespace amtgate::gateway {
namespace {

constexpr Port kRedirTlsPort{16995};
constexpr Duration kClientTlsDeadline = seconds(10);
// A person may have to look at the gateway's certificate first.
constexpr Duration kViewerTlsDeadline = seconds(120);
constexpr Duration kClosingDeadline = seconds(3);
constexpr Duration kBypassConnectDeadline = seconds(60);
// A device whose client has gone gets this long to end its side; then its session slot is worth more.
constexpr Duration kLinger = seconds(5);
constexpr std::size_t kReadSize = 8192;
// A busy side may not starve the loop.
constexpr int kReadsPerTurn = 16;

log::RateLimit& stranger_limit() {
  static log::RateLimit limit(10, 50);
  return limit;
}

/// As the configuration spells it.
std::string_view client_auth_word(config::ClientAuth a) {
  switch (a) {
    case config::ClientAuth::None: return "none";
    case config::ClientAuth::Users: return "users";
    case config::ClientAuth::Passthrough: return "passthrough";
  }
  return "?";
}

session::ViewerId viewer_id(control::SessionId id) {
  return {id.value};
}

}  // namespace

std::string screen_key(const Directory& directory, const IpAddress& client, const Endpoint& destination) {
  const Directory::Match match =
      directory.match(client, destination, is_local(client) ? packet::Origin::Local : packet::Origin::Forwarded);
  if (match.target == nullptr || match.target->vnc_mode != config::VncMode::Translate) return {};
  const Result<std::string> key = screen_key(directory, *match.target, destination.address);
  return key ? *key : std::string();
}

Result<std::string> screen_key(const Directory& directory, const config::Target& target,
                               const IpAddress& destination) {
  const Result<IpAddress> address = directory.device(target, destination);
  if (!address) return address.error();
  return target.name + "|" + address->to_string();
}

Flow::Flow(Shard& shard, control::SessionId id, net::Accepted accepted)
    : shard_(shard),
      id_(id),
      client_at_(accepted.client),
      destination_(accepted.destination),
      started_(sys::wall_now()),
      began_(shard.loop().now()),
      client_(std::make_unique<net::Stream>(shard.loop(), std::move(accepted.fd))),
      timer_(shard.loop(), [this] { on_timer(); }) {}

Flow::Flow(Shard& shard, control::SessionId id, ScriptViewer viewer)
    : shard_(shard),
      id_(id),
      script_(std::move(viewer.who)),
      destination_{viewer.address, kVncPort},
      started_(sys::wall_now()),
      began_(shard.loop().now()),
      target_(std::move(viewer.target)),
      client_(std::make_unique<net::Stream>(shard.loop(), std::move(viewer.connection))),
      timer_(shard.loop(), [this] { on_timer(); }) {}

Flow::~Flow() {
  leave_screen();
  if (!passthrough_account_.empty()) shard_.shared().dialer.login_undecided(passthrough_account_);
}

void Flow::start() {
  if (is_script()) return start_script();
  if (destination_.port == shard_.shared().listener_port && is_local(destination_.address)) {
    // Nobody aims at the listener itself but by mistake or to probe it.
    log::info(
        stranger_limit(), "client.direct",
        {{"client", client_at_}, {"to", destination_}, {"why", "connects are caught on their way, not taken here"}});
    client_->reset();
    return ended();
  }
  policy_ = shard_.shared().policy();
  const bool local = is_local(client_at_.address);
  const Directory::Match match = policy_->directory->match(client_at_.address, destination_,
                                                           local ? packet::Origin::Local : packet::Origin::Forwarded);
  switch (match.decision.reason) {
    case packet::Reason::Allowed: return start_target(match);
    case packet::Reason::DeniedRefuse:
      shard_.mutable_counters().denied.add();
      log::warn(stranger_limit(), "client.denied",
                {{"client", client_at_},
                 {"target", match.target->name},
                 {"to", destination_},
                 {"why", "`allow` of the target does not name the client"}});
      if (!shard_.may_refuse_in_words()) {
        shard_.mutable_counters().shed.add();
        client_->reset();
        return ended();
      }
      denied_ = Error{Errc::Refused, client_at_.address.to_string() + " may not use " + match.target->name +
                                         " (the gateway's `allow` does not name it)"};
      return start_target(match);
    default: return start_bypass();
  }
}

void Flow::start_target(const Directory::Match& match) {
  target_ = match.target;
  if (destination_.port == kVncPort) service_ = Service::Vnc;
  if (destination_.port == kRedirTlsPort) return secure_client();
  start_joint();
}

void Flow::secure_client() {
  state_ = State::Secure;
  client_->start_tls(*shard_.shared().server_tls, kClientTlsDeadline, [this](Result<void> done) {
    if (state_ != State::Secure) return;
    if (!done) {
      why_ = Error{done.error().code, "TLS with the client failed: " + done.error().detail};
      failed(*why_);
      client_->reset();
      return ended();
    }
    start_joint();
  });
}

std::unique_ptr<session::Joint> Flow::make_joint(std::string& impossible) {
  const TimePoint now = shard_.loop().now();
  const config::Target& t = *target_;
  if (service_ == Service::Vnc) {
    std::optional<std::string> password;
    if (t.vnc_security == config::VncSecurity::Password) {
      password = t.vnc_password.reveal();
    } else if (t.vnc_security == config::VncSecurity::Tls) {
      impossible = "vnc_security = tls cannot be had with vnc_mode = splice; write none, password or translate";
    } else if (t.client_auth != config::ClientAuth::None) {
      impossible = "client_auth = " + std::string(client_auth_word(t.client_auth)) +
                   " wants a login, which a VNC viewer has only with vnc_security = password";
    }
    return std::make_unique<session::VncJoint>(password, shard_.random(), now);
  }
  if (t.client_auth == config::ClientAuth::Passthrough) {
    session::PassthroughOptions options;
    options.services = t.services;
    options.allow_plaintext = t.plaintext_auth;
    options.device = t.name;
    return std::make_unique<session::PassthroughJoint>(options, shard_.random(), now);
  }
  session::RedirOptions options;
  options.services = t.services;
  if (t.client_auth == config::ClientAuth::Users) {
    if (policy_->users == nullptr) {
      impossible = "client_auth = users, and there is no users file: `amtgate passwd` makes it";
    } else {
      options.users = policy_->users.get();
      options.realm = policy_->users->realm();
    }
  }
  return std::make_unique<session::RedirJoint>(options, shard_.random(), now);
}

// --- a screen ---------------------------------------------------------------------------------------------

/// False where the viewer has to be told something else first, or nothing is translated: the joint does that.
bool Flow::start_screen() {
  const config::Target& t = *target_;
  if (service_ != Service::Vnc || denied_ || t.vnc_mode != config::VncMode::Translate) return false;
  if (t.client_auth != config::ClientAuth::None && t.vnc_password.empty()) return false;
  const std::string key = screen_key(*policy_->directory, client_at_.address, destination_);
  if (key.empty()) return false;
  session::ViewerOptions options;
  options.tls = t.vnc_security == config::VncSecurity::Tls;
  if (t.vnc_security != config::VncSecurity::None && !t.vnc_password.empty()) {
    options.password = t.vnc_password.reveal();
  }
  open_screen(key, options);
  return true;
}

/// A script of the control socket. It is let in already, whatever `allow` and vnc_security ask of viewers.
void Flow::start_script() {
  policy_ = shard_.shared().policy();
  service_ = Service::Vnc;
  method_ = "control";
  const Result<std::string> key = screen_key(*policy_->directory, *target_, destination_.address);
  if (key) return open_screen(*key, {.password = {}, .script = true});
  why_ = key.error();
  failed(*why_);
  append(last_words_.buffer(), as_bytes(control::viewer_refused(*why_)));
  client_->on_ready([this](net::Ready) { drain_closing(); });
  closing();
  drain_closing();
}

void Flow::open_screen(const std::string& key, const session::ViewerOptions& options) {
  state_ = State::Screen;
  screen_ = &shard_.screen(key, target_, destination_.address);
  screen_->attach(*this, viewer_id(id_), options, is_script() ? script_ : client_at_.address.to_string());
  client_->on_ready([this](net::Ready) { pump_screen(); });
  pump_screen();
}

void Flow::pump_screen() {
  if (state_ == State::Closing) return drain_closing();
  if (state_ != State::Screen || viewer_tls_ == ViewerTls::Handshake) return;
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; i < kReadsPerTurn && state_ == State::Screen; ++i) {
    const net::IoResult got = client_->read(buffer);
    if (got.status == net::Io::Again) break;
    if (got.status == net::Io::Ok) {
      screen_->receive(viewer_id(id_), Bytes(buffer).first(got.bytes));
      continue;
    }
    const bool closed = got.status == net::Io::Closed;
    why_ = closed ? Error{Errc::Closed, "the client closed the connection"} : client_->error();
    if (joined_screen_) {
      log_end(closed ? "closed" : "reset", "client", why_->detail, client_->rx_bytes(), client_->tx_bytes());
    } else {
      stage_ = screen_->stage();
      failed(*why_);
    }
    return ended();
  }
  if (state_ != State::Screen) return;
  screen_output();
  if (state_ == State::Screen) screen_->pump();
}

void Flow::screen_output() {
  if (state_ != State::Screen || viewer_tls_ == ViewerTls::Handshake) return;
  if (is_script()) {
    if (!joined_screen_) return client_->want(true, false);  // not before it is answered
    while (!first_words_.view().empty()) {
      const net::IoResult put = client_->write(first_words_.view());
      if (put.status != net::Io::Ok) return client_->want(true, true);
      first_words_.sent(put.bytes);
    }
  }
  const session::ViewerId id = viewer_id(id_);
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const Bytes out = screen_->output(id);
    if (out.empty()) break;
    const net::IoResult put = client_->write(out);
    if (put.status != net::Io::Ok) break;  // a failure shows when it is read from
    screen_->sent(id, put.bytes);
  }
  if (viewer_tls_ == ViewerTls::Due && screen_->output(id).empty()) return secure_viewer();
  client_->want(true, !screen_->output(id).empty());
}

void Flow::screen_start_tls() {
  viewer_tls_ = ViewerTls::Due;
  screen_output();
}

/// VeNCrypt: the rest of RFB's opening, and all behind it, inside of TLS.
void Flow::secure_viewer() {
  viewer_tls_ = ViewerTls::Handshake;
  client_->start_tls(*shard_.shared().viewer_tls, kViewerTlsDeadline, [this](Result<void> done) {
    if (state_ != State::Screen) return;
    viewer_tls_ = ViewerTls::None;
    if (!done) {
      why_ = Error{done.error().code, "TLS with the client failed: " + done.error().detail};
      failed(*why_);
      client_->reset();
      return ended();
    }
    screen_->tls_started(viewer_id(id_));
    pump_screen();
  });
}

void Flow::screen_known(rfb::SecurityType security, bool tls) {
  if (!is_script()) method_ = std::string(tls ? "tls-" : "") + std::string(rfb::name(security));
}

void Flow::screen_joined() {
  joined_screen_ = true;
  device_at_ = screen_->device();
  device_tls_ = screen_->tls();
  device_trust_ = screen_->trust();
  if (is_script()) {
    append(first_words_.buffer(), as_bytes(control::viewer_accepted({.target = target_->name,
                                                                     .device = device_at_.to_string(),
                                                                     .tls = device_tls_,
                                                                     .keyboard = target_->keyboard})));
  }
  log_open();
}

void Flow::screen_ended(const Error& error) {
  if (state_ != State::Screen) return;
  if (!why_) why_ = error;
  if (joined_screen_) {
    log_end(error.code == Errc::Closed ? "closed" : amtgate::name(error.code), "device", why_->detail,
            client_->rx_bytes(), client_->tx_bytes());
  } else {
    stage_ = screen_->stage();
    if (const Endpoint device = screen_->device(); device.port.value != 0) device_at_ = device;
    failed(error);
    if (is_script()) {
      append(last_words_.buffer(), as_bytes(control::viewer_refused(error)));
    } else {
      append(last_words_.buffer(), screen_->output(viewer_id(id_)));
    }
  }
  leave_screen();
  closing();
  drain_closing();
}

void Flow::leave_screen() {
  if (screen_ == nullptr) return;
  ScreenHost* screen = screen_;
  screen_ = nullptr;
  screen->detach(viewer_id(id_));
}

Result<void> Flow::take_keyboard() {
  if (state_ != State::Screen || !joined_screen_) {
    return Error{Errc::BadValue, "session " + std::to_string(id_.value) + " is no viewer of a screen"};
  }
  return screen_->give(viewer_id(id_));
}

void Flow::start_joint() {
  if (start_screen()) return;
  state_ = State::Join;
  std::string impossible;
  joint_ = make_joint(impossible);
  const TimePoint now = shard_.loop().now();
  if (denied_) {
    joint_->fail(*denied_, now);
  } else if (!impossible.empty()) {
    joint_->fail({Errc::Refused, target_->name + ": " + impossible}, now);
  }
  client_->on_ready([this](net::Ready ready) { pump(ready.read, false); });
  pump(true, false);  // what opened the connection is mostly there
}

// --- joining ----------------------------------------------------------------------------------------------

/// Only the side that the loop called for is read: asking the other costs as much as a message, and hears nothing.
void Flow::pump(bool client_readable, bool device_readable) {
  if (state_ == State::Closing) return drain_closing();
  if (state_ != State::Join && state_ != State::Flush) return;
  if (!pump_client(client_readable) || !pump_device(device_readable)) return;
  if (state_ == State::Flush) {
    if (joint_->client_output().empty() && joint_->device_output().empty()) return start_relay();
  } else {
    const TimePoint now = shard_.loop().now();
    if (const auto due = joint_->deadline(); due && now >= *due) {
      joint_->tick(now);
      handle_events();
      if (state_ == State::Ended) return;
    }
    if (state_ == State::Flush || state_ == State::Closing) return pump(false, false);
  }
  arm();
}

/// False when this flow has gone on to something else, and the caller must touch nothing more.
bool Flow::pump_client(bool readable) {
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; readable && i < kReadsPerTurn && state_ == State::Join; ++i) {
    const net::IoResult got = client_->read(buffer);
    if (got.status == net::Io::Again) break;
    if (got.status == net::Io::Ok) {
      readable = got.bytes == buffer.size();  // a short read has emptied it
      joint_->receive_client(Bytes(buffer).first(got.bytes), shard_.loop().now());
      handle_events();
      continue;
    }
    why_ = got.status == net::Io::Closed ? Error{Errc::Closed, "the client closed the connection"} : client_->error();
    failed(*why_);
    ended();
    return false;
  }
  if (!write_client()) return false;
  return state_ != State::Ended && (state_ != State::Closing || (drain_closing(), false));
}

bool Flow::write_client() {
  while (!joint_->client_output().empty()) {
    const net::IoResult put = client_->write(joint_->client_output());
    if (put.status == net::Io::Again) break;
    if (put.status != net::Io::Ok) {
      why_ = client_->error();
      failed(*why_);
      ended();
      return false;
    }
    joint_->client_sent(put.bytes);
  }
  return true;
}

bool Flow::pump_device(bool readable) {
  if (!device_) return true;
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; readable && i < kReadsPerTurn && state_ == State::Join; ++i) {
    const net::IoResult got = device_->read(buffer);
    if (got.status == net::Io::Again) break;
    const TimePoint now = shard_.loop().now();
    if (got.status == net::Io::Ok) {
      readable = got.bytes == buffer.size();
      joint_->receive_device(Bytes(buffer).first(got.bytes), now);
    } else {
      const bool closed = got.status == net::Io::Closed || device_->error().code == Errc::Closed;
      joint_->fail(
          closed ? Error{Errc::Closed, target_->name + " (" + device_at_.to_string() + ") closed the connection"}
                 : device_->error(),
          now);
      shard_.loop().retire(std::shared_ptr<net::Stream>(std::move(device_)));
      handle_events();
      break;
    }
    handle_events();
    if (!write_device()) return false;
  }
  if (state_ == State::Ended) return false;
  if ((state_ == State::Join || state_ == State::Flush) && !write_device()) return false;
  if (!write_client()) return false;
  return state_ != State::Closing || (drain_closing(), false);
}

bool Flow::write_device() {
  while (device_ && !joint_->device_output().empty()) {
    const net::IoResult put = device_->write(joint_->device_output());
    if (put.status == net::Io::Again) break;
    if (put.status != net::Io::Ok) return true;  // reading tells why
    joint_->device_sent(put.bytes);
  }
  return true;
}

void Flow::arm() {
  if (state_ != State::Join && state_ != State::Flush) return;
  client_->want(state_ == State::Join, !joint_->client_output().empty());
  if (device_) device_->want(state_ == State::Join, !joint_->device_output().empty());
  if (state_ == State::Flush) {
    if (!timer_.armed()) timer_.arm(kClosingDeadline);
  } else if (const auto due = joint_->deadline()) {
    timer_.arm_at(*due);
  } else {
    timer_.cancel();
  }
}

void Flow::handle_events() {
  while (state_ == State::Join) {
    auto event = joint_->next_event();
    if (!event) return;
    std::visit([this](auto& e) { handle(e); }, *event);
  }
}

void Flow::handle(session::NeedDevice& need) {
  service_ = need.service;
  stage_ = "connect";
  const Result<IpAddress> address = policy_->directory->device(*target_, destination_.address);
  const TimePoint now = shard_.loop().now();
  if (!address) return joint_->device_failed({address.error(), 0}, now);
  if (need.depth == session::Depth::Transport) {
    const std::string account = target_->name + "|" + address->to_string() + "|" + client_at_.address.to_string();
    std::string why;
    if (!shard_.shared().dialer.may_log_in(account, why)) {
      return joint_->device_failed({{Errc::AuthFailed, target_->name + ": " + why}, 0}, now);
    }
    passthrough_account_ = account;
  }
  device::Request request;
  request.target = target_;
  request.address = *address;
  request.service = need.service;
  request.log_in = need.depth == session::Depth::Authenticated;
  device_at_ = {*address, Port{0}};
  opening_ = shard_.shared().dialer.open(shard_.loop(), std::move(request),
                                         [this](auto outcome) { device_done(std::move(outcome)); });
}

void Flow::device_done(std::variant<device::Opened, device::Failure> outcome) {
  const TimePoint now = shard_.loop().now();
  if (state_ != State::Join) return;
  if (auto* failure = std::get_if<device::Failure>(&outcome)) {
    stage_ = failure->stage;
    if (failure->device.port.value != 0) device_at_ = failure->device;
    joint_->device_failed({failure->error, failure->start_status}, now);
  } else {
    auto& opened = std::get<device::Opened>(outcome);
    stage_ = "join";
    device_at_ = opened.device;
    device_tls_ = std::move(opened.tls);
    device_trust_ = std::move(opened.trust);
    device_ = std::move(opened.stream);
    device_->on_ready([this](net::Ready ready) { pump(false, ready.read); });
    joint_->device_opened(opened.rest, now);
  }
  shard_.loop().retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  handle_events();
  if (state_ != State::Ended) pump(false, false);
}

void Flow::handle(session::ClientKnown& who) {
  // With client_auth = none a client's name is only its claim.
  if (target_->client_auth != config::ClientAuth::None) user_ = std::move(who.user);
  method_ = std::move(who.method);
}

void Flow::handle(session::HandOff& hand_off) {
  judge_passthrough(true);
  hand_off_ = std::move(hand_off);
  state_ = State::Flush;
  timer_.cancel();
}

void Flow::handle(session::End& end) {
  why_ = end.error;
  if (end.error.code == Errc::AuthFailed) judge_passthrough(false);
  failed(end.error);
  closing();
}

void Flow::judge_passthrough(bool accepted) {
  if (passthrough_account_.empty()) return;
  shard_.shared().dialer.login_judged(passthrough_account_, accepted);
  passthrough_account_.clear();
}

void Flow::failed(const Error& error) {
  if (denied_ || target_ == nullptr) return;  // said already
  shard_.mutable_counters().failed_of(error.code).add();
  if (error.code == Errc::AuthFailed && stage_ == "join") shard_.mutable_counters().login_refused.add();
  log::warn(stranger_limit(), "session.failed",
            {{"sid", id_.value},
             {"kind", service_ ? std::string(amtgate::name(*service_)) : std::string("-")},
             {"client", client_name()},
             {"target", target_->name},
             {"device", device_at_.port.value != 0 ? device_at_.to_string() : std::string("-")},
             {"stage", stage_},
             {"cause", amtgate::name(error.code)},
             {"took_ms", shard_.loop().now() - began_},
             {"why", error.detail}});
}

// --- closing ----------------------------------------------------------------------------------------------

/// The last words are in the joint's output: they go out, our direction ends, and the client gets a moment to read
/// them; a close with unread bytes of the client would turn into a reset that takes the words with it.
void Flow::closing() {
  state_ = State::Closing;
  if (opening_) shard_.loop().retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  if (device_) {
    write_device();
    shard_.loop().retire(std::shared_ptr<net::Stream>(std::move(device_)));
  }
  timer_.arm(kClosingDeadline);
}

void Flow::drain_closing() {
  if (state_ != State::Closing) return;
  if (joint_ && !write_client()) return;
  while (!last_words_.view().empty()) {
    const net::IoResult put = client_->write(last_words_.view());
    if (put.status != net::Io::Ok) break;
    last_words_.sent(put.bytes);
  }
  const bool said = last_words_.view().empty() && (!joint_ || joint_->client_output().empty());
  if (said) client_->close_write();
  std::array<std::uint8_t, kReadSize> ignored;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const net::IoResult got = client_->read(ignored);
    if (got.status == net::Io::Ok) continue;
    if (got.status != net::Io::Again) return ended();
    break;
  }
  client_->want(true, !said);
}

void Flow::on_timer() {
  switch (state_) {
    case State::Join: return pump(false, false);
    case State::Flush:
      why_ = Error{Errc::Timeout, "the client takes no bytes"};
      failed(*why_);
      return ended();
    case State::Closing: return ended();
    default: return;
  }
}

void Flow::end(const Error& why) {
  switch (state_) {
    case State::Relay:
    case State::Bypass:
      why_ = why;
      if (relay_) return relay_->end();
      return ended();
    case State::Join:
      joint_->fail(why, shard_.loop().now());
      handle_events();
      if (state_ == State::Ended) return;
      if (state_ == State::Join) {
        // The client has not spoken yet, so it cannot be told.
        why_ = why;
        failed(why);
        return ended();
      }
      return pump(false, false);
    case State::Screen:
      why_ = why;
      screen_->end(viewer_id(id_), why);
      return screen_->pump();
    case State::Closing:
    case State::Ended: return;
    case State::New:
    case State::Secure:
    case State::Flush:
      why_ = why;
      failed(why);
      return ended();
  }
}

void Flow::ended() {
  if (state_ == State::Ended) return;
  state_ = State::Ended;
  timer_.cancel();
  leave_screen();
  if (client_) client_->want(false, false);
  if (device_) device_->want(false, false);
  if (opening_) shard_.loop().retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  shard_.finished(*this);
}

// --- relaying ---------------------------------------------------------------------------------------------

void Flow::start_relay() {
  state_ = State::Relay;
  timer_.cancel();
  net::RelayOptions options;
  options.to_client.first = std::move(hand_off_->to_client);
  options.to_client.transform = make_transform(hand_off_->from_device, client_->is_tls());
  options.to_device.first = std::move(hand_off_->to_device);
  options.linger = kLinger;
  hand_off_.reset();
  joint_.reset();
  log_open();
  relay_ = std::make_unique<net::Relay>(shard_.pool(), std::move(client_), std::move(device_), std::move(options),
                                        [this](const net::RelayEnd& end) { relay_ended(end); });
}

void Flow::log_open() {
  shard_.mutable_counters().opened_of(*service_).add();
  log::info("session.open", {{"sid", id_.value},
                             {"kind", amtgate::name(*service_)},
                             {"client", client_name()},
                             {"target", target_->name},
                             {"device", device_at_},
                             {"user", user_.empty() ? "-" : user_},
                             {"method", method_.empty() ? "-" : method_},
                             {"tls", device_tls_.empty() ? "none" : device_tls_},
                             {"trust", device_trust_.empty() ? "-" : device_trust_},
                             {"client_tls", client_->is_tls() ? client_->tls_version() : "none"},
                             {"took_ms", shard_.loop().now() - began_}});
}

void Flow::log_end(std::string_view cause, std::string_view side, std::string_view why, std::uint64_t rx,
                   std::uint64_t tx) {
  shard_.mutable_counters().to_device_bytes.add(rx);
  shard_.mutable_counters().to_client_bytes.add(tx);
  log::info("session.end", {{"sid", id_.value},
                            {"kind", amtgate::name(*service_)},
                            {"client", client_name()},
                            {"target", target_->name},
                            {"device", device_at_},
                            {"user", user_.empty() ? "-" : user_},
                            {"method", method_.empty() ? "-" : method_},
                            {"tls", device_tls_.empty() ? "none" : device_tls_},
                            {"cause", cause},
                            {"side", side},
                            {"rx_bytes", rx},
                            {"tx_bytes", tx},
                            {"duration_ms", shard_.loop().now() - began_},
                            {"why", why}});
}

void Flow::relay_ended(const net::RelayEnd& end) {
  const net::RelayStats stats = relay_->stats();
  Counters& counters = shard_.mutable_counters();
  counters.spliced_bytes.add(stats.spliced_bytes);
  if (state_ == State::Relay) {
    log_end(net::name(end.cause), net::name(end.side),
            why_ ? why_->detail : (end.error ? end.error->detail : std::string("-")), stats.to_device_bytes,
            stats.to_client_bytes);
  }
  ended();
}

/// Nobody's machine: connected to where the client aimed, from its own address where that can be.
void Flow::start_bypass() {
  state_ = State::Bypass;
  shard_.mutable_counters().bypassed.add();
  net::ConnectOptions options;
  options.to = destination_;
  options.mark = shard_.shared().own_mark;
  options.deadline = kBypassConnectDeadline;
  if (shard_.shared().transparent && !is_local(client_at_.address)) {
    options.source = Endpoint{client_at_.address, Port{0}};
    options.foreign_source = true;
  }
  connector_ = std::make_unique<net::Connector>(shard_.loop(), options, [this](Result<sys::UniqueFd> fd) {
    if (state_ != State::Bypass) return;
    if (!fd) {
      log::debug("bypass.failed", {{"client", client_at_}, {"to", destination_}, {"why", fd.error().detail}});
      client_->reset();  // what the client would have seen without us
      return ended();
    }
    device_ = std::make_unique<net::Stream>(shard_.loop(), std::move(*fd));
    relay_ = std::make_unique<net::Relay>(shard_.pool(), std::move(client_), std::move(device_), net::RelayOptions{},
                                          [this](const net::RelayEnd& end) { relay_ended(end); });
  });
}

control::SessionInfo Flow::info() const {
  control::SessionInfo out;
  out.id = id_;
  out.target = target_->name;
  out.service = service_ ? std::string(amtgate::name(*service_)) : std::string();
  out.client = client_name();
  out.user = user_;
  out.device = device_at_.port.value != 0 ? device_at_.to_string() : std::string();
  out.tls = device_tls_;
  out.started = started_;
  switch (state_) {
    case State::Relay: out.state = "open"; break;
    case State::Screen:
      out.state = joined_screen_ ? "open" : "connecting";
      out.rx_bytes = client_->rx_bytes();
      out.tx_bytes = client_->tx_bytes();
      if (screen_->device().port.value != 0) out.device = screen_->device().to_string();
      out.tls = screen_->tls();
      if (joined_screen_) out.role = is_script() ? "script" : screen_->types(viewer_id(id_)) ? "types" : "watches";
      break;
    case State::Closing:
    case State::Ended: out.state = "closing"; break;
    case State::Join:
    case State::Flush: out.state = device_ ? "authenticating" : "connecting"; break;
    default: out.state = "connecting"; break;
  }
  if (relay_) {
    const net::RelayStats stats = relay_->stats();
    out.rx_bytes = stats.to_device_bytes;
    out.tx_bytes = stats.to_client_bytes;
  }
  return out;
}

}  // namespace amtgate::gateway
