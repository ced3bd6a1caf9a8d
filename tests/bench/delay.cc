// A line of some length for scripts/bench, where the kernel has no netem: passes TCP connections on, and every byte
// leaves so many milliseconds after it came, in both directions. How much is under way is not limited by the line,
// only by kMost.
//
//   delay ADDRESS PORT TO_ADDRESS TO_PORT MILLISECONDS
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kMost = 256 * kChunk;  // under way in one direction
constexpr int kReadsPerTurn = 4;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "delay: %s: %s\n", what.c_str(), std::strerror(errno));
  std::_Exit(1);
}

struct Chunk {
  Clock::time_point due;
  std::vector<char> bytes;
  std::size_t begin = 0, end = 0;
};

/// Chunks whose memory is there already.
std::vector<std::vector<char>> g_spare;

struct Direction {
  int from = -1, to = -1;
  std::deque<Chunk> under_way{};
  std::size_t held = 0;
  bool ended = false;    // nothing more comes
  bool passed = false;   // and the other side was told
  bool blocked = false;  // the socket takes no more now

  bool reads() const { return !ended && held < kMost; }

  /// False: the connection is broken.
  bool take(Clock::duration delay) {
    for (int i = 0; i < kReadsPerTurn && reads(); ++i) {
      Chunk c;
      if (g_spare.empty()) {
        c.bytes.resize(kChunk);
      } else {
        c.bytes = std::move(g_spare.back());
        g_spare.pop_back();
      }
      const ssize_t n = ::recv(from, c.bytes.data(), c.bytes.size(), MSG_DONTWAIT);
      c.due = Clock::now() + delay;
      c.end = n > 0 ? static_cast<std::size_t>(n) : 0;
      if (n <= 0) g_spare.push_back(std::move(c.bytes));
      if (n < 0) return errno == EAGAIN || errno == EINTR;
      ended = n == 0;
      held += c.end;
      const bool full = c.end == kChunk;
      under_way.push_back(std::move(c));  // an empty one is the end
      if (!full) break;
    }
    return true;
  }

  bool give(Clock::time_point now) {
    while (!under_way.empty() && under_way.front().due <= now) {
      Chunk& c = under_way.front();
      if (c.end == 0) {
        ::shutdown(to, SHUT_WR);
        passed = true;
      } else {
        const ssize_t n = ::send(to, c.bytes.data() + c.begin, c.end - c.begin, MSG_DONTWAIT | MSG_NOSIGNAL);
        blocked = n < 0 && errno == EAGAIN;
        if (blocked) return true;
        if (n < 0) return errno == EINTR;
        c.begin += static_cast<std::size_t>(n);
        held -= static_cast<std::size_t>(n);
        if (c.begin < c.end) continue;
        g_spare.push_back(std::move(c.bytes));
      }
      under_way.pop_front();
    }
    return true;
  }
};

struct Connection {
  Direction there, back;
  std::uint32_t events[2] = {0, 0};  // as epoll has them: of the client's socket, of the server's
  ~Connection() {
    ::close(there.from);
    ::close(there.to);
  }
};

sockaddr_in address(const char* host, const char* port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  if (::inet_pton(AF_INET, host, &a.sin_addr) != 1) die(host);
  return a;
}

class Line {
 public:
  Line(int listener, sockaddr_in to, Clock::duration delay) : listener_(listener), to_(to), delay_(delay) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.fd = listener_;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &e);
  }

  [[noreturn]] void run() {
    std::vector<epoll_event> events(64);
    for (;;) {
      const auto until = next();
      timespec wait{};
      if (until) {
        const auto ns = std::max<std::int64_t>(
            0, std::chrono::duration_cast<std::chrono::nanoseconds>(*until - Clock::now()).count());
        wait = {ns / 1'000'000'000, ns % 1'000'000'000};
      }
      const int n =
          ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), until ? &wait : nullptr, nullptr);
      if (n < 0 && errno != EINTR) die("epoll_pwait2");
      for (int i = 0; i < n; ++i) {
        const epoll_event& e = events[static_cast<std::size_t>(i)];
        if (e.data.fd == listener_) {
          accept_one();
        } else if (const auto found = by_fd_.find(e.data.fd); found != by_fd_.end()) {
          on_socket(*found->second, e);
        }
      }
      give_what_is_due();
    }
  }

 private:
  std::optional<Clock::time_point> next() const {
    std::optional<Clock::time_point> out;
    for (const auto& c : connections_) {
      for (const Direction* d : {&c->there, &c->back}) {
        if (!d->under_way.empty() && !d->blocked && (!out || d->under_way.front().due < *out))
          out = d->under_way.front().due;
      }
    }
    return out;
  }

  void accept_one() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto c = std::make_shared<Connection>();
    c->there.from = c->back.to = client;
    c->there.to = c->back.from = server;
    const int one = 1;
    for (const int fd : {client, server}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) != 0) return;
    for (const int fd : {client, server}) {
      epoll_event e{};
      e.data.fd = fd;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &e);
      by_fd_[fd] = c;
    }
    connections_.push_back(c);
    watch(*c);
  }

  void on_socket(Connection& c, const epoll_event& e) {
    Direction& in = e.data.fd == c.there.from ? c.there : c.back;
    Direction& out = e.data.fd == c.there.from ? c.back : c.there;
    if ((e.events & EPOLLOUT) != 0) out.blocked = false;
    const bool whole = (e.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || !in.reads() || in.take(delay_);
    if (!whole || (e.events & EPOLLERR) != 0) in.ended = in.passed = out.ended = out.passed = true;
  }

  void give_what_is_due() {
    const auto now = Clock::now();
    for (std::size_t i = 0; i < connections_.size();) {
      const std::shared_ptr<Connection> c = connections_[i];
      const bool well = c->there.give(now) && c->back.give(now);
      if (well && !(c->there.passed && c->back.passed)) {
        watch(*c);
        ++i;
        continue;
      }
      by_fd_.erase(c->there.from);
      by_fd_.erase(c->there.to);
      connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  void watch(Connection& c) {
    const auto wanted = [](const Direction& in, const Direction& out) {
      return (in.reads() ? std::uint32_t{EPOLLIN} : 0U) | (out.blocked ? std::uint32_t{EPOLLOUT} : 0U);
    };
    const std::uint32_t now[2] = {wanted(c.there, c.back), wanted(c.back, c.there)};
    for (std::size_t i = 0; i < 2; ++i) {
      if (now[i] == c.events[i]) continue;
      c.events[i] = now[i];
      epoll_event e{};
      e.events = now[i];
      e.data.fd = i == 0 ? c.there.from : c.back.from;
      ::epoll_ctl(epoll_, EPOLL_CTL_MOD, e.data.fd, &e);
    }
  }

  int listener_;
  sockaddr_in to_;
  Clock::duration delay_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::shared_ptr<Connection>> connections_;
  std::unordered_map<int, std::shared_ptr<Connection>> by_fd_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: delay ADDRESS PORT TO_ADDRESS TO_PORT MILLISECONDS\n");
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  const sockaddr_in at = address(argv[1], argv[2]);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || ::listen(listener, 128) != 0)
    die("cannot listen");
  Line(listener, address(argv[3], argv[4]), std::chrono::milliseconds(std::atoi(argv[5]))).run();
}
