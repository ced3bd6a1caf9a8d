// A loop for tests, and sockets joined in memory or over the loopback.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <utility>

#include "amtgate/net/connect.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"
#include "amtgate/sys/clock.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/context.h"

namespace amtgate::net::test {

class LoopTest : public testing::Test {
 protected:
  /// Turns the loop until `done()`, at most 10 s. Gives what `done()` said last.
  bool run_until(const std::function<bool()>& done) {
    const TimePoint end = sys::now() + seconds(10);
    while (!done() && sys::now() < end) loop->run_once(milliseconds(20));
    return done();
  }
  void run_for(Duration time) {
    const TimePoint end = sys::now() + time;
    while (sys::now() < end) loop->run_once(std::max(Duration(milliseconds(1)), end - sys::now()));
  }

  std::unique_ptr<Loop> loop = std::move(*Loop::create());
};

inline std::pair<sys::UniqueFd, sys::UniqueFd> socket_pair() {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {sys::UniqueFd(fds[0]), sys::UniqueFd(fds[1])};
}

/// Two connected TCP sockets.
inline std::pair<sys::UniqueFd, sys::UniqueFd> tcp_pair() {
  ListenOptions options;
  options.at = *Endpoint::parse("127.0.0.1:1");
  options.at.port = Port{0};
  Result<sys::UniqueFd> listener = open_listener(options);
  EXPECT_TRUE(listener);
  sockaddr_storage name{};
  socklen_t n = sizeof name;
  ::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&name), &n);
  sys::UniqueFd a(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(a.get(), reinterpret_cast<sockaddr*>(&name), n), 0);
  sys::UniqueFd b(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_TRUE(b);
  return {std::move(a), std::move(b)};
}

inline const tls::KeyPair& key_pair() {
  static const tls::KeyPair pair = *tls::make_self_signed({.key = tls::KeyType::EcP256, .common_name = "test"});
  return pair;
}
inline tls::Context server_context() {
  return *tls::Context::server({.cert_pem = key_pair().cert_pem, .key_pem = key_pair().key_pem});
}

}  // namespace amtgate::net::test
