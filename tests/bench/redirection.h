// A redirection session's opening as AMT has it: 0x10/0x11, method list, digest challenge and a checked digest
// response. Blocking and small on purpose: for the load programs of scripts/bench.
#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace amtgate::bench {

inline const std::string kUser = "admin";
inline const std::string kPassword = "P@ssw0rd1!";
inline const std::string kRealm = "Digest:A3F0C9D1E2B4567890ABCDEF12345678";
inline const std::string kUri = "/RedirectionService";

[[noreturn]] inline void die(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::_Exit(1);
}

inline std::string md5(const std::string& text) {
  unsigned char sum[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  if (EVP_Digest(text.data(), text.size(), sum, &n, EVP_md5(), nullptr) != 1) die("no MD5");
  std::string out;
  char two[3];
  for (unsigned i = 0; i < n; ++i) {
    std::snprintf(two, sizeof two, "%02x", sum[i]);
    out += two;
  }
  return out;
}

inline std::string digest(const std::string& nonce, const std::string& nc, const std::string& cnonce) {
  return md5(md5(kUser + ":" + kRealm + ":" + kPassword) + ":" + nonce + ":" + nc + ":" + cnonce +
             ":auth:" + md5("POST:" + kUri));
}

/// A connection, plain or TLS. Every operation blocks; false or 0 means that it is over.
class Wire {
 public:
  Wire(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    if (ssl_) {
      SSL_shutdown(ssl_);
      SSL_free(ssl_);
    }
    ::close(fd_);
  }
  std::size_t read(void* to, std::size_t n) {
    if (ssl_) {
      const int got = SSL_read(ssl_, to, static_cast<int>(n));
      return got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    const ssize_t got = ::recv(fd_, to, n, 0);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  bool get(void* to, std::size_t n) {
    auto* at = static_cast<unsigned char*>(to);
    while (n > 0) {
      const std::size_t got = read(at, n);
      if (got == 0) return false;
      at += got;
      n -= got;
    }
    return true;
  }
  bool put(const void* from, std::size_t n) {
    const auto* at = static_cast<const unsigned char*>(from);
    while (n > 0) {
      const ssize_t sent = ssl_ ? SSL_write(ssl_, at, static_cast<int>(n)) : ::send(fd_, at, n, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      at += sent;
      n -= static_cast<std::size_t>(sent);
    }
    return true;
  }
  bool put(const std::string& s) { return put(s.data(), s.size()); }
  int fd() const { return fd_; }

 private:
  int fd_;
  SSL* ssl_;
};

inline std::string le32(std::size_t v) {
  std::string out;
  for (int i = 0; i < 4; ++i) out += static_cast<char>(v >> (8 * i) & 255);
  return out;
}
inline std::string len8(const std::string& s) {
  return std::string(1, static_cast<char>(s.size())) + s;
}
inline std::string auth(unsigned type, unsigned status, unsigned method, const std::string& data) {
  return std::string{static_cast<char>(type), static_cast<char>(status), 0, 0, static_cast<char>(method)} +
         le32(data.size()) + data;
}

/// A 0x13 or 0x14 message's data; status and method by reference. False when the wire ends or it is too long.
inline bool get_auth(Wire& w, unsigned type, unsigned& status, unsigned& method, std::string& data) {
  unsigned char head[9];
  if (!w.get(head, 9) || head[0] != type) return false;
  status = head[1];
  method = head[4];
  const std::size_t n = head[5] | std::size_t{head[6]} << 8 | std::size_t{head[7]} << 16 | std::size_t{head[8]} << 24;
  if (n > 2048) return false;
  data.resize(n);
  return w.get(data.data(), n);
}
inline std::vector<std::string> fields(const std::string& data) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < data.size();) {
    const auto n = static_cast<unsigned char>(data[at]);
    out.push_back(data.substr(at + 1, n));
    at += n + 1U;
  }
  return out;
}

inline std::atomic<std::uint64_t> g_nonce{1};

/// The machine's side, up to the authenticated session. False when the other side does not agree.
inline bool serve_start(Wire& w, bool& kvm) {
  unsigned char start[8];
  if (!w.get(start, 8) || start[0] != 0x10) return false;
  kvm = start[4] == 'K';
  if (!w.put(std::string("\x11\0\0\0\0\0\0\0\0\0\0\0\0", 13))) return false;
  char nonce[33];
  std::snprintf(nonce, sizeof nonce, "%032llx", static_cast<unsigned long long>(g_nonce++));
  for (;;) {
    unsigned status = 0, method = 0;
    std::string data;
    if (!get_auth(w, 0x13, status, method, data)) return false;
    if (method == 0) {
      if (!w.put(auth(0x14, 0, 0, std::string("\x01\x04", 2)))) return false;
      continue;
    }
    if (method != 4) return false;
    const auto f = fields(data);
    if (f.size() < 8) return false;
    if (f[6].empty()) {
      if (!w.put(auth(0x14, 1, 4, len8(kRealm) + len8(nonce) + len8("auth")))) return false;
      continue;
    }
    if (f[0] != kUser || f[2] != nonce || f[6] != digest(nonce, f[5], f[4])) {
      w.put(auth(0x14, 1, 4, ""));
      return false;
    }
    return w.put(auth(0x14, 0, 4, ""));
  }
}

/// The client's side, up to the authenticated session. False when the other side does not agree.
inline bool open_session(Wire& w, const char* tag) {
  const std::string start = std::string{0x10, static_cast<char>(tag[0] == 'K'), 0, 0} + tag;
  unsigned char reply[13];
  if (!w.put(start) || !w.get(reply, 13) || reply[0] != 0x11 || reply[1] != 0) return false;
  unsigned status = 0, method = 0;
  std::string data;
  if (!w.put(auth(0x13, 0, 0, "")) || !get_auth(w, 0x14, status, method, data)) return false;
  const std::string none(1, '\0');
  if (!w.put(auth(0x13, 0, 4, len8(kUser) + none + none + len8(kUri) + none + none + none + none)) ||
      !get_auth(w, 0x14, status, method, data))
    return false;
  if (status != 0) {
    const auto f = fields(data);
    if (f.size() < 3) return false;
    const std::string cnonce = "abcdef0123456789abcdef0123456789", nc = "00000002";
    const std::string response = md5(md5(kUser + ":" + f[0] + ":" + kPassword) + ":" + f[1] + ":" + nc + ":" +
                                     cnonce + ":" + f[2] + ":" + md5("POST:" + kUri));
    if (!w.put(auth(0x13, 0, 4,
                    len8(kUser) + len8(f[0]) + len8(f[1]) + len8(kUri) + len8(cnonce) + len8(nc) + len8(response) +
                        len8(f[2]))) ||
        !get_auth(w, 0x14, status, method, data))
      return false;
  }
  return status == 0;
}

inline int listen_on(int port) {
  const int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1, zero = 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || ::listen(fd, 4096) != 0)
    die("cannot listen on " + std::to_string(port) + ": " + std::strerror(errno));
  return fd;
}

inline int dial(const char* host, const char* port) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;
  if (::getaddrinfo(host, port, &hints, &found) != 0) die("bad address");
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const bool up = ::connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  ::freeaddrinfo(found);
  if (up) return fd;
  ::close(fd);
  return -1;
}

}  // namespace amtgate::bench
