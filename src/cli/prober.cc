#include "amtgate/cli/prober.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "amtgate/device/web_client.h"
#include "amtgate/net/connect.h"
#include "amtgate/net/datagram.h"
#include "amtgate/net/ping.h"
#include "amtgate/packet/rmcp.h"
#include "amtgate/sys/clock.h"
#include "amtgate/wsman/power.h"

namespace amtgate::cli {
namespace {

constexpr Duration kPause = seconds(1);
/// For what answers at once or is not there: a ping, a connection.
constexpr Duration kPatience = seconds(2);

/// What may be otherwise at the next look, as with a machine that restarts.
bool may_come(Errc code) {
  switch (code) {
    case Errc::Unreachable:
    case Errc::Timeout:
    case Errc::Closed:
    case Errc::Busy:
    case Errc::Refused: return true;
    default: return false;
  }
}

TimePoint soon(TimePoint until) {
  const TimePoint now = sys::now();
  return std::min(now + kPatience, std::max(until, now + seconds(1)));
}

}  // namespace

Prober::Prober(const Common& common, const Site& site, ScreenSource::Options screen)
    : common_(common), site_(site), screen_(std::move(screen)) {}

Prober::~Prober() = default;

wsman::Caller& Prober::machine() {
  if (!machine_) machine_ = site_.client.machine(site_.target, site_.address, site_.port);
  return *machine_;
}

Result<Prober::Seen> Prober::look(const WaitCondition& c, TimePoint until) {
  using enum WaitCondition::Kind;
  Result<Seen> seen = Seen{};
  if (c.kind == Ping || c.kind == Tcp) {
    const Result<IpAddress> pc = address_of(site_.pc);
    if (!pc) {
      seen = pc.error();
    } else if (c.kind == Tcp) {
      seen = look_tcp(c, *pc, until);
    } else {
      const Result<bool> answered = net::ping(*pc, site_.mark, soon(until) - sys::now());
      if (!answered) return answered.error();
      seen = Seen{*answered, pc->to_string() + (*answered ? " answers pings" : " does not answer pings")};
    }
  } else if (c.kind == Rmcp) {
    seen = look_rmcp(until);
  } else if (c.kind == Screen) {
    seen = look_screen(c, until);
  } else {
    seen = look_power(c);
  }
  if (!seen && may_come(seen.error().code)) seen = Seen{false, seen.error().detail};
  if (!seen) return seen;
  // The screen's own look has waited for the contrary already.
  if (c.kind != Screen) seen->met = seen->met == c.wanted;
  return seen;
}

Result<Prober::Seen> Prober::look_tcp(const WaitCondition& c, const IpAddress& pc, TimePoint until) const {
  const Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
  if (!loop) return loop.error();
  net::ConnectOptions options;
  options.to = {pc, c.port};
  options.mark = site_.mark;  // past our own rules
  options.deadline = soon(until) - sys::now();
  std::optional<Result<sys::UniqueFd>> done;
  const net::Connector connector(**loop, options, [&](Result<sys::UniqueFd> fd) {
    done = std::move(fd);
    (*loop)->stop();
  });
  (*loop)->run();
  if (!*done) return done->error();
  return Seen{true, options.to.to_string() + " takes connections"};
}

Result<Prober::Seen> Prober::look_rmcp(TimePoint until) const {
  net::ConnectOptions options;
  options.to = {site_.address, packet::kRmcpPort};
  options.interface = site_.target->interface;
  if (site_.target->source) options.source = Endpoint{*site_.target->source, Port{0}};
  options.mark = site_.mark;
  const Result<sys::UniqueFd> fd = net::connect_datagram(options);
  if (!fd) return fd.error();
  const auto request = packet::make_ping(1);
  const Seen silent{false, site_.address.to_string() + " does not answer presence pings"};
  if (::send(fd->get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return silent;
  const TimePoint end = soon(until);
  while (sys::now() < end) {
    pollfd p{fd->get(), POLLIN, 0};
    const auto left = std::chrono::ceil<milliseconds>(end - sys::now()).count();
    if (::poll(&p, 1, static_cast<int>(std::max<decltype(left)>(left, 0))) <= 0) continue;
    std::array<std::uint8_t, packet::kMaxPongBytes + 1> buffer;
    const ssize_t n = ::recv(fd->get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno != EAGAIN && errno != EINTR) return silent;  // nobody listens there
    if (n <= 0) continue;
    const auto pong = packet::parse_pong(Bytes(buffer).first(static_cast<std::size_t>(n)));
    if (pong && pong->is_amt()) return Seen{true, site_.address.to_string() + " answers presence pings"};
  }
  return silent;
}

Result<Prober::Seen> Prober::look_power(const WaitCondition& c) {
  const Result<wsman::PowerStatus> now = wsman::power_status(machine());
  if (!now) return now.error();
  const std::string name = "it is " + wsman::power_state_name(now->state);
  if (c.kind == WaitCondition::Kind::Power) return Seen{is_power(c.value, now->state), name};
  return Seen{true, "AMT answers"};
}

Result<Prober::Seen> Prober::look_screen(const WaitCondition& c, TimePoint until) {
  const WantedScreen* wanted = pictures_ ? pictures_(c.value) : nullptr;
  if (wanted == nullptr) return Error{Errc::BadValue, "no picture " + c.value};
  if (!source_) {
    Result<std::unique_ptr<ScreenSource>> source = ScreenSource::open(common_, screen_);
    if (!source) return source.error();
    source_ = std::move(*source);
  }
  const Result<std::unique_ptr<ScreenSession>> session = ScreenSession::open(*source_, until);
  if (!session) return session.error();
  while (true) {
    if (const Result<void> whole = (*session)->wait_complete(until); !whole) return whole.error();
    const ScreenVerdict verdict = compare((*session)->picture(), *wanted);
    if (verdict.matches() == c.wanted) return Seen{true, verdict.text};
    const Result<bool> changed = (*session)->wait_update(until);
    if (!changed) return changed.error();
    if (!*changed) return Seen{false, verdict.text};
  }
}

Result<Prober::Waited> Prober::wait(const WaitCondition& c, TimePoint until,
                                    const std::function<bool(const Seen&)>& on_look) {
  const TimePoint began = sys::now();
  while (true) {
    const TimePoint looked = sys::now();
    const Result<Seen> seen = look(c, until);
    if (!seen) return seen.error();
    const TimePoint now = sys::now();
    if (seen->met || now >= until) return Waited{seen->met, now - began, seen->text};
    if (on_look && !on_look(*seen)) return Waited{false, now - began, seen->text};
    std::this_thread::sleep_until(std::min(until, looked + kPause));
  }
}

std::string took_text(Duration d) {
  const double s = std::chrono::duration<double>(d).count();
  if (s >= 100) return human_duration(static_cast<std::int64_t>(s));
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", s);
  return text;
}

}  // namespace amtgate::cli
