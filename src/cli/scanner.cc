#include "amtgate/cli/scanner.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>

#include "amtgate/net/connect.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"
#include "amtgate/tls/context.h"

namespace amtgate::cli {
namespace {

struct WebPort {
  Port port;
  bool tls;
};
constexpr std::array<WebPort, 4> kWebPorts = {
    {{Port{16992}, false}, {Port{16993}, true}, {Port{623}, false}, {Port{664}, true}}};
/// Connections at once: well below what a process may have open.
constexpr std::size_t kMaxProbes = 600;
constexpr Duration kTalk = seconds(5);
constexpr std::size_t kRead = 2048;
constexpr int kReadsPerTurn = 64;
/// A lost ping is one lost machine: each is sent twice, as other scanners do.
constexpr Duration kAgain = seconds(1);

Result<sys::UniqueFd> open_udp(bool v4, std::uint32_t mark) {
  sys::UniqueFd fd(::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return Error{Errc::System, std::string("no UDP socket: ") + std::strerror(errno)};
  const int value = static_cast<int>(mark);
  if (mark != 0 && ::setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &value, sizeof value) != 0) {
    return Error{Errc::System, std::string("cannot mark a socket: ") + std::strerror(errno)};
  }
  return fd;
}

class Scanner {
 public:
  Scanner(net::Loop& loop, const std::vector<IpAddress>& addresses, const ScanOptions& options,
          OnProgress on_progress)
      : loop_(loop),
        addresses_(addresses),
        options_(options),
        on_progress_(std::move(on_progress)),
        pace_(loop, [this] { step(); }) {}

  Result<void> run() {
    tls::ClientPolicy policy;
    policy.min = tls::Version::V1_0;  // nothing secret is said, and old firmware speaks nothing newer
    policy.legacy = true;
    Result<tls::Context> context = tls::Context::client(policy);
    if (!context) return context.error();
    context_ = std::move(*context);
    for (const bool v4 : {true, false}) {
      if (std::ranges::none_of(addresses_, [v4](const IpAddress& a) { return a.is_v4() == v4; })) continue;
      Result<sys::UniqueFd> fd = open_udp(v4, options_.mark);
      if (!fd) return fd.error();
      Udp& udp = v4 ? v4_ : v6_;
      udp.fd = std::move(*fd);
      udp.watch = std::make_unique<net::Watch>(loop_, udp.fd.get(), [this, &udp](net::Ready) { hear(udp); });
      udp.watch->want(true, false);
    }
    step();
    loop_.run();
    if (found_.empty() && last_error_ && sent_ == 0) return *last_error_;
    return {};
  }

  std::map<IpAddress, Found> take() { return std::move(found_); }

 private:
  struct Udp {
    sys::UniqueFd fd;
    std::unique_ptr<net::Watch> watch;
  };
  struct Probe {
    IpAddress address;
    WebPort at{};
    std::unique_ptr<net::Connector> connector;
    std::unique_ptr<net::Stream> stream;
    std::unique_ptr<net::Timer> timer;
    std::string request;
    std::string head;
  };

  void step() {
    const TimePoint now = loop_.now();
    while (!again_.empty() && again_.front().first <= now) {
      if (const auto f = found_.find(again_.front().second); f == found_.end() || !f->second.pong) {
        ping(again_.front().second);
      }
      again_.pop_front();
    }
    // As many as the time that has gone by allows, and no flood after a rest.
    const double due = std::chrono::duration<double>(now - (last_ ? *last_ : now)).count() * options_.rate;
    credit_ = std::min(credit_ + due, std::max(1.0, options_.rate / 10.0));
    last_ = now;
    for (; next_ < addresses_.size() && credit_ >= 1 && probes_.size() + kWebPorts.size() <= kMaxProbes; ++next_) {
      credit_ -= 1;
      look_at(addresses_[next_]);
    }
    on_progress_(next_, addresses_.size(), found_.size());
    const bool heard = last_ping_ && now - *last_ping_ >= options_.wait;
    if (next_ == addresses_.size() && probes_.empty() && again_.empty() && (heard || !last_ping_))
      return loop_.stop();
    pace_.arm(milliseconds(20));
  }

  void look_at(const IpAddress& address) {
    ping(address);
    again_.emplace_back(loop_.now() + kAgain, address);
    for (const WebPort& at : kWebPorts) connect(address, at);
  }

  void ping(const IpAddress& address) {
    const Udp& udp = address.is_v4() ? v4_ : v6_;
    sockaddr_storage to{};
    const socklen_t n = Endpoint{address, packet::kRmcpPort}.to_sockaddr(to);
    const auto ping = packet::make_ping(kTag);
    last_ping_ = loop_.now();
    if (::sendto(udp.fd.get(), ping.data(), ping.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), n) <
        0) {
      last_error_ = Error{Errc::Unreachable, address.to_string() + " cannot be reached: " + std::strerror(errno)};
    } else {
      ++sent_;
    }
  }

  void hear(Udp& udp) {
    std::array<std::uint8_t, packet::kMaxPongBytes + 1> buffer;
    for (int i = 0; i < kReadsPerTurn; ++i) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t n = ::recvfrom(udp.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n < 0) continue;  // what an earlier ping met
      const std::optional<packet::Pong> pong = packet::parse_pong(Bytes(buffer).first(static_cast<std::size_t>(n)));
      const Endpoint who = Endpoint::from_sockaddr(from);
      if (!pong || !pong->is_amt() || pong->tag != kTag || who.port != packet::kRmcpPort) continue;
      if (!std::ranges::binary_search(addresses_, who.address)) continue;  // nobody asked it
      found_[who.address].pong = pong;
    }
  }

