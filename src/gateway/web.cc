#include "amtgate/gateway/web.h"

#include <array>
#include <utility>

#include "amtgate/gateway/user_roles.h"

namespace amtgate::gateway {
namespace {

constexpr std::size_t kReadSize = 16 * 1024;
// A busy side may not starve the loop.
constexpr int kReadsPerTurn = 16;
// Another login with the same credentials is under way.
constexpr Duration kQueueDeadline = seconds(20);

log::RateLimit& request_limit() {
  static log::RateLimit limit(50, 200);
  return limit;
}

session::WebOptions options_for(const SessionRecord& record, const Policy& policy, const Web::Aim& aim,
                                const net::Stream& client, std::optional<Error> refusal) {
  const config::Target& t = *record.target;
  session::WebOptions out;
  out.machine = t.name;
  out.credentials = {t.username, t.password.reveal()};
  out.read_only = t.wsman_only == config::WsmanOnly::Read;
  out.tls = client.is_tls();
  out.from = aim.client.to_string();
  for (const config::Host& host : t.address) {
    if (const auto* name = std::get_if<std::string>(&host)) out.names.push_back(*name);
  }
  out.refusal = std::move(refusal);
  switch (t.client_auth) {
    case config::ClientAuth::None: break;
    case config::ClientAuth::Passthrough: out.login = session::WebLogin::Passthrough; break;
    case config::ClientAuth::Users:
      out.login = session::WebLogin::Users;
      if (policy.users) {
        out.users = policy.users.get();
        out.realm = policy.users->realm();
        out.why_not = [users = policy.users, target = record.target](std::string_view user,
                                                                     wsman::RequestClass kind) {
          return why_not(*users, *target, user, kind);
        };
      } else if (!out.refusal) {
        out.refusal = Error{Errc::Refused,
                            t.name + ": client_auth = users, and there is no users file: `amtgate passwd` makes it"};
      }
  }
  if (!t.serves(Service::Wsman) && !out.refusal) {
    out.refusal = Error{Errc::Refused, t.name + " is not managed through here (wsman is not among its `services`)"};
  }
  return out;
}

}  // namespace

bool is_web_port(Port port) {
  return port == Port{16992} || port == Port{623} || is_web_tls_port(port);
}
bool is_web_tls_port(Port port) {
  return port == Port{16993} || port == Port{664};
}

Web::Web(Shard& shard, const Policy& policy, SessionRecord& record, net::Stream& client, const Aim& aim,
         std::optional<Error> refusal, OnEnd on_end)
    : shard_(shard),
      policy_(policy),
      record_(record),
      client_(client),
      aim_(aim),
      seated_(!refusal),
      on_end_(std::move(on_end)),
      proxy_(options_for(record, policy, aim, client, std::move(refusal)), shard.shared().challenger, shard.random(),
             shard.loop().now()),
      timer_(shard.loop(), [this] { pump(false, false); }),
      guard_timer_(shard.loop(), [this] {
        ask_guard();
        settle();
      }) {
  if (seated_) shard_.web_seats().take(aim_.client);
}

Web::~Web() {
  if (seated_) shard_.web_seats().leave(aim_.client);
  if (!login_.empty()) shard_.shared().dialer.login_undecided(login_);
}

// --- bytes ------------------------------------------------------------------------------------------------

void Web::pump(bool client_readable, bool device_readable) {
  if (!on_end_) return;
  if (client_readable) read_client();
  if (device_readable && on_end_) read_device();
  settle();
}

void Web::read_client() {
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; i < kReadsPerTurn && proxy_.wants_client(); ++i) {
    const net::IoResult got = client_.read(buffer);
    if (got.status == net::Io::Again) return;
    const TimePoint now = shard_.loop().now();
    if (got.status == net::Io::Closed) return proxy_.client_closed(now);
    if (got.status != net::Io::Ok) return proxy_.client_lost(client_.error());
    proxy_.receive_client(Bytes(buffer).first(got.bytes), now);
    if (got.bytes < buffer.size()) return;  // a short read has emptied it
  }
}

