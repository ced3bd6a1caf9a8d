#include "amtgate/device/dialer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <tuple>
#include <vector>

#include "amtgate/device/known_store.h"
#include "amtgate/device/login_guard.h"
#include "amtgate/device/trust_policy.h"
#include "amtgate/net/connect.h"
#include "amtgate/redir/client_role.h"
#include "amtgate/sys/log.h"
#include "src/device/endings.h"
#include "src/device/memory.h"

namespace amtgate::device {
namespace {

constexpr Port kPlainPort{16994};
constexpr Port kTlsPort{16995};
constexpr Port kWebPlainPort{16992};
constexpr Port kWebTlsPort{16993};
// The same server at the ports of ASF and DASH. Some machines have these alone.
constexpr Port kDashPlainPort{623};
constexpr Port kDashTlsPort{664};
// A PC's controller that is asleep answers its first packet late, rarely after 5 s; a filtered port never does, so
// the first of two ports gets less.
constexpr Duration kConnectDeadline = seconds(5);
constexpr Duration kFirstOfTwoDeadline = seconds(3);
// AMT 8 takes seconds for an RSA handshake while its host boots.
constexpr Duration kTlsDeadline = seconds(10);
constexpr Duration kQueueDeadline = seconds(20);
// While a session of ours is still closing there.
constexpr Duration kBusyRetry = milliseconds(500);

std::string seconds_text(Duration d) {
  return std::to_string(std::max<long long>(1, std::chrono::ceil<seconds>(d).count())) + " s";
}

/// What helps against the TLS failures that people meet; empty where we do not know.
std::string tls_hint(const std::string& detail, const config::Target& target) {
  const auto has = [&](const char* text) { return detail.find(text) != std::string::npos; };
  if (target.tls_min >= config::TlsVersion::V1_2 && (has("legacy") || has("protocol") || has("version"))) {
    return "; old firmware needs `tls_min = 1.0` for this target";
  }
  if (has("certificate") && has("alert") && target.tls_cert.empty()) {
    return "; the machine wants a client certificate: set tls_cert and tls_key";
  }
  // TLS 1.2 has no word of its own for a certificate that is missing.
  if (has("handshake failure") && target.tls_cert.empty()) {
    return "; it may want a client certificate (tls_cert, tls_key), or ciphers that only `tls_min = 1.0` lets in";
  }
  return {};
}

}  // namespace

struct Dialer::Impl {
  explicit Impl(DialerOptions o) : options(std::move(o)), known(options.state + "/known_certificates") {}

  DialerOptions options;
  KnownStore known;
  LoginGuard guard;
  Contexts contexts;
  Machines machines;
  std::shared_ptr<Endings> endings = std::make_shared<Endings>();
  auth::SystemRandom random;
  std::atomic<std::uint64_t> held_back{0};
};

namespace {

/// One attempt: a row of asynchronous steps, each ending in the next or in fail().
class Attempt final : public Opening {
 public:
  Attempt(Dialer::Impl& shared, net::Loop& loop, Request request, Dialer::Done done)
      : shared_(shared),
        loop_(loop),
        request_(std::move(request)),
        done_(std::move(done)),
        timer_(loop, [this] { on_timer(); }),
        account_(Dialer::own_account(*request_.target, request_.address)),
        seat_(request_.address, request_.service) {
    const bool web = request_.service == Service::Wsman;
    if (web) request_.log_in = false;
    const config::Target& t = *request_.target;
    plain_key_ = {request_.address, web ? kWebPlainPort : kPlainPort};
    std::vector<Port> tls{kTlsPort}, plain{kPlainPort};
    if (web) tls = {kWebTlsPort, kDashTlsPort}, plain = {kWebPlainPort, kDashPlainPort};
    const auto add = [&](const std::vector<Port>& ports) {
      for (const Port port : ports) candidates_.push_back({request_.address, port});
    };
    if (t.tls == config::TlsMode::No) {
      add(plain);
    } else if (t.tls == config::TlsMode::Yes || shared_.known.knows({t.name, request_.address}) ||
               !t.tls_ca.empty() || !t.tls_pin.empty()) {
      add(tls);  // what TLS was seen on is not talked to in clear, and who writes a CA or a pin means TLS
    } else if (shared_.machines.plain_worked(plain_key_)) {
      add(plain);
      add(tls);
    } else {
      add(tls);
      add(plain);
    }
    const auto first = std::ranges::find(candidates_, Endpoint{request_.address, request_.first});
    if (first != candidates_.end()) std::rotate(candidates_.begin(), first, first + 1);
    // Everything is reported from the loop, so begin there too.
    loop_.defer([this, alive = std::weak_ptr<bool>(alive_)] {
      if (!alive.expired()) ask_guard();
    });
  }

