// Connector and Listener.
#include "amtgate/net/connect.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "amtgate/net/listen.h"
#include "amtgate/sys/log.h"
#include "loop_fixture.h"

namespace amtgate::net {
namespace {

class Connecting : public test::LoopTest {
 protected:
  static ListenOptions any_port(const char* address) {
    ListenOptions o;
    o.at = Endpoint{*IpAddress::parse(address), Port{0}};
    return o;
  }
  Result<sys::UniqueFd> connect(const ConnectOptions& options) {
    std::optional<Result<sys::UniqueFd>> result;
    const Connector connector(*loop, options, [&](Result<sys::UniqueFd> r) { result.emplace(std::move(r)); });
    EXPECT_FALSE(result) << "called from inside";
    EXPECT_TRUE(run_until([&] { return result.has_value(); }));
    return result ? std::move(*result) : Error{Errc::Timeout, "the connector said nothing"};
  }
};

TEST_F(Connecting, BothFamilies) {
  for (const char* address : {"127.0.0.1", "::1"}) {
    std::vector<Accepted> accepted;
    Result<sys::UniqueFd> fd = open_listener(any_port(address));
    ASSERT_TRUE(fd) << fd.error().detail;
    const Listener listener(*loop, std::move(*fd), Destination::Socket,
                            [&](Accepted a) { accepted.push_back(std::move(a)); });
    ConnectOptions options;
    options.to = listener.local();
    options.source = Endpoint{*IpAddress::parse(address), Port{0}};
    const Result<sys::UniqueFd> conn = connect(options);
    ASSERT_TRUE(conn) << conn.error().detail;
    ASSERT_TRUE(run_until([&] { return accepted.size() == 1; }));
    EXPECT_EQ(accepted[0].destination, listener.local());
    EXPECT_EQ(accepted[0].client.address.to_string(), address);
    EXPECT_NE(accepted[0].client.port.value, 0);
  }
}

TEST_F(Connecting, RefusedIsSaidSo) {
  Endpoint gone;
  {
    Result<sys::UniqueFd> fd = open_listener(any_port("127.0.0.1"));
    const Listener listener(*loop, std::move(*fd), Destination::Socket, [](Accepted) {});
    gone = listener.local();
  }
  ConnectOptions options;
  options.to = gone;
  const Result<sys::UniqueFd> conn = connect(options);
  ASSERT_FALSE(conn);
  EXPECT_EQ(conn.error().code, Errc::Refused);
  EXPECT_NE(conn.error().detail.find(gone.to_string()), std::string::npos) << conn.error().detail;
}

TEST_F(Connecting, MissingInterfaceAndForeignSource) {
  ConnectOptions options;
  options.to = *Endpoint::parse("127.0.0.1:9");
  options.interface = "no-such-if0";
  Result<sys::UniqueFd> conn = connect(options);
  ASSERT_FALSE(conn);
  EXPECT_EQ(conn.error().code, Errc::Unreachable);
  EXPECT_NE(conn.error().detail.find("no-such-if0"), std::string::npos);
  options.interface.clear();
  options.source = *Endpoint::parse("192.0.2.77:1");
  options.source->port = Port{0};
  conn = connect(options);
  ASSERT_FALSE(conn);
  EXPECT_EQ(conn.error().code, Errc::Unreachable) << conn.error().detail;
}

TEST_F(Connecting, DeadlineAndCancel) {
  // A listener whose queue is full takes no more: connecting hangs.
  ListenOptions full = any_port("127.0.0.1");
  full.backlog = 0;
  Result<sys::UniqueFd> fd = open_listener(full);
  ASSERT_TRUE(fd);
  sockaddr_storage name{};
  socklen_t n = sizeof name;
  ::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&name), &n);
  ConnectOptions options;
  options.to = Endpoint::from_sockaddr(name);
  options.deadline = milliseconds(50);
  std::vector<sys::UniqueFd> taken;
  Error last{Errc::System, ""};
  for (int i = 0; i < 4; ++i) {
    Result<sys::UniqueFd> conn = connect(options);
    if (conn) {
      taken.push_back(std::move(*conn));
    } else {
      last = conn.error();
      break;
    }
  }
  EXPECT_EQ(last.code, Errc::Timeout) << last.detail;
  {
    const Connector cancelled(*loop, options, [](Result<sys::UniqueFd>) { FAIL(); });
  }
  run_for(milliseconds(80));
}