void Web::read_device() {
  std::array<std::uint8_t, kReadSize> buffer;
  for (int i = 0; i < kReadsPerTurn && device_ && proxy_.wants_device(); ++i) {
    const net::IoResult got = device_->read(buffer);
    if (got.status == net::Io::Again) return;
    if (got.status == net::Io::Ok) {
      proxy_.receive_device(Bytes(buffer).first(got.bytes), shard_.loop().now());
      if (got.bytes < buffer.size()) return;
      continue;
    }
    const bool closed = got.status == net::Io::Closed || device_->error().code == Errc::Closed;
    return device_gone(closed ? Error{Errc::Closed, record_.target->name + " (" + record_.device.to_string() +
                                                        ") closed the connection before it answered"}
                              : device_->error());
  }
}

void Web::device_gone(const Error& why) {
  drop_device();
  proxy_.device_closed(why, shard_.loop().now());
}

/// Until nothing moves any more without the loop.
void Web::settle() {
  if (!on_end_ || std::exchange(settling_, true)) return;
  const TimePoint now = shard_.loop().now();
  do {
    if (const auto due = proxy_.deadline(); due && now >= *due) proxy_.tick(now);
    while (on_end_) {
      auto event = proxy_.next_event();
      if (!event) break;
      std::visit([this](auto& e) { handle(e); }, *event);
    }
  } while (on_end_ && write());
  settling_ = false;
  if (on_end_) arm();
}

/// True when that led to more to do.
bool Web::write() {
  while (!proxy_.client_output().empty()) {
    const net::IoResult put = client_.write(proxy_.client_output());
    if (put.status == net::Io::Again) break;
    if (put.status != net::Io::Ok) {
      proxy_.client_lost(client_.error());
      return true;
    }
    proxy_.client_sent(put.bytes, shard_.loop().now());
  }
  while (device_ && !proxy_.device_output().empty()) {
    const net::IoResult put = device_->write(proxy_.device_output());
    if (put.status != net::Io::Ok) break;  // reading tells why
    proxy_.device_sent(put.bytes);
  }
  return proxy_.has_events();
}

void Web::arm() {
  client_.want(proxy_.wants_client(), !proxy_.client_output().empty());
  if (device_) device_->want(proxy_.wants_device(), !proxy_.device_output().empty());
  const auto due = proxy_.deadline();
  if (!due) {
    timer_.cancel();
  } else if (!timer_.armed() || *due < armed_) {
    // Mostly it moves on before it comes: then the timer finds that it is not due yet, and is armed again.
    armed_ = *due;
    timer_.arm_at(*due);
  }
}

// --- the machine ------------------------------------------------------------------------------------------

void Web::handle(Proxy::NeedDevice&) {
  drop_device();
  const Result<IpAddress> address = policy_.directory->device(*record_.target, aim_.destination);
  if (!address) return proxy_.device_failed(address.error(), shard_.loop().now());
  if (!opened_) record_.stage = "connect";
  address_ = *address;
  device::Request request;
  request.target = record_.target;
  request.address = address_;
  request.service = Service::Wsman;
  request.log_in = false;
  request.first = record_.device.port;
  opening_ = shard_.shared().dialer.open(shard_.loop(), std::move(request),
                                         [this](auto outcome) { device_done(std::move(outcome)); });
}

void Web::device_done(std::variant<device::Opened, device::Failure> outcome) {
  if (!on_end_) return;
  shard_.loop().retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  const TimePoint now = shard_.loop().now();
  if (auto* failure = std::get_if<device::Failure>(&outcome)) {
    if (!opened_) record_.stage = failure->stage;
    if (failure->device.port.value != 0) record_.device = failure->device;
    proxy_.device_failed(failure->error, now);
  } else {
    auto& opened = std::get<device::Opened>(outcome);
    device_ = std::move(opened.stream);
    record_.device = opened.device;
    record_.tls = opened.tls;
    record_.trust = opened.trust;
    if (!opened_) record_.stage = "join";
    device_->on_ready([this](net::Ready ready) { pump(false, ready.read); });
    proxy_.device_opened(opened.device, device_->is_tls(), now);
  }
  settle();
}

void Web::handle(Proxy::DropDevice&) {
  drop_device();
}

void Web::drop_device() {
  if (opening_) shard_.loop().retire(std::shared_ptr<device::Opening>(std::move(opening_)));
  if (!device_) return;
  device_->want(false, false);
  shard_.loop().retire(std::shared_ptr<net::Stream>(std::move(device_)));
}

// --- logins -----------------------------------------------------------------------------------------------