  ~Attempt() override {
    if (owes_guard_) shared_.guard.undecided(account_);
  }

 private:
  const config::Target& target() const { return *request_.target; }
  std::string who() const { return target().name + " (" + device_.to_string() + ")"; }

  void on_timer() {
    switch (step_) {
      case Step::Guard: return ask_guard();
      case Step::Role: return pump(false);
      case Step::Busy: return connect();
      default: return;
    }
  }

  void ask_guard() {
    device_ = candidates_.front();
    if (!request_.log_in) return connect();
    const TimePoint now = loop_.now();
    if (!queued_since_) queued_since_ = now;
    const LoginGuard::Answer answer = shared_.guard.ask(account_, now);
    switch (answer.go) {
      case LoginGuard::Go::Now: owes_guard_ = true; return connect();
      case LoginGuard::Go::Queue:
        if (now - *queued_since_ > kQueueDeadline) {
          return fail(Errc::Timeout, "guard",
                      target().name + ": another login to it has not ended for " + seconds_text(kQueueDeadline));
        }
        timer_.arm(answer.wait);
        return;
      case LoginGuard::Go::No:
        shared_.held_back.fetch_add(1, std::memory_order_relaxed);
        return fail(Errc::AuthFailed, "guard", Dialer::held_back(target(), answer));
    }
  }

  /// The next candidate that has TLS where this one has not, or the other way round.
  std::size_t next_kind() const {
    std::size_t next = at_;
    while (next < candidates_.size() && is_tls(candidates_[next].port) == is_tls(candidates_[at_].port)) ++next;
    return next;
  }

  void connect() {
    step_ = Step::Connect;
    device_ = candidates_[at_];
    net::ConnectOptions options;
    options.to = device_;
    options.interface = target().interface;
    if (target().source) options.source = Endpoint{*target().source, Port{0}};
    options.mark = shared_.options.mark;
    options.we_speak_first = true;  // a ClientHello or a StartRedirectionSession
    options.deadline = next_kind() < candidates_.size() ? kFirstOfTwoDeadline : kConnectDeadline;
    connector_ = std::make_unique<net::Connector>(loop_, options,
                                                  [this](Result<sys::UniqueFd> fd) { connected(std::move(fd)); });
  }

  void connected(Result<sys::UniqueFd> fd) {
    if (!fd) {
      const Errc code = fd.error().code;
      unreachable_ += (unreachable_.empty() ? "" : "; ") + fd.error().detail;
      // Where nothing answers, a second port of the same kind will not either.
      const std::size_t next = code == Errc::Refused ? at_ + 1 : next_kind();
      if (next < candidates_.size() && code != Errc::System) {
        at_ = next;
        // We are inside the old connector's callback: the next one is made on the next turn.
        loop_.defer([this, alive = std::weak_ptr<bool>(alive_)] {
          if (!alive.expired()) connect();
        });
        return;
      }
      return fail(code == Errc::Refused ? Errc::Unreachable : code, "connect",
                  target().name + " cannot be reached: " + unreachable_ + hint_for(code));
    }
    stream_ = std::make_unique<net::Stream>(loop_, std::move(*fd));
    if (is_tls(device_.port)) return start_tls();
    ready();
  }

