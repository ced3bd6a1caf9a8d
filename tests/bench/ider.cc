// Both ends of IDE-R for scripts/bench: a machine whose host reads as fast as it is answered, one command at a time
// as AMT sends them, and the least that can answer it.
//
//   ider serve PORT MODE SECONDS [CERT.pem KEY.pem]   one session; MODE: seq (64 KiB, one after the other), random (2
//   KiB) ider null HOST PORT [tls]                         answers every READ(10) with the same bytes from memory
//
// `serve` prints "begin" and "end" around the measured time, then one JSON object. Its client may be amtider: what
// that loses when it comes behind another message is sent by itself, and it does nothing with numbers of ours.
#include <signal.h>

#include <array>
#include <chrono>
#include <random>
#include <thread>

#include "tests/bench/redirection.h"

using namespace amtgate::bench;

namespace {

using Clock = std::chrono::steady_clock;

std::uint32_t be32(const unsigned char* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}
std::size_t le16(const unsigned char* p) {
  return p[0] | std::size_t{p[1]} << 8;
}

// --- the machine

/// What the client sends, message by message.
class Messages {
 public:
  explicit Messages(Wire& w) : wire_(w) {}
  /// The next one that ends or is data; its payload's length, and whether it was the last of its command.
  bool next(std::size_t& data, bool& last, bool& good, std::array<unsigned char, 64>& begin) {
    for (;;) {
      if (!have(8)) return false;
      const unsigned char type = at(0);
      std::size_t n = 8;
      switch (type) {
        case 0x40: n = 18; break;
        case 0x48: n = 13; break;
        case 0x51: n = 31; break;
        case 0x54:
          if (!have(34)) return false;
          n = 34 + le16(&buffer_[begin_ + 9]);
          break;
        case 0x42:
        case 0x44:
        case 0x45:
        case 0x47:
        case 0x4b: break;
        default: return false;
      }
      if (!have(n)) return false;
      std::memcpy(begin.data(), &buffer_[begin_], std::min(n, begin.size()));
      const unsigned char attributes = at(3);
      begin_ += n;
      if (type == 0x40 || type == 0x48) return true;
      if (type != 0x51 && type != 0x54) continue;
      data = type == 0x54 ? n - 34 : 0;
      last = type == 0x51 || (attributes & 2) != 0;
      good = type == 0x54 || begin[28] == 0;
      return true;
    }
  }

 private:
  unsigned char at(std::size_t i) const { return buffer_[begin_ + i]; }
  bool have(std::size_t n) {
    while (end_ - begin_ < n) {
      if (begin_ > 0) {
        std::memmove(buffer_.data(), &buffer_[begin_], end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
      }
      const std::size_t got = wire_.read(&buffer_[end_], buffer_.size() - end_);
      if (got == 0) return false;
      end_ += got;
    }
    return true;
  }

  Wire& wire_;
  std::vector<unsigned char> buffer_ = std::vector<unsigned char>(512 * 1024);
  std::size_t begin_ = 0, end_ = 0;
};

class Host {
 public:
  explicit Host(Wire& w) : wire_(w), messages_(w) {}

  void run(bool sequential, double seconds) {
    std::array<unsigned char, 64> m;
    std::size_t n = 0;
    bool last = false, good = false;
    if (!messages_.next(n, last, good, m)) die("no open of storage redirection");
    std::string reply(30, '\0');
    reply[0] = 0x41;
    reply[8] = 1;
    reply[17] = reply[19] = 0x20;  // 8192
    send(reply);
    if (!messages_.next(n, last, good, m)) die("no features");
    std::string features(13, '\0');
    features[0] = 0x49;
    features[8] = 3;
    features[9] = 1;
    send(features);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    for (int i = 0; i < 3; ++i) command({0});
    if (command({0x25}) != 8) die("no capacity");
    const std::uint32_t blocks = be32(&answer_[34]) + 1;
    if (blocks < 64) die("too small an image");

    std::mt19937 random(1);
    std::uniform_int_distribution<std::uint32_t> where(0, blocks - 1);
    const std::uint32_t count = sequential ? 32 : 1;
    std::uint32_t next = 0;
    const auto read_one = [&] {
      if (next + count > blocks) next = 0;
      const std::uint32_t lba = sequential ? next : where(random);
      next += count;
      const auto byte = [&](unsigned shift) { return static_cast<unsigned char>(lba >> shift); };
      const std::size_t got =
          command({0x28, 0, byte(24), byte(16), byte(8), byte(0), 0, 0, static_cast<unsigned char>(count)});
      if (got != count * 2048U) die("a read of " + std::to_string(got) + " bytes");
    };
    for (int i = 0; i < 200; ++i) read_one();
    std::puts("begin");
    std::fflush(stdout);
    const auto start = Clock::now();
    const auto until = start + std::chrono::duration<double>(seconds);
    std::uint64_t requests = 0;
    while (Clock::now() < until) {
      for (int i = 0; i < 8; ++i) read_one();
      requests += 8;
    }
    const double took = std::chrono::duration<double>(Clock::now() - start).count();
    std::puts("end");
    std::printf("{\"requests\": %llu, \"bytes\": %llu, \"seconds\": %.6f}\n",
                static_cast<unsigned long long>(requests), static_cast<unsigned long long>(requests * count * 2048),
                took);
    std::fflush(stdout);
  }