void Web::handle(Proxy::AskLogin&) {
  account_ = device::Dialer::own_account(*record_.target, address_);
  if (record_.target->client_auth == config::ClientAuth::Passthrough) account_ += "|" + aim_.client.to_string();
  asked_ = shard_.loop().now();
  ask_guard();
}

void Web::ask_guard() {
  if (!on_end_ || account_.empty()) return;
  const TimePoint now = shard_.loop().now();
  const device::LoginGuard::Answer answer = shard_.shared().dialer.ask(account_);
  if (answer.go == device::LoginGuard::Go::Queue && now - asked_ < kQueueDeadline) {
    return guard_timer_.arm(answer.wait);
  }
  const std::string account = std::exchange(account_, {});
  if (answer.go == device::LoginGuard::Go::Now) {
    login_ = account;
    return proxy_.login_granted(now);
  }
  if (answer.go == device::LoginGuard::Go::Queue) {
    return proxy_.login_held({Errc::Timeout, record_.target->name + ": another login to it has not ended"}, now);
  }
  const bool own = record_.target->client_auth != config::ClientAuth::Passthrough;
  const std::string wait = std::to_string(std::chrono::ceil<seconds>(answer.wait).count());
  proxy_.login_held({Errc::AuthFailed, own ? device::Dialer::held_back(*record_.target, answer)
                                           : record_.target->name + " refused the client's credentials; wait " +
                                                 wait + " s, so that AMT does not lock the account"},
                    now);
}

void Web::handle(Proxy::LoginJudged& judged) {
  const std::string account = std::exchange(login_, {});
  if (account.empty()) return;
  device::Dialer& dialer = shard_.shared().dialer;
  if (judged.how == Proxy::Judgement::Undecided) return dialer.login_undecided(account);
  dialer.login_judged(account, judged.how == Proxy::Judgement::Accepted);
  if (judged.how == Proxy::Judgement::Refused) {
    log::warn(request_limit(), "device.login_refused",
              {{"target", record_.target->name}, {"device", record_.device}});
  }
}

void Web::handle(Proxy::ClientRefused&) {
  shard_.mutable_counters().login_refused.add();
  log::warn(request_limit(), "client.login_refused",
            {{"sid", record_.id.value}, {"client", record_.client}, {"target", record_.target->name}});
}

// --- the record -------------------------------------------------------------------------------------------

void Web::handle(Proxy::Opened& opened) {
  opened_ = true;
  record_.user = std::move(opened.user);
  record_.method = std::move(opened.method);
  record_.opened(shard_.mutable_counters(), client_, shard_.loop().now());
}

void Web::handle(Proxy::Served& served) {
  // Who looks is not worth a line each; who changes something, or tries to, is. With a 401 it is not tried yet.
  if (served.request.kind == wsman::RequestClass::Read && served.status != 403) return;
  if (record_.denied || served.status == 401) return;
  log::info(request_limit(), "web.request",
            {{"sid", record_.id.value},
             {"client", record_.client},
             {"target", record_.target->name},
             {"user", served.user.empty() ? "-" : served.user},
             {"kind", wsman::name(served.request.kind)},
             {"what", served.request.what},
             {"status", served.status},
             {"by", served.by_device ? "device" : "gateway"}});
}

void Web::handle(Proxy::End& end) {
  const auto done = std::exchange(on_end_, nullptr);
  timer_.cancel();
  guard_timer_.cancel();
  drop_device();
  if (opened_) {
    record_.ended(shard_.mutable_counters(),
                  {amtgate::name(end.error.code), end.quiet ? "client" : "gateway", end.error.detail,
                   client_.rx_bytes(), client_.tx_bytes() + proxy_.client_output().size()},
                  shard_.loop().now());
  } else if (!end.quiet) {
    record_.failed(shard_.mutable_counters(), end.error, shard_.loop().now());
  }
  if (end.cut) {
    client_.reset();
    return done(std::nullopt);
  }
  const Bytes rest = proxy_.client_output();
  LastWords words;
  if (!rest.empty()) words.emplace_back(rest.begin(), rest.end());
  done(std::move(words));
}

void Web::end(const Error& why) {
  if (!on_end_) return;
  proxy_.fail(why, shard_.loop().now());
  settle();
}

void Web::describe(control::SessionInfo& out) const {
  out.state = opened_ ? "open" : device_ ? "authenticating" : "connecting";
  out.rx_bytes = client_.rx_bytes();
  out.tx_bytes = client_.tx_bytes();
}

}  // namespace amtgate::gateway
