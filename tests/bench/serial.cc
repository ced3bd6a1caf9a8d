// A serial-over-LAN client that measures echoes, for scripts/bench_sol.py:
//
//   serial pipelined ADDRESS PORT MESSAGES WINDOW   one byte in each 0x28, WINDOW of them on the way
//   serial pingpong ADDRESS PORT MESSAGES           one at a time
//
// The machine is amtgate-sim, whose console's `echo-back` sends every byte back. Prints JSON: echoes a second, and
// for pingpong the time of one, in microseconds.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "amtgate/auth/random.h"
#include "amtgate/redir/client_role.h"
#include "amtgate/sol/client_role.h"

using namespace amtgate;

namespace {

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "serial: %s\n", why.c_str());
  std::exit(1);
}

/// Blocking, with a deadline on each wait.
class Wire {
 public:
  Wire(const char* address, int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::inet_pton(AF_INET, address, &to.sin_addr) != 1) die("no address");
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) die("cannot connect");
    const int one = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  ~Wire() { ::close(fd_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  void write(Bytes out) {
    while (!out.empty()) {
      const ssize_t n = ::send(fd_, out.data(), out.size(), MSG_NOSIGNAL);
      if (n <= 0) die("cannot write");
      out = out.subspan(static_cast<std::size_t>(n));
    }
  }
  Bytes read() {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 10000) <= 0) die("nothing came for 10 s");
    const ssize_t n = ::recv(fd_, in_, sizeof in_, 0);
    if (n <= 0) die("the connection has ended");
    return Bytes(in_, static_cast<std::size_t>(n));
  }

 private:
  int fd_;
  std::uint8_t in_[65536];
};

struct Session {
  Session(const char* address, int port) : wire(address, port) {
    const TimePoint now{};
    redir::ClientRole::Options o;
    o.service = Service::Sol;
    o.credentials = {"admin", "P@ssw0rd1!"};
    redir::ClientRole login(o, random, now);
    while (!login.open()) {
      for (Bytes out = login.output(); !out.empty(); out = login.output()) {
        wire.write(out);
        login.sent(out.size());
      }
      if (login.open()) break;
      (void)login.receive(wire.read(), now);
      while (auto e = login.next_event()) {
        if (const auto* f = std::get_if<redir::ClientRole::Failed>(&*e)) die(f->sentence);
      }
    }
    sol::ClientRole::Options s;
    s.patience = milliseconds(0);
    s.chunk = 1;
    s.heartbeat_every = milliseconds(0);
    role.emplace(s, now);
    flush();
    wait_for("amt> ");
    say("echo-back\r");
    wait_for("-- echo --\r\n");
  }

  void flush() {
    // All that there is in one write: pipelined.
    Buffer out;
    for (Bytes part = role->output(); !part.empty(); part = role->output()) {
      append(out, part);
      role->sent(part.size());
    }
    wire.write(out);
  }
  void say(std::string_view text) {
    if (role->send(as_bytes(text)) != text.size()) die("not all was taken");
    flush();
  }
  /// Serial bytes that came.
  std::size_t receive() {
    if (const Result<void> r = role->receive(wire.read(), TimePoint{}); !r) die(r.error().detail);
    std::size_t n = 0;
    while (auto e = role->next_event()) {
      if (const auto* got = std::get_if<sol::ClientRole::Received>(&*e)) {
        n += got->bytes.size();
        if (keep) heard += as_text(got->bytes);
      }
    }
    if (!role->output().empty()) flush();  // heartbeats
    return n;
  }
  void wait_for(std::string_view text) {
    while (heard.find(text) == std::string::npos) receive();
    heard.clear();
  }

  auth::SystemRandom random;
  Wire wire;
  std::optional<sol::ClientRole> role;
  std::string heard;
  bool keep = true;
};

using Steady = std::chrono::steady_clock;
double since(Steady::time_point t) {
  return std::chrono::duration<double>(Steady::now() - t).count();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if ((what != "pipelined" || argc != 6) && (what != "pingpong" || argc != 5))
    die("see the source for the arguments");
  const auto messages = static_cast<std::size_t>(std::atol(argv[4]));
  Session s(argv[2], std::atoi(argv[3]));
  s.keep = false;
  if (what == "pipelined") {
    const auto window = static_cast<std::size_t>(std::atol(argv[5]));
    const std::string part(window / 2, 'x');
    std::size_t sent = 0, back = 0;
    const auto begin = Steady::now();
    while (back < messages) {
      while (sent < messages && sent - back <= window / 2) {
        s.say(std::string_view(part).substr(0, std::min(part.size(), messages - sent)));
        sent += std::min(part.size(), messages - sent);
      }
      back += s.receive();
    }
    const double took = since(begin);
    std::printf("{\"echoes\": %zu, \"seconds\": %.6f, \"per_s\": %.0f}\n", messages, took,
                static_cast<double>(messages) / took);
    return 0;
  }
  std::vector<double> times;
  for (std::size_t i = 0; i < messages; ++i) {
    const auto begin = Steady::now();
    s.say("x");
    while (s.receive() == 0) {
    }
    times.push_back(since(begin) * 1e6);
  }
  std::ranges::sort(times);
  std::printf("{\"echoes\": %zu, \"p50_us\": %.2f, \"p99_us\": %.2f}\n", messages, times[times.size() / 2],
              times[times.size() * 99 / 100]);
}
