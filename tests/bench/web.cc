// Load for the web ports, both ends of it:
//
//   web serve PORT [digest]                 answers every POST like a Pull of AMT: 3 KiB in chunks of 762 bytes.
//                                           With `digest` it challenges who does not log in, and keeps the
//                                           connection.
//   web load HOST PORT CONNECTIONS SECONDS  1 KiB envelopes, one at a time on each kept connection; one line of JSON
//
// A thread a connection and blocking sockets: what is measured stands between the two.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int tcp_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return fd;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string reply() {
  std::string out =
      "HTTP/1.1 200 OK\r\nServer: Intel(R) Active Management Technology 15.0.23.1706\r\nX-Frame-Options: DENY\r\n"
      "Content-Type: application/soap+xml; charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t left = 3072; left > 0;) {
    const std::size_t n = std::min<std::size_t>(762, left);
    char size[16];
    std::snprintf(size, sizeof size, "%04zX\r\n", n);
    out += size + std::string(n, 'x') + "\r\n";
    left -= n;
  }
  return out + "0\r\n\r\n";
}

void serve_one(int fd, bool digest) {
  static const std::string kReply = reply();
  static const std::string kChallenge =
      "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0\", "
      "nonce=\"AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM\",stale=\"false\",qop=\"auth\"\r\nContent-Length: 0\r\n\r\n";
  std::string in;
  char buffer[16384];
  while (true) {
    const std::size_t head = in.find("\r\n\r\n");
    if (head != std::string::npos) {
      std::size_t length = 0;
      const std::size_t at = in.find("Content-Length: ");
      if (at < head) length = std::strtoul(in.c_str() + at + 16, nullptr, 10);
      if (in.size() >= head + 4 + length) {
        const bool known = !digest || in.find("Authorization: ") < head;
        in.erase(0, head + 4 + length);
        if (!write_all(fd, known ? kReply : kChallenge)) break;
        continue;
      }
    }
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) break;
    in.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
}

int serve(int port, bool digest) {
  const int listener = tcp_socket();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("bind");
  if (::listen(listener, 1024) != 0) fail("listen");
  while (true) {
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread(serve_one, fd, digest).detach();
  }
}

/// Reads one answer in chunks. False when it is none with status 200.
bool read_answer(int fd, std::string& in) {
  char buffer[16384];
  while (true) {
    if (in.size() >= 5 && in.ends_with("0\r\n\r\n") && in.find("\r\n\r\n") != in.size() - 4) {
      const bool good = in.starts_with("HTTP/1.1 200");
      in.clear();
      return good;
    }
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) return false;
    in.append(buffer, static_cast<std::size_t>(n));
    if (in.starts_with("HTTP/1.1 ") && !in.starts_with("HTTP/1.1 200")) return false;
  }
}

int load(const char* host, int port, int connections, double length) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(host);
  std::string body =
      "<E:Envelope xmlns:E=\"http://www.w3.org/2003/05/soap-envelope\" "
      "xmlns:A=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
      "xmlns:W=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><E:Header>"
      "<A:Action>http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull</A:Action><A:To>/wsman</A:To><W:ResourceURI>"
      "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_SoftwareIdentity</W:ResourceURI><A:MessageID>7</"
      "A:MessageID>"
      "<A:ReplyTo><A:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</A:Address></A:ReplyTo>"
      "</E:Header><E:Body><n:Pull "
      "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\"><n:EnumerationContext>"
      "14000000-0000-0000-0000-000000000000</n:EnumerationContext></n:Pull></E:Body></E:Envelope>";
  body.append(1024 - std::min<std::size_t>(1024, body.size()), ' ');
  const std::string request =
      "POST /wsman HTTP/1.1\r\nHost: " + std::string(host) +
      "\r\nContent-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  std::atomic<std::uint64_t> failed{0};
  std::vector<std::vector<double>> took(static_cast<std::size_t>(connections));
  std::vector<std::thread> threads;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(length));
  for (auto& mine : took) {
    threads.emplace_back([&] {
      const int fd = tcp_socket();
      if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("connect");
      std::string in;
      for (auto from = Clock::now(); from < end;) {
        if (!write_all(fd, request) || !read_answer(fd, in)) {
          ++failed;
          break;
        }
        const auto now = Clock::now();
        mine.push_back(std::chrono::duration<double, std::milli>(now - from).count());
        from = now;
      }
      ::close(fd);
    });
  }
  for (std::thread& t : threads) t.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  std::vector<double> all;
  for (const auto& mine : took) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  const auto at = [&](double q) {
    return all.empty() ? 0.0 : all[static_cast<std::size_t>(q * static_cast<double>(all.size() - 1))];
  };
  std::printf("{\"requests\": %zu, \"failed\": %llu, \"seconds\": %.3f, \"p50_ms\": %.4f, \"p99_ms\": %.4f}\n",
              all.size(), static_cast<unsigned long long>(failed.load()), seconds, at(0.5), at(0.99));
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "serve" && argc >= 3) return serve(std::atoi(argv[2]), argc > 3);
  if (mode == "load" && argc == 6) return load(argv[2], std::atoi(argv[3]), std::atoi(argv[4]), std::atof(argv[5]));
  std::fprintf(stderr, "usage: web serve PORT [digest] | web load HOST PORT CONNECTIONS SECONDS\n");
  return 2;
}