TEST_F(Connecting, DestroyedInItsCallback) {
  Result<sys::UniqueFd> fd = open_listener(any_port("127.0.0.1"));
  const Listener listener(*loop, std::move(*fd), Destination::NatTable, [](Accepted) {});
  ConnectOptions options;
  options.to = listener.local();
  bool done = false;
  std::unique_ptr<Connector> connector;
  connector = std::make_unique<Connector>(*loop, options, [&](Result<sys::UniqueFd>) {
    connector.reset();
    done = true;
  });
  EXPECT_TRUE(run_until([&] { return done; }));
}

TEST_F(Connecting, ListenerSaysWhyItCannot) {
  Result<sys::UniqueFd> fd = open_listener(any_port("127.0.0.1"));
  ASSERT_TRUE(fd);
  const Listener listener(*loop, std::move(*fd), Destination::Socket, [](Accepted) {});
  ListenOptions again;
  again.at = listener.local();
  EXPECT_EQ(open_listener(again).error().code, Errc::Busy);
  EXPECT_EQ(open_listener(any_port("192.0.2.77")).error().code, Errc::Unreachable);
}

TEST_F(Connecting, ListenerOutlivesAShortageOfDescriptors) {
  std::vector<std::string> lines;
  log::set_sink([&](log::Level, std::string_view text) { lines.emplace_back(text); });
  int accepted = 0;
  Result<sys::UniqueFd> fd = open_listener(any_port("127.0.0.1"));
  const Listener listener(*loop, std::move(*fd), Destination::Socket, [&](Accepted) { ++accepted; });
  sockaddr_storage to{};
  const socklen_t n = listener.local().to_sockaddr(to);
  const sys::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Loop& turns = *loop;  // without descriptors the sanitizers cannot check a member call of this class
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const sys::UniqueFd highest(::dup(client.get()));
  rlimit none{static_cast<rlim_t>(highest.get()) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), n), 0);
  for (int i = 0; i < 5; ++i) turns.run_once(milliseconds(10));
  EXPECT_EQ(accepted, 0);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(run_until([&] { return accepted == 1; }));
  log::set_sink({});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("listener.rest")) << lines[0];
}

TEST_F(Connecting, UnixSockets) {
  char folder[] = "/tmp/amtgate-unix-test.XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/s.sock";
  EXPECT_EQ(connect_unix(path).error().code, Errc::Unreachable);
  {
    Result<sys::UniqueFd> fd = open_unix_listener(path, 0600);
    ASSERT_TRUE(fd) << fd.error().detail;
    EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(path).permissions()), 0600U);
    EXPECT_EQ(open_unix_listener(path, 0600).error().code, Errc::Busy);
    std::vector<Accepted> accepted;
    const Listener listener(*loop, std::move(*fd), Destination::Socket,
                            [&](Accepted a) { accepted.push_back(std::move(a)); });
    const Result<sys::UniqueFd> conn = connect_unix(path);
    ASSERT_TRUE(conn);
    ASSERT_TRUE(run_until([&] { return !accepted.empty(); }));
    const auto who = peer_credentials(accepted.back().fd.get());
    ASSERT_TRUE(who);
    EXPECT_EQ(who->uid, ::geteuid());
    EXPECT_EQ(who->pid, ::getpid());
  }
  EXPECT_TRUE(open_unix_listener(path, 0600)) << "a file left behind is replaced";
  EXPECT_FALSE(open_unix_listener(folder, 0600));
  EXPECT_EQ(open_unix_listener(std::string(200, 'x'), 0600).error().code, Errc::BadValue);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace amtgate::net
