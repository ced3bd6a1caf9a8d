#include "amtgate/gateway/flow.h"

#include <algorithm>
#include <utility>

#include "amtgate/control/protocol.h"
#include "amtgate/gateway/carry.h"
#include "amtgate/gateway/joint_choice.h"
#include "amtgate/gateway/local_address.h"
#include "amtgate/gateway/screen_key.h"
#include "amtgate/gateway/serial_host.h"
#include "amtgate/gateway/user_roles.h"
#include "amtgate/session/telnet_user.h"
#include "amtgate/sys/clock.h"

namespace amtgate::gateway {
namespace {

constexpr Port kRedirTlsPort{16995};
constexpr Duration kClientTlsDeadline = seconds(10);
constexpr Duration kBypassConnectDeadline = seconds(60);
// A device whose client has gone gets this long to end its side; then its session slot is worth more.
constexpr Duration kLinger = seconds(5);

log::RateLimit& stranger_limit() {
  static log::RateLimit limit(10, 50);
  return limit;
}

template <class T>
void retire(net::Loop& loop, std::unique_ptr<T>& object) {
  if (object) loop.retire(std::shared_ptr<T>(std::move(object)));
}

}  // namespace

Flow::Flow(Shard& shard, control::SessionId id, net::Accepted accepted)
    : shard_(shard),
      script_(false),
      client_at_(accepted.client),
      destination_(accepted.destination),
      policy_(shard.shared().policy()),
      record_{id, client_at_.to_string(), sys::wall_now(), shard.loop().now()},
      client_(std::make_unique<net::Stream>(shard.loop(), std::move(accepted.fd))) {}

Flow::Flow(Shard& shard, control::SessionId id, ScriptViewer viewer)
    : shard_(shard),
      script_(true),
      hands_(viewer.hands),
      destination_{viewer.address, kVncPort},
      policy_(shard.shared().policy()),
      record_{id, std::move(viewer.who), sys::wall_now(), shard.loop().now(), std::move(viewer.target)},
      client_(std::make_unique<net::Stream>(shard.loop(), std::move(viewer.connection))) {
  record_.user = std::move(viewer.user);
}

Flow::Flow(Shard& shard, control::SessionId id, SerialCaller caller)
    : shard_(shard),
      script_(caller.method == "control"),
      door_(true),
      client_at_(caller.client),
      destination_{caller.address, Port{0}},
      policy_(shard.shared().policy()),
      record_{id, std::move(caller.who), sys::wall_now(), shard.loop().now(), std::move(caller.target)},
      client_(std::make_unique<net::Stream>(shard.loop(), std::move(caller.connection))) {
  record_.user = std::move(caller.user);
  record_.method = std::move(caller.method);
  record_.service = Service::Sol;
}

Flow::~Flow() {
  forget_serial();
}

// --- whose it is ------------------------------------------------------------------------------------------

void Flow::start() {
  client_->on_ready([this](net::Ready ready) { client_ready(ready); });
  if (door_) return start_serial();
  if (script_) return start_script();
  const bool local = is_local(client_at_.address);
  if (destination_.port == shard_.shared().listener_port && is_local(destination_.address)) {
    // Nobody aims at the listener itself but by mistake or to probe it.
    log::info(
        stranger_limit(), "client.direct",
        {{"client", client_at_}, {"to", destination_}, {"why", "connects are caught on their way, not taken here"}});
    client_->reset();
    return ended();
  }
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
      record_.denied = true;
      refusal_ = Error{Errc::Refused, client_at_.address.to_string() + " may not use " + match.target->name +
                                          " (the gateway's `allow` does not name it)"};
      return start_target(match);
    default: return bypass();
  }
}

void Flow::start_target(const Directory::Match& match) {
  record_.target = match.target;
  if (destination_.port == kVncPort) record_.service = Service::Vnc;
  if (is_web_port(destination_.port)) record_.service = Service::Wsman;
  if (destination_.port == kRedirTlsPort || is_web_tls_port(destination_.port)) return secure_client();
  start_session();
}

