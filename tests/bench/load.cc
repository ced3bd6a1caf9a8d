// Load for scripts/bench: a machine without a session limit, and clients that start redirection sessions with it,
// straight or through whatever stands between. Small on purpose: it must cost less than what it measures.
//
//   load serve PORT [TLS_PORT CERT.pem KEY.pem]   a KVM or IDE-R session moves bytes as the client's first bytes ask
//   load run HOST PORT MODE CONNECTIONS SECONDS   MODE: down, up: bulk bytes from or to the machine
//                                                       rate: session starts (digest included) one after the other
//                                                       hold: open that many sessions and keep them
// `run` prints one JSON object. For down, up and hold it first prints "begin" when the connections are up, and for
// down and up "end" when the measured time is over, so that the caller can read clocks of processes at these moments.
//
// The session is what AMT has, with a checked digest response: redirection.h.
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/redirection.h"

using namespace amtgate::bench;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kChunk = std::size_t{256} * 1024;

// --- the machine

void serve_one(int fd, SSL_CTX* ctx, const std::vector<char>& chunk) {
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  SSL* ssl = nullptr;
  if (ctx) {
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) {
      SSL_free(ssl);
      ::close(fd);
      return;
    }
  }
  Wire w(fd, ssl);
  bool kvm = false;
  if (!serve_start(w, kvm)) return;
  if (kvm) {
    char open[8];
    if (!w.get(open, 8) || !w.put(std::string("\x41\0\0\0\0\0\0\0", 8))) return;
    char what = 0;
    if (!w.get(&what, 1)) return;
    if (what == 'D')
      while (w.put(chunk.data(), chunk.size())) {
      }
  }
  std::vector<char> in(kChunk);  // not before: clearing it would cost a session's start more than the rest of it
  while (w.read(in.data(), in.size()) != 0) {
  }
}
void serve(int port, SSL_CTX* ctx) {
  const std::vector<char> chunk(kChunk, 'x');
  const int fd = listen_on(port);
  for (;;) {
    const int c = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (c < 0) continue;
    std::thread(serve_one, c, ctx, std::cref(chunk)).detach();
  }
}

int serve_main(int argc, char** argv) {
  if (argc >= 6) {
    SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);           // what AMT firmware has
    SSL_CTX_set_cipher_list(ctx, "ECDHE-RSA-AES128-GCM-SHA256");  // the same for every contender
    SSL_CTX_set_read_ahead(ctx, 1);                               // one read(2) a record, not two
    if (SSL_CTX_use_certificate_chain_file(ctx, argv[4]) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, argv[5], SSL_FILETYPE_PEM) != 1)
      die("cannot use the certificate and key");
    std::thread(serve, std::atoi(argv[3]), ctx).detach();
  }
  std::printf("serving\n");
  std::fflush(stdout);
  serve(std::atoi(argv[2]), nullptr);
  return 0;
}

// --- clients

bool open_kvm(Wire& w, char what) {
  char reply[8];
  return open_session(w, "KVMR") && w.put(std::string("\x40\0\0\0\0\0\0\0", 8)) && w.get(reply, 8) &&
         reply[0] == 0x41 && (what == 0 || w.put(&what, 1));
}

/// 8 KiB of image data towards the machine, as IDE-R clients frame it (0x54).
std::vector<char> ider_frames() {
  std::vector<char> out;
  while (out.size() + 34 + 8192 <= kChunk) {
    std::vector<char> frame(34 + 8192, 'x');
    std::fill(frame.begin(), frame.begin() + 34, char{0});
    frame[0] = 0x54;
    frame[10] = 0x20;  // length, little-endian, at 9
    out.insert(out.end(), frame.begin(), frame.end());
  }
  return out;
}

void word(const char* w) {
  std::printf("%s\n", w);
  std::fflush(stdout);
}

int run_main(char** argv) {
  const char *host = argv[2], *port = argv[3];
  const std::string mode = argv[4];
  const int n = std::atoi(argv[5]);
  const double seconds = std::atof(argv[6]);
  std::vector<std::thread> threads;
  if (mode == "rate") {
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> done{0}, failed{0};
    std::mutex lock;
    std::vector<double> took;
    for (int i = 0; i < n; ++i)
      threads.emplace_back([&] {
        std::vector<double> mine;
        while (!stop) {
          const auto from = Clock::now();
          const int fd = dial(host, port);
          if (fd < 0) {
            ++failed;
            continue;
          }
          Wire w(fd, nullptr);
          if (!open_kvm(w, 0)) {
            ++failed;
            continue;
          }
          ++done;
          mine.push_back(std::chrono::duration<double, std::milli>(Clock::now() - from).count());
        }
        const std::lock_guard hold(lock);
        took.insert(took.end(), mine.begin(), mine.end());
      });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    word("begin");
    const std::uint64_t before = done;
    const auto from = Clock::now();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    const std::uint64_t count = done - before;
    const double s = std::chrono::duration<double>(Clock::now() - from).count();
    word("end");
    stop = true;
    for (auto& t : threads) t.join();
    std::sort(took.begin(), took.end());
    const double p50 = took.empty() ? 0 : took[took.size() / 2],
                 p99 = took.empty() ? 0 : took[took.size() * 99 / 100];
    std::printf("{\"sessions\": %llu, \"seconds\": %.4f, \"failed\": %llu, \"p50_ms\": %.3f, \"p99_ms\": %.3f}\n",
                static_cast<unsigned long long>(count), s, static_cast<unsigned long long>(failed.load()), p50, p99);
    return 0;
  }
  std::vector<Wire*> wires;
  for (int i = 0; i < n; ++i) {
    const int fd = dial(host, port);
    if (fd < 0) die("cannot connect, connection " + std::to_string(i));
    wires.push_back(new Wire(fd, nullptr));
    const bool opened =
        mode == "up" ? open_session(*wires.back(), "IDER") : open_kvm(*wires.back(), mode == "down" ? 'D' : 'I');
    if (!opened) die("no session, connection " + std::to_string(i));
  }
  if (mode == "hold") {
    word("begin");
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    std::printf("{\"held\": %d}\n", n);
    std::fflush(stdout);
    std::_Exit(0);
  }
  std::atomic<std::uint64_t> moved{0};
  const std::vector<char> frames = ider_frames();
  for (Wire* w : wires)
    threads.emplace_back([&, w] {
      std::vector<char> buffer(kChunk);
      for (;;) {
        std::size_t k = 0;
        if (mode == "down") {
          k = w->read(buffer.data(), buffer.size());
        } else if (w->put(frames.data(), frames.size())) {
          k = frames.size();
        }
        if (k == 0) die("the connection ended in the middle");
        moved += k;
      }
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(400));  // windows and buffers have grown
  word("begin");
  const std::uint64_t before = moved;
  const auto from = Clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const std::uint64_t bytes = moved - before;
  const double s = std::chrono::duration<double>(Clock::now() - from).count();
  word("end");
  std::printf("{\"bytes\": %llu, \"seconds\": %.4f}\n", static_cast<unsigned long long>(bytes), s);
  std::fflush(stdout);
  std::_Exit(0);  // the threads are in the middle of reading
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "serve" && argc >= 3) return serve_main(argc, argv);
  if (what == "run" && argc == 7) return run_main(argv);
  std::fprintf(stderr,
               "usage: load serve PORT [TLS_PORT CERT KEY] | load run HOST PORT down|up|rate|hold N SECONDS\n");
  return 2;
}