  void connect(const IpAddress& address, const WebPort& at) {
    const std::uint64_t id = ids_++;
    auto probe = std::make_shared<Probe>();
    probe->address = address;
    probe->at = at;
    net::ConnectOptions options;
    options.to = {address, at.port};
    options.mark = options_.mark;
    options.deadline = options_.wait;
    probe->timer = std::make_unique<net::Timer>(loop_, [this, id] { end(id); });
    probe->connector = std::make_unique<net::Connector>(
        loop_, options, [this, id](Result<sys::UniqueFd> fd) { connected(id, std::move(fd)); });
    probes_.emplace(id, std::move(probe));
  }

  void connected(std::uint64_t id, Result<sys::UniqueFd> fd) {
    const auto at = probes_.find(id);
    if (at == probes_.end()) return;
    if (!fd) return end(id);
    ++sent_;
    Probe& p = *at->second;
    p.timer->arm(kTalk);
    p.stream = std::make_unique<net::Stream>(loop_, std::move(*fd));
    if (!p.at.tls) return talk(id);
    p.stream->start_tls(*context_, kTalk, [this, id](Result<void> done) {
      if (probes_.find(id) == probes_.end()) return;
      done ? talk(id) : end(id);
    });
  }

  void talk(std::uint64_t id) {
    Probe& p = *probes_.at(id);
    const std::string host = p.address.is_v4() ? p.address.to_string() : "[" + p.address.to_string() + "]";
    p.request = http::banner_request(host + ":" + std::to_string(p.at.port.value));
    p.stream->on_ready([this, id](net::Ready) { go_on(id); });
    p.stream->want(true, true);
  }

  void go_on(std::uint64_t id) {
    const auto at = probes_.find(id);
    if (at == probes_.end()) return;
    Probe& p = *at->second;
    while (!p.request.empty()) {
      const net::IoResult put = p.stream->write(as_bytes(p.request));
      if (put.status == net::Io::Again) break;
      if (put.status != net::Io::Ok) return end(id);
      p.request.erase(0, put.bytes);
    }
    std::array<std::uint8_t, kRead> block;
    while (true) {
      const net::IoResult got = p.stream->read(block);
      if (got.status == net::Io::Again) break;
      if (got.status != net::Io::Ok) return judge(id);
      p.head.append(as_text(Bytes(block).first(got.bytes)));
      const bool whole = p.head.find("\r\n\r\n") != std::string::npos || p.head.find("\n\n") != std::string::npos;
      if (whole || p.head.size() >= http::kMaxBannerHead) return judge(id);
    }
    p.stream->want(true, !p.request.empty());
  }

  void judge(std::uint64_t id) {
    const Probe& p = *probes_.at(id);
    if (std::optional<http::Banner> banner = http::parse_banner(p.head)) {
      Found& f = found_[p.address];
      f.banner = std::move(banner);
      f.ports.push_back(p.at.port);
      std::ranges::sort(f.ports);
    }
    end(id);
  }

  void end(std::uint64_t id) {
    const auto at = probes_.find(id);
    if (at == probes_.end()) return;
    at->second->timer->cancel();
    if (at->second->stream) at->second->stream->want(false, false);
    loop_.retire(std::move(at->second));
    probes_.erase(at);
  }

  static constexpr std::uint8_t kTag = 0x5c;

  net::Loop& loop_;
  const std::vector<IpAddress>& addresses_;  // in order
  const ScanOptions options_;
  OnProgress on_progress_;
  net::Timer pace_;
  std::optional<tls::Context> context_;
  Udp v4_, v6_;
  std::size_t next_ = 0;
  double credit_ = 1;
  std::optional<TimePoint> last_;
  std::optional<TimePoint> last_ping_;
  std::deque<std::pair<TimePoint, IpAddress>> again_;
  std::map<std::uint64_t, std::shared_ptr<Probe>> probes_;
  std::uint64_t ids_ = 0;
  std::size_t sent_ = 0;
  std::optional<Error> last_error_;
  std::map<IpAddress, Found> found_;
};

}  // namespace

std::string version_of(const Found& found) {
  if (found.banner && !found.banner->version.empty()) return found.banner->version;
  if (!found.pong || (found.pong->major == 0 && found.pong->minor == 0)) return {};
  return std::to_string(found.pong->major) + "." + std::to_string(found.pong->minor);
}

std::string provisioning_of(const Found& found) {
  if (found.pong) return packet::name(found.pong->provisioning);
  return found.banner ? packet::name(packet::Provisioning::Post) : packet::name(packet::Provisioning::Unknown);
}

Result<std::map<IpAddress, Found>> scan(const std::vector<IpAddress>& addresses, const ScanOptions& options,
                                        const OnProgress& on_progress) {
  Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
  if (!loop) return loop.error();
  std::map<IpAddress, Found> out;
  {
    Scanner scanner(**loop, addresses, options, on_progress);
    if (const Result<void> done = scanner.run(); !done) return done.error();
    out = scanner.take();
  }
  return out;
}

}  // namespace amtgate::cli