  static bool is_tls(Port port) { return port == kTlsPort || port == kWebTlsPort || port == kDashTlsPort; }

  std::string hint_for(Errc code) const {
    if (code == Errc::Refused && request_.service == Service::Wsman) return ". Is AMT on, and the address right?";
    if (code == Errc::Refused) return ". Is AMT's redirection listener on, and the address right?";
    if (code == Errc::Timeout) return ". Is the machine on the mains and on the network, and the route right?";
    return {};
  }

  void start_tls() {
    step_ = Step::Tls;
    const Result<tls::Context> context = shared_.contexts.get(target());
    if (!context) return fail(Errc::BadValue, "tls", target().name + ": " + context.error().detail);
    tls::SessionPtr session;
    if (!resumption_failed_) session = shared_.machines.session(target().name, device_);
    resuming_ = session != nullptr;
    stream_->start_tls(
        *context, kTlsDeadline, [this](Result<void> done) { secured(std::move(done)); }, session);
  }

  /// The machine has changed since it gave the session, its firmware maybe: once more, as a stranger.
  void connect_without_session() {
    resumption_failed_ = true;
    loop_.defer([this, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      stream_.reset();
      connect();
    });
  }

  void secured(Result<void> done) {
    if (!done) {
      shared_.machines.forget_session(target().name, device_);
      if (resuming_ && done.error().code != Errc::Timeout) return connect_without_session();
      return fail(done.error().code == Errc::Timeout ? Errc::Timeout : Errc::Refused, "tls",
                  who() + ": TLS failed: " + done.error().detail + tls_hint(done.error().detail, target()));
    }
    const std::vector<tls::Certificate> chain = stream_->tls()->peer_chain();
    const tls::TrustPolicy policy = trust_policy(target(), request_.address);
    const Result<tls::Verdict> verdict = shared_.known.judge(policy, {target().name, request_.address}, chain);
    if (!verdict) {
      shared_.machines.forget_session(target().name, device_);
      return fail(verdict.error().code, "trust", who() + ": " + verdict.error().detail);
    }
    trust_ = tls::name(verdict->how);
    if (verdict->how == tls::Verdict::How::FirstUse) {
      log::info("device.certificate", {{"target", target().name},
                                       {"device", device_},
                                       {"trust", "first_use"},
                                       {"sha256", chain.front().sha256()},
                                       {"subject", chain.front().subject()}});
    }
    ready();
  }

  void ready() {
    shared_.machines.worked(plain_key_, !is_tls(device_.port));
    if (!request_.log_in) return succeed();
    step_ = Step::Role;
    redir::ClientRole::Options options;
    options.service = request_.service;
    options.credentials = {target().username, target().password.reveal()};
    options.allow_plaintext = target().plaintext_auth;
    options.device = who();
    role_.emplace(options, shared_.random, loop_.now());
    stream_->on_ready([this](net::Ready ready) { pump(ready.read); });
    pump(false);
  }

  /// Moves bytes between stream and role until neither goes on. What was just written has no answer yet: the stream
  /// is read when the loop says so.
  void pump(bool readable) {
    std::array<std::uint8_t, 4096> buffer;
    const TimePoint now = loop_.now();
    bool want_write = false;
    while (true) {
      while (!want_write && !role_->output().empty()) {
        const net::IoResult written = stream_->write(role_->output());
        if (written.status == net::Io::Ok) {
          role_->sent(written.bytes);
        } else if (written.status == net::Io::Again) {
          want_write = true;
        } else {
          return broken();
        }
      }
      // Nothing may be read past the goal: what follows belongs to whoever takes the stream over.
      if (!readable || role_->open()) break;
      const net::IoResult got = stream_->read(buffer);
      readable = got.status == net::Io::Ok && got.bytes == buffer.size();
      if (got.status == net::Io::Ok) (void)role_->receive(Bytes(buffer).first(got.bytes), now);
      if (!drain()) return;
      if (got.status == net::Io::Closed || got.status == net::Io::Failed) return broken();
    }
    if (!drain()) return;
    if (role_->deadline() && now >= *role_->deadline()) {
      (void)role_->tick(now);
      if (!drain()) return;
    }
    if (role_->deadline()) timer_.arm_at(*role_->deadline());
    stream_->want(true, want_write);
  }