/// It is let in already, whatever `allow` and vnc_security ask of viewers.
void Flow::start_script() {
  record_.service = Service::Vnc;
  record_.method = "control";
  const Result<std::string> screen = screen_key(*policy_->directory, *record_.target, destination_.address);
  if (screen) return view(*screen, {.password = {}, .hands = hands_, .script = true});
  failed(screen.error());
  const std::string refused = control::viewer_refused(screen.error());
  close(LastWords{Buffer(refused.begin(), refused.end())});
}

/// `allow` counts at the doors as it does on AMT's own ports; a terminal's file has its own permissions.
void Flow::start_serial() {
  const config::Target& t = *record_.target;
  const IpAddress& from = client_at_.address;
  const auto names = [&from](const Network& n) { return n.contains(from); };
  const bool allowed =
      client_at_.port.value == 0 || (t.allow.empty() ? is_local(from) : std::ranges::any_of(t.allow, names));
  if (!allowed) {
    shard_.mutable_counters().denied.add();
    log::warn(stranger_limit(), "client.denied",
              {{"client", client_at_},
               {"target", t.name},
               {"to", client_->local()},
               {"why", "`allow` of the target does not name the client"}});
    record_.denied = true;
    if (!shard_.may_refuse_in_words()) {
      shard_.mutable_counters().shed.add();
      client_->reset();
      return ended();
    }
    const std::string words =
        "[amtgate: " + from.to_string() + " may not use " + t.name + " (its `allow` does not name it)]\r\n";
    return close(LastWords{Buffer(words.begin(), words.end())});
  }
  SerialHost& host = shard_.serial(record_.id, record_.target, destination_.address);
  if (host.full()) {
    failed({Errc::Busy, "too many use this serial console at once"});
    const std::string words = "[amtgate: too many use this serial console at once]\r\n";
    return close(LastWords{Buffer(words.begin(), words.end())});
  }
  if (!script_) {
    std::unique_ptr<session::SerialUser> user;
    if (record_.method == "telnet") {
      user = std::make_unique<session::TelnetUser>("amtgate " + t.name);
    } else {
      user = std::make_unique<session::RawUser>();
    }
    return serve(host, std::move(user), {});
  }
  // A script is answered first.
  state_ = State::Join;
  serial_ = &host;
  host.wait(session::UserId{record_.id.value}, [this](const std::optional<session::DeviceFailure>& failure) {
    SerialHost& ready = *std::exchange(serial_, nullptr);
    if (failure) {
      record_.stage = ready.stage();
      failed(failure->error);
      const std::string refused = control::viewer_refused(failure->error);
      return close(LastWords{Buffer(refused.begin(), refused.end())});
    }
    const std::string answer = control::viewer_accepted(
        {.target = record_.target->name, .device = ready.device().to_string(), .tls = ready.tls(), .keyboard = {}});
    serve(ready, std::make_unique<session::RawUser>(), {.words = Buffer(answer.begin(), answer.end())});
  });
}

void Flow::secure_client() {
  state_ = State::Secure;
  client_->start_tls(*shard_.shared().server_tls, kClientTlsDeadline, [this](Result<void> done) {
    if (state_ != State::Secure) return;
    if (done) return start_session();
    failed({done.error().code, "TLS with the client failed: " + done.error().detail});
    client_->reset();
    ended();
  });
}

void Flow::start_session() {
  if (record_.service == Service::Wsman) return web();
  const config::Target& t = *record_.target;
  const bool viewer = record_.service == Service::Vnc && t.vnc_mode == config::VncMode::Translate;
  if (!viewer || refusal_) return join(refusal_);
  if (!why_no_viewer(t, *policy_).empty()) return join({});  // make_joint() says it
  const Result<std::string> screen = screen_key(*policy_->directory, t, destination_.address);
  if (!screen) return join(screen.error());
  session::ViewerOptions options;
  options.tls = t.vnc_security == config::VncSecurity::Tls;
  if (options.tls && t.client_auth == config::ClientAuth::Users) {
    options.login = viewer_login(policy_->users, record_.target);
  } else if (t.vnc_security != config::VncSecurity::None && !t.vnc_password.empty()) {
    options.password = t.vnc_password.reveal();
  }
  view(*screen, options);
}

// --- its phases -------------------------------------------------------------------------------------------

