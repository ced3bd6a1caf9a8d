#include "amtgate/gateway/rmcp_relay.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "amtgate/gateway/local_address.h"
#include "amtgate/packet/rmcp.h"

namespace amtgate::gateway {
namespace {

// A flood may not starve the sessions of this loop.
constexpr int kReadsPerTurn = 32;
/// A client that has been silent for so long has all its tokens again.
constexpr Duration kForget = seconds(10);

log::RateLimit& denied_limit() {
  static log::RateLimit limit;
  return limit;
}

}  // namespace

RmcpRelay::RmcpRelay(net::Loop& loop, Shared& shared, std::vector<sys::UniqueFd> sockets)
    : loop_(loop), shared_(shared) {
  for (sys::UniqueFd& fd : sockets) {
    const int number = fd.get();
    auto watch = std::make_unique<net::Watch>(loop, number, [this, number](net::Ready) { caught(number); });
    watch->want(true, false);
    sockets_.push_back({std::move(fd), std::move(watch)});
  }
}

RmcpRelay::~RmcpRelay() = default;

void RmcpRelay::caught(int fd) {
  std::array<std::uint8_t, packet::kMaxPongBytes> buffer;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const std::optional<net::Datagram> datagram = net::receive_datagram(fd, buffer);
    if (!datagram) return;
    ping(*datagram);
  }
}

void RmcpRelay::ping(const net::Datagram& datagram) {
  const std::optional<std::uint8_t> tag = packet::parse_ping(datagram.data);
  if (!tag || datagram.cut) return counts_.dropped.add();
  const IpAddress& client = datagram.from.address;
  const std::shared_ptr<const Policy> policy = shared_.policy();
  const Directory::Match match = policy->directory->match_ping(
      client, datagram.to, is_local(client) ? packet::Origin::Local : packet::Origin::Forwarded);
  if (match.decision.reason == packet::Reason::DeniedRefuse) {
    counts_.denied.add();
    return log::warn(denied_limit(), "rmcp.denied",
                     {{"client", datagram.from},
                      {"target", match.target->name},
                      {"to", datagram.to},
                      {"why", "`allow` of the target does not name the client"}});
  }
  if (match.decision.reason != packet::Reason::Allowed) return counts_.dropped.add();
  if (!within_limits(client) || questions_.size() >= kMaxPending) return counts_.limited.add();
  const Result<IpAddress> device = policy->directory->device(*match.target, datagram.to.address);
  if (!device) return counts_.dropped.add();
  ask({*device, packet::kRmcpPort}, *match.target, datagram, *tag);
}

bool RmcpRelay::within_limits(const IpAddress& client) {
  const TimePoint now = loop_.now();
  if (clients_.size() >= kMaxClients && clients_.find(client) == clients_.end()) {
    std::erase_if(clients_, [now](const auto& c) { return now - c.second.last > kForget; });
    if (clients_.size() >= kMaxClients) return false;
  }
  Client& known = clients_[client];
  known.last = now;
  return known.bucket.take(now) && total_.take(now);
}

void RmcpRelay::ask(const Endpoint& device, const config::Target& target, const net::Datagram& datagram,
                    std::uint8_t tag) {
  net::ConnectOptions options;
  options.to = device;
  options.interface = target.interface;
  if (target.source) options.source = Endpoint{*target.source, Port{0}};
  options.mark = shared_.own_mark;
  Result<sys::UniqueFd> fd = net::connect_datagram(options);
  if (!fd) {
    log::debug("rmcp.failed", {{"target", target.name}, {"device", device}, {"why", fd.error().detail}});
    return counts_.dropped.add();
  }
  if (::send(fd->get(), datagram.data.data(), datagram.data.size(), MSG_NOSIGNAL) < 0) return counts_.dropped.add();
  counts_.relayed.add();
  const std::uint64_t id = next_++;
  auto question = std::make_shared<Question>();
  question->client = datagram.from;
  question->asked = datagram.to;
  question->tag = tag;
  question->watch = std::make_unique<net::Watch>(loop_, fd->get(), [this, id](net::Ready) { answered(id); });
  question->watch->want(true, false);
  question->timer = std::make_unique<net::Timer>(loop_, [this, id] { end(id); });
  question->timer->arm(kAnswer);
  question->fd = std::move(*fd);
  questions_.emplace(id, std::move(question));
}

void RmcpRelay::answered(std::uint64_t id) {
  const auto found = questions_.find(id);
  if (found == questions_.end()) return;
  const Question& question = *found->second;
  std::array<std::uint8_t, packet::kMaxPongBytes + 1> buffer;
  const ssize_t n = ::recv(question.fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n < 0) return end(id);  // nobody listens there
  const Bytes data = Bytes(buffer).first(static_cast<std::size_t>(n));
  const std::optional<packet::Pong> pong = packet::parse_pong(data);
  if (!pong || pong->tag != question.tag) return counts_.dropped.add();  // the pong may still come
  const Result<void> sent = net::send_datagram_as(question.asked, question.client, data, shared_.own_mark);
  if (sent) {
    counts_.answered.add();
  } else {
    counts_.dropped.add();
    log::debug("rmcp.failed", {{"client", question.client}, {"why", sent.error().detail}});
  }
  end(id);
}

void RmcpRelay::end(std::uint64_t id) {
  const auto found = questions_.find(id);
  if (found == questions_.end()) return;
  found->second->watch->want(false, false);
  loop_.retire(std::move(found->second));
  questions_.erase(found);
}

}  // namespace amtgate::gateway