  /// False when the attempt has ended.
  bool drain() {
    while (auto event = role_->next_event()) {
      if (const auto* authenticated = std::get_if<redir::ClientRole::Authenticated>(&*event)) {
        method_ = redir::method_name(authenticated->method);
        judged(true);
      } else if (auto* failed = std::get_if<redir::ClientRole::Failed>(&*event)) {
        if (failed->code == Errc::AuthFailed) judged(false);
        if (failed->code == Errc::Busy && shared_.endings->closing(seat_, loop_.now())) {
          come_back();
          return false;
        }
        start_status_ = failed->status;
        if (failed->stage != redir::ClientRole::Stage::Start) start_status_ = 0;
        fail(failed->code, redir::name(failed->stage), std::move(failed->sentence));
        return false;
      } else if (std::holds_alternative<redir::ClientRole::Open>(*event)) {
        succeed();
        return false;
      }
    }
    return true;
  }

  void come_back() {
    step_ = Step::Busy;
    loop_.retire(std::shared_ptr<net::Stream>(std::move(stream_)));
    timer_.arm(kBusyRetry);
  }

  void judged(bool accepted) {
    if (!owes_guard_) return;
    owes_guard_ = false;
    if (accepted) {
      shared_.guard.accepted(account_);
    } else {
      const Duration wait = shared_.guard.refused(account_, loop_.now());
      log::warn("device.login_refused",
                {{"target", target().name}, {"device", device_}, {"user", target().username}, {"wait_ms", wait}});
    }
  }

  void broken() {
    role_->closed();
    if (!drain()) return;
    fail(Errc::Closed, "session start", who() + " closed the connection");
  }

  void succeed() {
    if (stream_->tls() != nullptr) {
      if (resuming_ && !stream_->tls()->resumed()) shared_.machines.forget_session(target().name, device_);
      if (tls::SessionPtr session = stream_->tls()->session())
        shared_.machines.remember(target().name, device_, std::move(session));
    }
    Opened opened;
    opened.device = device_;
    opened.tls = stream_->tls_version();
    opened.trust = trust_;
    opened.method = method_;
    if (request_.log_in) opened.session = Endings::begin(shared_.endings, seat_);
    if (role_) opened.rest = role_->take_rest();
    stream_->want(false, false);
    opened.stream = std::move(stream_);
    finish(std::move(opened));
  }

  void fail(Errc code, const std::string& stage, std::string sentence) {
    Failure failure{{code, std::move(sentence)}, stage, start_status_, device_};
    finish(std::move(failure));
  }

  void finish(std::variant<Opened, Failure> outcome) {
    if (owes_guard_) {
      owes_guard_ = false;
      shared_.guard.undecided(account_);
    }
    if (std::exchange(step_, Step::Done) == Step::Done) return;
    timer_.cancel();
    // The caller may keep this attempt for a while: nothing of its connection is to be heard any more.
    if (stream_) loop_.retire(std::shared_ptr<net::Stream>(std::move(stream_)));
    // Always from the loop's end of turn: the caller may destroy this attempt in there, and callbacks of ours that
    // are running now are over by then.
    auto shared_outcome = std::make_shared<std::variant<Opened, Failure>>(std::move(outcome));
    loop_.defer([this, shared_outcome, alive = std::weak_ptr<bool>(alive_)] {
      if (alive.expired()) return;
      const Dialer::Done done = std::move(done_);
      done(std::move(*shared_outcome));
    });
  }