void Flow::client_ready(net::Ready ready) {
  if (joining_) return joining_->pump(ready.read, false);
  if (viewing_) return viewing_->pump();
  if (serving_) return serving_->pump(ready.read);
  if (web_) return web_->pump(ready.read, false);
  if (closing_) closing_->pump();
}

void Flow::view(const std::string& screen, const session::ViewerOptions& options) {
  state_ = State::View;
  viewing_ = std::make_unique<Viewing>(shard_, shard_.screen(screen, record_.target, destination_.address), record_,
                                       *client_, options, [this](auto words) { close(std::move(words)); });
  viewing_->pump();
}

void Flow::web() {
  state_ = State::Web;
  if (const WebSeats::Room room = shard_.web_seats().room(client_at_.address);
      !refusal_ && room != WebSeats::Room::Yes) {
    refusal_ = Error{Errc::Busy, room == WebSeats::Room::None ? "too many clients at once; try again in a moment"
                                                              : "too many connections of yours at once; end some"};
  }
  web_ =
      std::make_unique<Web>(shard_, *policy_, record_, *client_, Web::Aim{client_at_.address, destination_.address},
                            refusal_, [this](auto words) { close(std::move(words)); });
  web_->pump(true, false);
}

void Flow::join(const std::optional<Error>& refusal) {
  state_ = State::Join;
  const TimePoint now = shard_.loop().now();
  std::unique_ptr<session::Joint> joint =
      make_joint(record_.service, *record_.target, *policy_, shard_.random(), now);
  if (refusal) joint->fail(*refusal, now);
  joining_ = std::make_unique<Joining>(
      shard_, *policy_, record_, *client_, Joining::Aim{client_at_.address, destination_.address}, std::move(joint),
      [this](const session::NeedDevice& need) { return provide_serial(need); },
      [this](session::HandOff hand_off, device::Opened device) { joined(std::move(hand_off), std::move(device)); },
      [this](auto words) { close(std::move(words)); });
  joining_->pump(true, false);  // what opened the connection is mostly there
}

/// The session of a console that is shared is there already, or is opened for all.
bool Flow::provide_serial(const session::NeedDevice& need) {
  if (need.service != Service::Sol || need.depth != session::Depth::Authenticated) return false;
  if (!record_.target->shares_serial()) return false;
  SerialHost& host = shard_.serial(record_.id, record_.target, destination_.address);
  serial_ = &host;
  host.wait(session::UserId{record_.id.value}, [this](const std::optional<session::DeviceFailure>& failure) {
    if (failure) {
      record_.stage = serial_->stage();
      record_.device = serial_->device();
      serial_ = nullptr;
    }
    if (joining_) joining_->provided(failure);
  });
  return true;
}

void Flow::joined(session::HandOff hand_off, device::Opened device) {
  const config::Target& t = *record_.target;
  const bool own = device.stream != nullptr && record_.service == Service::Sol && (t.reconnect || t.record_sol) &&
                   t.client_auth != config::ClientAuth::Passthrough;
  if (device.stream != nullptr && !own) return relay(std::move(hand_off), std::move(device));
  SerialHost* host = std::exchange(serial_, nullptr);
  if (own) {
    host = &shard_.serial(record_.id, record_.target, destination_.address);
    append(device.rest, hand_off.to_client);
    host->adopt(std::move(device));
  }
  // amtterm loses what it reads together with some messages; a TLS record keeps them apart.
  const milliseconds pause(client_->is_tls() ? 0 : 50);
  serve(*host, std::make_unique<session::SolUser>(pause, shard_.loop().now()),
        {.typed = std::move(hand_off.to_device)});
}

void Flow::serve(SerialHost& host, std::unique_ptr<session::SerialUser> user, Serving::Begin begin) {
  state_ = State::Serve;
  retire(shard_.loop(), joining_);
  serving_ = std::make_unique<Serving>(shard_, host, record_, *client_, std::move(user), std::move(begin),
                                       [this](auto words) { close(std::move(words)); });
  serving_->pump(true);
}

/// It is waited for no longer.
void Flow::forget_serial() {
  if (serial_ != nullptr) std::exchange(serial_, nullptr)->cancel(session::UserId{record_.id.value});
}

