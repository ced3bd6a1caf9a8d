// A name server for tests, good or bad: it answers over UDP what the test says, byte for byte if need be.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loop_fixture.h"

namespace amtgate::net::test {

using Octets = std::vector<std::uint8_t>;

struct DnsQuestion {
  Octets header_and_question;  // as it came, without what follows the question
  std::string name;
  std::uint16_t type = 0;  // 1 A, 28 AAAA
};

inline void be16(Octets& out, std::size_t n) {
  out.push_back(static_cast<std::uint8_t>(n >> 8U));
  out.push_back(static_cast<std::uint8_t>(n));
}

inline Octets labels(std::string_view name) {
  Octets out;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out.push_back(0);
  return out;
}

struct Record {
  std::string name;
  std::uint16_t type = 1;
  std::uint32_t ttl = 0;
  Octets data;
};
inline Record address_record(const std::string& name, std::uint32_t ttl, const std::string& address) {
  const IpAddress a = *IpAddress::parse(address);
  return {name, static_cast<std::uint16_t>(a.is_v4() ? 1 : 28), ttl, Octets(a.bytes().begin(), a.bytes().end())};
}

/// An answer with these records and this code (0 fine, 2 SERVFAIL, 3 NXDOMAIN).
inline Octets dns_answer(const DnsQuestion& q, const std::vector<Record>& records, unsigned code = 0,
                         bool truncated = false) {
  Octets out = q.header_and_question;
  out[2] = truncated ? 0x87 : 0x85;  // answer, authoritative, recursion wanted
  out[3] = static_cast<std::uint8_t>(0x80U | code);
  out[6] = static_cast<std::uint8_t>(records.size() >> 8U);
  out[7] = static_cast<std::uint8_t>(records.size());
  out[8] = out[9] = out[10] = out[11] = 0;
  for (const Record& r : records) {
    const Octets name = labels(r.name);
    out.insert(out.end(), name.begin(), name.end());
    be16(out, r.type);
    be16(out, 1);
    be16(out, r.ttl >> 16U);
    be16(out, r.ttl & 0xffffU);
    be16(out, r.data.size());
    out.insert(out.end(), r.data.begin(), r.data.end());
  }
  return out;
}

/// On 127.0.0.1 or another loopback address, over UDP and, for what is truncated there, TCP.
class NameServer {
 public:
  /// Nothing: the question stays without an answer.
  using Answer = std::function<std::optional<Octets>(const DnsQuestion&)>;

  NameServer(Loop& loop, Answer answer, const std::string& address = "127.0.0.1", Port port = {})
      : loop_(loop), answer_(std::move(answer)) {
    // A free UDP port may be taken for TCP.
    for (int i = 0; i < 20 && !tcp_; ++i) {
      udp_.reset(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      Endpoint at{*IpAddress::parse(address), port};
      sockaddr_storage name{};
      socklen_t n = at.to_sockaddr(name);
      EXPECT_EQ(::bind(udp_.get(), reinterpret_cast<sockaddr*>(&name), n), 0);
      n = sizeof name;
      ::getsockname(udp_.get(), reinterpret_cast<sockaddr*>(&name), &n);
      port_ = at.port = Endpoint::from_sockaddr(name).port;
      if (Result<sys::UniqueFd> listener = open_listener({.at = at})) tcp_ = std::move(*listener);
    }
    EXPECT_TRUE(tcp_);
    on_udp_.emplace(loop, udp_.get(), [this](Ready) { serve(); });
    on_udp_->want(true, false);
    on_tcp_.emplace(loop, tcp_.get(), [this](Ready) { accept(); });
    on_tcp_->want(true, false);
  }

  Port port() const { return port_; }
  /// Of `type`, so far.
  int asked(std::uint16_t type = 1) const { return asked_.contains(type) ? asked_.at(type) : 0; }
  int asked_over_tcp() const { return over_tcp_; }
  void say(Answer answer) { answer_ = std::move(answer); }
  /// What is said to those who come back over TCP.
  void say_over_tcp(Answer answer) { tcp_answer_ = std::move(answer); }

 private:
  static std::optional<DnsQuestion> parse(const Octets& in) {
    DnsQuestion q;
    std::size_t at = 12;
    while (at < in.size() && in[at] != 0) {
      if (!q.name.empty()) q.name += '.';
      q.name.append(in.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                    in.begin() + static_cast<std::ptrdiff_t>(at) + 1 + in[at]);
      at += 1U + in[at];
    }
    if (at + 5 > in.size()) return std::nullopt;
    q.type = static_cast<std::uint16_t>(in[at + 1] << 8U | in[at + 2]);
    q.header_and_question.assign(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(at) + 5);
    return q;
  }

  void serve() {
    Octets in(4096);
    sockaddr_storage from{};
    socklen_t n = sizeof from;
    const ssize_t got = ::recvfrom(udp_.get(), in.data(), in.size(), 0, reinterpret_cast<sockaddr*>(&from), &n);
    if (got <= 0) return;
    in.resize(static_cast<std::size_t>(got));
    const std::optional<DnsQuestion> q = parse(in);
    ASSERT_TRUE(q);
    ++asked_[q->type];
    const std::optional<Octets> out = answer_(*q);
    if (out) ::sendto(udp_.get(), out->data(), out->size(), 0, reinterpret_cast<sockaddr*>(&from), n);
  }

  void accept() {
    auto open =
        std::make_shared<sys::UniqueFd>(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!*open) return;
    connections_.push_back(
        {open, std::make_unique<Watch>(loop_, open->get(), [this, open](Ready) { serve_tcp(*open); })});
    connections_.back().watch->want(true, false);
  }

  /// One read has one whole question, or several: the kernel joins what comes over the loopback.
  void serve_tcp(const sys::UniqueFd& fd) {
    Octets in(4096);
    const ssize_t got = ::recv(fd.get(), in.data(), in.size(), 0);
    if (got <= 0) {
      for (Connection& c : connections_) {
        if (c.fd->get() == fd.get()) c.watch->want(false, false);
      }
      return;
    }
    in.resize(static_cast<std::size_t>(got));
    for (std::size_t at = 0; at + 2 <= in.size();) {
      const std::size_t length = static_cast<std::size_t>(in[at] << 8U | in[at + 1]);
      ASSERT_LE(at + 2 + length, in.size());
      const auto begin = in.begin() + static_cast<std::ptrdiff_t>(at) + 2;
      const std::optional<DnsQuestion> q = parse(Octets(begin, begin + static_cast<std::ptrdiff_t>(length)));
      ASSERT_TRUE(q);
      ++over_tcp_;
      at += 2 + length;
      const std::optional<Octets> out = tcp_answer_(*q);
      if (!out) continue;
      Octets framed;
      be16(framed, out->size());
      framed.insert(framed.end(), out->begin(), out->end());
      EXPECT_EQ(::send(fd.get(), framed.data(), framed.size(), MSG_NOSIGNAL), static_cast<ssize_t>(framed.size()));
    }
  }

  struct Connection {
    std::shared_ptr<sys::UniqueFd> fd;
    std::unique_ptr<Watch> watch;
  };

  Loop& loop_;
  Answer answer_;
  Answer tcp_answer_ = [](const DnsQuestion&) { return std::nullopt; };
  sys::UniqueFd udp_;
  sys::UniqueFd tcp_;
  Port port_;
  std::map<std::uint16_t, int> asked_;
  int over_tcp_ = 0;
  std::optional<Watch> on_udp_;
  std::optional<Watch> on_tcp_;
  std::vector<Connection> connections_;
};

}  // namespace amtgate::net::test