  enum class Step { Guard, Connect, Tls, Role, Busy, Done };

  Dialer::Impl& shared_;
  net::Loop& loop_;
  Request request_;
  Dialer::Done done_;
  net::Timer timer_;
  Step step_ = Step::Guard;
  Endpoint plain_key_;  // under which it is remembered that plain text worked
  std::string account_;
  Endings::Key seat_;
  bool owes_guard_ = false;
  std::optional<TimePoint> queued_since_;
  std::vector<Endpoint> candidates_;
  std::size_t at_ = 0;
  std::string unreachable_;
  Endpoint device_;
  std::unique_ptr<net::Connector> connector_;
  std::unique_ptr<net::Stream> stream_;
  bool resuming_ = false;
  bool resumption_failed_ = false;
  std::optional<redir::ClientRole> role_;
  std::string trust_;
  std::string method_;
  std::uint8_t start_status_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

Dialer::Dialer(DialerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Dialer::~Dialer() = default;

std::unique_ptr<Opening> Dialer::open(net::Loop& loop, Request request, Done done) {
  return std::make_unique<Attempt>(*impl_, loop, std::move(request), std::move(done));
}

std::string Dialer::own_account(const config::Target& target, const IpAddress& address) {
  return target.name + "|" + address.to_string();
}

std::string Dialer::held_back(const config::Target& target, const LoginGuard::Answer& answer) {
  return target.name + " refused user '" + target.username + "' " + std::to_string(answer.refusals) +
         (answer.refusals == 1 ? " time" : " times") + "; the next login waits " + seconds_text(answer.wait) +
         ", so that AMT does not lock the account: check username and password of this target, then `amtgate reload`";
}

LoginGuard::Answer Dialer::ask(const std::string& account) {
  const LoginGuard::Answer answer = impl_->guard.ask(account, Clock::now());
  if (answer.go == LoginGuard::Go::No) impl_->held_back.fetch_add(1, std::memory_order_relaxed);
  return answer;
}

bool Dialer::may_log_in(const std::string& account, std::string& why) {
  const LoginGuard::Answer answer = ask(account);
  if (answer.go == LoginGuard::Go::Now) return true;
  if (answer.go == LoginGuard::Go::Queue) impl_->held_back.fetch_add(1, std::memory_order_relaxed);
  why = answer.go == LoginGuard::Go::Queue
            ? "another login with credentials from this client is under way"
            : "the machine refused the client's credentials " + std::to_string(answer.refusals) +
                  " times; the next login waits " + seconds_text(answer.wait);
  return false;
}

void Dialer::login_judged(const std::string& account, bool accepted) {
  if (accepted) {
    impl_->guard.accepted(account);
  } else {
    (void)impl_->guard.refused(account, Clock::now());
  }
}

void Dialer::login_undecided(const std::string& account) {
  impl_->guard.undecided(account);
}

void Dialer::forget() {
  impl_->contexts.clear();
  impl_->machines.clear();
  impl_->guard.forget_all();
}

std::vector<Dialer::RefusedLogin> Dialer::refused_logins() const {
  std::vector<RefusedLogin> out;
  for (const LoginGuard::Refused& r : impl_->guard.refused_accounts(Clock::now())) {
    const std::size_t bar = r.account.rfind('|');
    if (bar == std::string::npos) continue;
    out.push_back({r.account.substr(0, bar), r.account.substr(bar + 1), r.refusals, r.wait});
  }
  std::ranges::sort(out, [](const RefusedLogin& a, const RefusedLogin& b) {
    return std::tie(a.target, a.address) < std::tie(b.target, b.address);
  });
  return out;
}

std::uint64_t Dialer::held_back_total() const {
  return impl_->held_back.load(std::memory_order_relaxed);
}

}  // namespace amtgate::device