void Flow::relay(session::HandOff hand_off, device::Opened device) {
  state_ = State::Relay;
  retire(shard_.loop(), joining_);
  net::RelayOptions options;
  options.to_client.first = std::move(hand_off.to_client);
  options.to_client.transform = make_transform(hand_off.from_device, client_->is_tls());
  options.to_device.first = std::move(hand_off.to_device);
  options.linger = kLinger;
  device_session_ = std::move(device.session);
  record_.opened(shard_.mutable_counters(), *client_, shard_.loop().now());
  relay_ = std::make_unique<net::Relay>(shard_.pool(), std::move(client_), std::move(device.stream),
                                        std::move(options), [this](const net::RelayEnd& end) { relay_ended(end); });
}

void Flow::relay_ended(const net::RelayEnd& end) {
  const net::RelayStats stats = relay_->stats();
  shard_.mutable_counters().spliced_bytes.add(stats.spliced_bytes);
  if (state_ == State::Relay) {
    const std::string why = asked_ ? asked_->detail : end.error ? end.error->detail : "-";
    record_.ended(shard_.mutable_counters(),
                  {net::name(end.cause), net::name(end.side), why, stats.to_device_bytes, stats.to_client_bytes},
                  shard_.loop().now());
  }
  ended();
}

/// Nobody's machine: connected to where the client aimed, from its own address where that can be.
void Flow::bypass() {
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
    relay_ = std::make_unique<net::Relay>(
        shard_.pool(), std::move(client_), std::make_unique<net::Stream>(shard_.loop(), std::move(*fd)),
        net::RelayOptions{}, [this](const net::RelayEnd& end) { relay_ended(end); });
  });
}

// --- its end ----------------------------------------------------------------------------------------------

void Flow::failed(const Error& why) {
  record_.failed(shard_.mutable_counters(), why, shard_.loop().now());
}

void Flow::close(std::optional<LastWords> words) {
  if (!words) return ended();
  state_ = State::Closing;
  forget_serial();
  retire(shard_.loop(), joining_);
  retire(shard_.loop(), viewing_);
  retire(shard_.loop(), serving_);
  retire(shard_.loop(), web_);
  closing_ = std::make_unique<Closing>(shard_.loop(), *client_, std::move(*words), [this] { ended(); });
  closing_->pump();
}

void Flow::end(const Error& why) {
  switch (state_) {
    case State::Join:
      if (joining_) return joining_->end(why);
      failed(why);
      return ended();
    case State::Serve: return serving_->end(why);
    case State::View: return viewing_->end(why);
    case State::Web: return web_->end(why);
    case State::Relay:
    case State::Bypass:
      asked_ = why;
      if (relay_) return relay_->end();
      return ended();
    case State::New:
    case State::Secure: failed(why); return ended();
    case State::Closing:
    case State::Ended: return;
  }
}

void Flow::ended() {
  if (state_ == State::Ended) return;
  state_ = State::Ended;
  if (client_) client_->want(false, false);
  forget_serial();
  retire(shard_.loop(), joining_);
  retire(shard_.loop(), viewing_);
  retire(shard_.loop(), serving_);
  retire(shard_.loop(), web_);
  shard_.finished(*this);
}

Result<void> Flow::take_keyboard() {
  if (viewing_) return viewing_->take_keyboard();
  if (serving_) return serving_->take_keyboard();
  return Error{Errc::BadValue,
               "session " + std::to_string(record_.id.value) + " is no viewer of a screen, and at no serial console"};
}

control::SessionInfo Flow::info() const {
  control::SessionInfo out = record_.info();
  out.state = "connecting";
  if (state_ == State::Closing || state_ == State::Ended) {
    out.state = "closing";
  } else if (viewing_) {
    viewing_->describe(out);
  } else if (serving_) {
    serving_->describe(out);
  } else if (web_) {
    web_->describe(out);
  } else if (joining_ && joining_->has_device()) {
    out.state = "authenticating";
  } else if (state_ == State::Relay) {
    out.state = "open";
    const net::RelayStats stats = relay_->stats();
    out.rx_bytes = stats.to_device_bytes;
    out.tx_bytes = stats.to_client_bytes;
  }
  return out;
}

}  // namespace amtgate::gateway