 private:
  void send(std::string& message) {
    for (unsigned i = 0; i < 4; ++i) message[4 + i] = static_cast<char>(sequence_ >> (8 * i));
    ++sequence_;
    if (!wire_.put(message)) die("the client went away");
  }
  /// Its data bytes.
  std::size_t command(std::initializer_list<unsigned char> cdb) {
    std::string c(28, '\0');
    c[0] = 0x50;
    c[9] = 1;
    c[14] = 0x10;
    c[15] = static_cast<char>(0xa0);
    std::copy(cdb.begin(), cdb.end(), c.begin() + 16);
    send(c);
    std::size_t all = 0;
    for (bool last = false, good = false; !last;) {
      std::size_t n = 0;
      if (!messages_.next(n, last, good, answer_)) die("the client went away");
      all += n;
    }
    return all;
  }

  Wire& wire_;
  Messages messages_;
  std::array<unsigned char, 64> answer_{};
  std::uint32_t sequence_ = 0;
};

int serve(int port, bool sequential, double seconds, const char* cert, const char* key) {
  const int listener = listen_on(port);
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) die("accept");
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  SSL* ssl = nullptr;
  if (cert) {
    SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(ctx, "ECDHE-RSA-AES128-GCM-SHA256");
    SSL_CTX_set_read_ahead(ctx, 1);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
      die("the certificate or its key cannot be used");
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) die("no TLS");
  }
  Wire w(fd, ssl);
  bool kvm = false;
  if (!serve_start(w, kvm) || kvm) die("no session");
  Host(w).run(sequential, seconds);
  return 0;
}

// --- the least that can answer

int null_device(const char* host, const char* port, bool tls) {
  const int fd = dial(host, port);
  if (fd < 0) die("cannot connect");
  SSL* ssl = nullptr;
  if (tls) {
    SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_read_ahead(ctx, 1);  // one read(2) for a record, not one for its header and one for the rest
    ssl = SSL_new(ctx);
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) != 1) die("no TLS");
  }
  Wire w(fd, ssl);
  if (!open_session(w, "IDER")) die("no session");
  std::string open(18, '\0');
  open[0] = 0x40;
  w.put(open);
  std::array<unsigned char, 64> in{};
  if (!w.get(in.data(), 30)) die("no open reply");
  std::string features(13, '\0');
  features[0] = 0x48;
  features[8] = 3;
  features[9] = 0x19;
  w.put(features);
  if (!w.get(in.data(), 13)) die("no features");

  // Eight blocks of 8 KiB as they are sent, the last with the mark of an end; one of 2 KiB; the capacity; "good".
  const auto data = [](std::size_t n, bool last) {
    std::string m(34 + n, '\0');
    m[0] = 0x54;
    m[3] = last ? 2 : 0;
    m[9] = static_cast<char>(n & 255);
    m[10] = static_cast<char>(n >> 8);
    return m;
  };
  std::string all;
  for (int i = 0; i < 8; ++i) all += data(8192, i == 7);
  const std::string small = data(2048, true);
  std::string capacity = data(8, true), good(31, '\0');
  capacity[36] = 0x7f;  // 32768 blocks
  capacity[37] = static_cast<char>(0xff);
  capacity[40] = 8;
  good[0] = 0x51;
  good[3] = 2;
  while (w.get(in.data(), 28)) {
    const unsigned char* cdb = &in[16];
    bool sent = false;
    if (cdb[0] == 0x28 && cdb[8] == 1) {
      sent = w.put(small);
    } else if (cdb[0] == 0x28) {
      sent = w.put(all);
    } else {
      sent = w.put(cdb[0] == 0x25 ? capacity : good);
    }
    if (!sent) break;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "serve" && (argc == 5 || argc == 7)) {
    return serve(std::atoi(argv[2]), std::string(argv[3]) == "seq", std::atof(argv[4]), argc == 7 ? argv[5] : nullptr,
                 argc == 7 ? argv[6] : nullptr);
  }
  if (what == "null" && argc >= 4) return null_device(argv[2], argv[3], argc > 4);
  die("see the first lines of tests/bench/ider.cc");
}
