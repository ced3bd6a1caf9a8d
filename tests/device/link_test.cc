// A Link between a core that notes what it is told, and the other end of a socket or a machine on a loopback address.
#include "amtgate/device/link.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <optional>

#include "amtgate/auth/random.h"
#include "amtgate/base/machine.h"
#include "amtgate/net/listen.h"
#include "amtgate/redir/server_role.h"
#include "tests/net/loop_fixture.h"
#include "tests/support/own_loopback.h"

namespace amtgate::device {
namespace {

using Reads = LinkOptions::Reads;

struct Core {
  struct Failed {
    Error error;
    std::uint8_t start_status = 0;
  };

  void device_opened(Bytes rest, TimePoint) {
    opened = true;
    said += as_text(rest);
  }
  void device_failed(const Failed& why, TimePoint) { failed = why; }
  void receive_device(Bytes in, TimePoint) {
    said += as_text(in);
    parts.push_back(in.size());
    if (on_part) on_part();
  }
  void device_closed(const Error& why, TimePoint) { closed = why; }
  Bytes device_output() const { return output.view().first(std::min(message, output.view().size())); }
  void device_sent(std::size_t n, TimePoint) { output.sent(n); }

  Outbox output;
  std::size_t message = SIZE_MAX;  // so much of it at a time
  bool opened = false;
  std::string said;  // by the device
  std::vector<std::size_t> parts;
  std::function<void()> on_part;
  std::optional<Failed> failed;
  std::optional<Error> closed;
};

struct PickyCore : Core {
  bool takes_device() const { return takes; }
  bool takes = false;
};

template <class C>
struct Owner {
  explicit Owner(net::Loop& loop, const LinkOptions& options = {}) : link(loop, core, *this, "pc1", options) {}
  void pump() {
    ++pumps;
    link.read([this] {
      if (after) after();
    });
    if (on_pump) on_pump();
    link.write();
    link.want();
  }

  C core;
  Link<C, Owner> link;
  std::function<void()> after, on_pump;
  int pumps = 0;
};

bool wait_readable(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 10000) == 1;
}

/// The device's end of a connection.
struct Device {
  explicit Device(sys::UniqueFd socket) : fd(std::move(socket)) {}
  void say(const std::string& words) {
    ASSERT_EQ(::send(fd.get(), words.data(), words.size(), MSG_NOSIGNAL), static_cast<ssize_t>(words.size()));
  }
  void listen() {
    char buffer[65536];
    while (!ended) {
      const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) {
        ended = true;
        error = n < 0 ? errno : 0;
        return;
      }
      heard.append(buffer, static_cast<std::size_t>(n));
    }
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    fd.reset();
  }

  sys::UniqueFd fd;
  std::string heard;
  bool ended = false;
  int error = 0;
};

/// Lets everybody in to its console, and says `early` in the same segment.
class ConsoleMachine {
 public:
  ConsoleMachine(net::Loop& loop, const IpAddress& address, redir::StartStatus status) : status_(status) {
    net::ListenOptions options;
    options.at = {address, Port{16994}};
    Result<sys::UniqueFd> fd = net::open_listener(options);
    EXPECT_TRUE(fd) << fd.error().detail;
    door_ = std::make_unique<net::Listener>(
        loop, std::move(*fd), net::Destination::Socket,
        [this, &loop](net::Accepted a) { sessions_.emplace_back(*this, loop, std::move(a.fd)); });
  }
  static constexpr const char* kEarly = "login: ";

 private:
  struct Session {
    Session(ConsoleMachine& m, net::Loop& loop, sys::UniqueFd fd)
        : machine(m), stream(loop, std::move(fd)), login({}, machine.random_, loop.now()) {
      stream.on_ready([this, &loop](net::Ready) { pump(loop.now()); });
      stream.want(true, false);
    }
    void pump(TimePoint now) {
      std::array<std::uint8_t, 4096> buffer;
      const net::IoResult got = stream.read(buffer);
      if (got.status == net::Io::Closed || got.status == net::Io::Failed) return stream.want(false, false);
      if (got.status == net::Io::Ok) (void)login.receive(Bytes(buffer).first(got.bytes), now);
      bool in = false;
      while (auto event = login.next_event()) {
        if (std::holds_alternative<redir::ServerRole::Start>(*event)) {
          if (machine.status_ == redir::StartStatus::Success) {
            (void)login.accept(now);
          } else {
            login.reject(machine.status_);
          }
        }
        in = in || std::holds_alternative<redir::ServerRole::HandOff>(*event);
      }
      Buffer all;
      for (; !login.output().empty(); login.sent(login.output().size())) append(all, login.output());
      if (in) append(all, kEarly);
      if (!all.empty()) {
        EXPECT_EQ(stream.write(all).bytes, all.size());
      }
    }
    ConsoleMachine& machine;
    net::Stream stream;
    redir::ServerRole login;
  };

  const redir::StartStatus status_;
  auth::SystemRandom random_;
  std::list<Session> sessions_;
  std::unique_ptr<net::Listener> door_;
};

class LinkTest : public net::test::LoopTest {
 protected:
  LinkTest() {
    char name[] = "/tmp/amtgate-link-test.XXXXXX";
    folder_ = ::mkdtemp(name);
    dialer_ = std::make_unique<Dialer>(DialerOptions{.state = folder_});
  }
  ~LinkTest() override { std::filesystem::remove_all(folder_); }

  Request request() const {
    auto target = std::make_shared<config::Target>();
    target->name = "pc1";
    target->tls = config::TlsMode::No;
    target->password = config::Secret("P@ssw0rd1!");
    Request out;
    out.target = std::move(target);
    out.address = address_;
    return out;
  }

  /// `session_` is that of the last one.
  Opened opened(sys::UniqueFd fd, const Endpoint& device = *Endpoint::parse("10.99.0.10:16994")) {
    Opened out;
    fd_ = fd.get();
    out.stream = std::make_unique<net::Stream>(*loop, std::move(fd));
    out.device = device;
    const auto session = std::make_shared<int>();
    session_ = session;
    out.session = session;
    return out;
  }
  /// A device at the other end of `owner`'s link.
  template <class C>
  Device join(Owner<C>& owner, std::pair<sys::UniqueFd, sys::UniqueFd> ends) {
    owner.link.take_over(opened(std::move(ends.first)));
    return Device(std::move(ends.second));
  }
  /// Both streams have TLS.
  std::pair<Opened, std::unique_ptr<net::Stream>> tls_pair() {
    auto [a, b] = net::test::tcp_pair();
    Opened client = opened(std::move(a));
    auto device = std::make_unique<net::Stream>(*loop, std::move(b));
    int done = 0;
    const auto count = [&](const Result<void>& r) { done += r ? 1 : 100; };
    device->start_tls(net::test::server_context(), seconds(5), count);
    client.stream->start_tls(*tls::Context::client({}), seconds(5), count);
    EXPECT_TRUE(run_until([&] { return done == 2; }));
    return {std::move(client), std::move(device)};
  }

  const IpAddress address_ = amtgate::test::own_loopback(9);
  std::string folder_;
  std::unique_ptr<Dialer> dialer_;
  int fd_ = -1;  // of the link's stream
  std::weak_ptr<int> session_;
};

// --- its beginning

TEST_F(LinkTest, GivesTheCoreWhatCameBehindTheLogin) {
  ConsoleMachine machine(*loop, address_, redir::StartStatus::Success);
  Owner<Core> owner(*loop);
  owner.link.open(*dialer_, request());
  EXPECT_TRUE(owner.link.busy());
  EXPECT_EQ(owner.link.device(), (Endpoint{address_, Port{0}}));
  EXPECT_EQ(owner.link.stage(), "connect");
  ASSERT_TRUE(run_until([&] { return owner.pumps > 0; }));
  EXPECT_TRUE(owner.core.opened);
  EXPECT_FALSE(owner.core.failed);
  EXPECT_EQ(owner.core.said, ConsoleMachine::kEarly);
  EXPECT_TRUE(owner.core.parts.empty()) << "it is no part of what was read";
  EXPECT_TRUE(owner.link.busy());
  EXPECT_EQ(owner.link.device(), (Endpoint{address_, Port{16994}}));
  EXPECT_EQ(owner.link.tried(), owner.link.device());
  EXPECT_EQ(owner.link.stage(), "join");
}

TEST_F(LinkTest, TakesOverWhatIsOpenAlready) {
  auto [ours, theirs] = net::test::socket_pair();
  Owner<Core> owner(*loop);
  Opened device = opened(std::move(ours));
  append(device.rest, "login: ");
  device.tls = "TLSv1.2";
  device.trust = "pin";
  owner.link.take_over(std::move(device));
  EXPECT_EQ(owner.pumps, 0) << "never from inside a call";
  EXPECT_TRUE(owner.core.opened);
  EXPECT_EQ(owner.core.said, "login: ");
  EXPECT_EQ(owner.link.device().to_string(), "10.99.0.10:16994");
  EXPECT_EQ(owner.link.tls(), "TLSv1.2");
  EXPECT_EQ(owner.link.trust(), "pin");
  EXPECT_EQ(owner.link.stage(), "join");
  EXPECT_FALSE(session_.expired());
}

TEST_F(LinkTest, SaysThatNobodyAnswers) {
  Owner<Core> owner(*loop);
  owner.link.open(*dialer_, request());
  ASSERT_TRUE(run_until([&] { return owner.pumps > 0; }));
  ASSERT_TRUE(owner.core.failed);
  EXPECT_FALSE(owner.core.opened);
  EXPECT_EQ(owner.core.failed->error.code, Errc::Unreachable);
  EXPECT_EQ(owner.core.failed->start_status, 0);
  EXPECT_EQ(owner.link.stage(), "connect");
  EXPECT_EQ(owner.link.tried(), (Endpoint{address_, Port{16994}}));
  EXPECT_EQ(owner.link.device(), (Endpoint{address_, Port{0}})) << "it was not opened";
  EXPECT_FALSE(owner.link.busy());
}

TEST_F(LinkTest, SaysHowTheMachineSaidNo) {
  ConsoleMachine machine(*loop, address_, redir::StartStatus::ConsentRequired);
  Owner<Core> owner(*loop);
  owner.link.open(*dialer_, request());
  ASSERT_TRUE(run_until([&] { return owner.pumps > 0; }));
  ASSERT_TRUE(owner.core.failed);
  EXPECT_EQ(owner.core.failed->start_status, static_cast<std::uint8_t>(redir::StartStatus::ConsentRequired));
  EXPECT_EQ(owner.link.stage(), "session start");
  owner.core.failed.reset();
  owner.link.fail({Errc::Unreachable, "pc1: no such name"});
  ASSERT_TRUE(owner.core.failed);
  EXPECT_EQ(owner.core.failed->error.detail, "pc1: no such name");
  EXPECT_EQ(owner.core.failed->start_status, 0);
  EXPECT_EQ(owner.link.stage(), "connect") << "of the last attempt, not of the one before";
}

TEST_F(LinkTest, IsNotOpenedOnceItIsDropped) {
  ConsoleMachine machine(*loop, address_, redir::StartStatus::Success);
  Owner<Core> dropped(*loop), kept(*loop);
  dropped.link.open(*dialer_, request());
  dropped.link.drop();
  EXPECT_FALSE(dropped.link.busy());
  kept.link.open(*dialer_, request());
  ASSERT_TRUE(run_until([&] { return kept.pumps > 0; }));
  EXPECT_TRUE(kept.core.opened);
  EXPECT_EQ(dropped.pumps, 0);
  EXPECT_FALSE(dropped.core.opened || dropped.core.failed);
}

// --- what moves

TEST_F(LinkTest, MovesBytesBothWays) {
  Owner<Core> owner(*loop);
  Device device = join(owner, net::test::tcp_pair());
  append(owner.core.output.buffer(), "root\r");
  owner.pump();
  device.say("root\r\nPassword: ");
  EXPECT_TRUE(run_until([&] {
    device.listen();
    return device.heard == "root\r" && owner.core.said == "root\r\nPassword: ";
  })) << device.heard
      << owner.core.said;
}

TEST_F(LinkTest, WritesOneMessageBehindTheOther) {
  Owner<Core> owner(*loop);
  Device device = join(owner, net::test::socket_pair());
  append(owner.core.output.buffer(), "onetwosix");
  owner.core.message = 3;
  owner.link.write();
  device.listen();
  EXPECT_EQ(device.heard, "onetwosix");
}

TEST_F(LinkTest, WritesWhatTheDeviceTakesAndTheRestLater) {
  Owner<Core> owner(*loop);
  Device device = join(owner, net::test::socket_pair());
  std::string all;
  for (int i = 0; all.size() < 2'000'000; ++i) all += std::to_string(i) + " ";
  append(owner.core.output.buffer(), all);
  owner.pump();
  const std::size_t left = owner.core.output.view().size();
  ASSERT_GT(left, 0U) << "no socket has so much room";
  ASSERT_LT(left, all.size());
  EXPECT_TRUE(run_until([&] {
    device.listen();
    return device.heard.size() >= all.size();
  }));
  EXPECT_TRUE(device.heard == all);
  EXPECT_TRUE(owner.core.output.view().empty());
  const int pumps = owner.pumps;
  device.say("x");
  ASSERT_TRUE(run_until([&] { return !owner.core.said.empty(); }));
  EXPECT_EQ(owner.pumps, pumps + 1) << "it waits for room only while there is something to write";
}

TEST_F(LinkTest, ReadsOnlyWhileTheCoreTakes) {
  Owner<PickyCore> owner(*loop);
  Device device = join(owner, net::test::socket_pair());
  owner.pump();
  device.say("boot");
  const int pumps = owner.pumps;
  // The loop has been through all that was ready when a second link, asked for later, has been served.
  Owner<Core> other(*loop);
  Device witness = join(other, net::test::socket_pair());
  other.pump();
  witness.say("seen");
  ASSERT_TRUE(run_until([&] { return other.core.said == "seen"; }));
  EXPECT_EQ(owner.pumps, pumps) << "it is not woken for what it does not read";
  owner.pump();
  EXPECT_EQ(owner.core.said, "");
  owner.core.takes = true;
  owner.core.on_part = [&] { owner.core.takes = false; };
  device.say("ing");
  owner.link.want();
  ASSERT_TRUE(run_until([&] { return !owner.core.said.empty(); }));
  EXPECT_EQ(owner.core.said, "booting");
  device.say("more");
  owner.pump();
  EXPECT_EQ(owner.core.said, "booting");
}

TEST_F(LinkTest, ReadsUntilThereIsNoMore) {
  Owner<Core> owner(*loop);
  Device device = join(owner, net::test::socket_pair());
  owner.core.on_part = [&] {
    if (owner.core.parts.size() == 1) device.say("two");
  };
  device.say("one");
  owner.link.read();
  EXPECT_EQ(owner.core.said, "onetwo");
}

TEST_F(LinkTest, LeavesWhatComesBehindAShortPartToTheLoop) {
  Owner<Core> owner(*loop, {.reads = Reads::UntilShort, .read_size = 4});
  Device device = join(owner, net::test::socket_pair());
  owner.core.on_part = [&] {
    if (owner.core.parts.size() == 2) device.say("!");
  };
  device.say("onetwo");
  owner.link.read();
  EXPECT_EQ(owner.core.parts, (std::vector<std::size_t>{4, 2}));
  owner.link.want();
  EXPECT_TRUE(run_until([&] { return owner.core.said == "onetwo!"; }));
}

/// There a part is a record.
TEST_F(LinkTest, ReadsOnBehindAShortRecord) {
  auto [opened, device] = tls_pair();
  Owner<Core> owner(*loop, {.reads = Reads::UntilShort});
  owner.link.take_over(std::move(opened));
  owner.core.on_part = [&, d = device.get()] {
    if (owner.core.parts.size() > 1) return;
    ASSERT_EQ(d->write(as_bytes("two")).bytes, 3U);
    ASSERT_TRUE(wait_readable(fd_));
  };
  ASSERT_EQ(device->write(as_bytes("one")).bytes, 3U);
  while (owner.core.parts.empty()) {  // TLS has something of its own to read first
    ASSERT_TRUE(wait_readable(fd_));
    owner.link.read();
  }
  EXPECT_EQ(owner.core.said, "onetwo");
}

TEST_F(LinkTest, WaitsForTheLoopToSayThatThereIsSomething) {
  Owner<Core> owner(*loop, {.reads = Reads::WhenReady});
  Device device = join(owner, net::test::socket_pair());
  device.say("one");
  owner.pump();
  EXPECT_EQ(owner.core.said, "");
  ASSERT_TRUE(run_until([&] { return owner.core.said == "one"; }));
  device.say("two");
  owner.link.read();
  EXPECT_EQ(owner.core.said, "one") << "that was said of what has been read since";
  EXPECT_TRUE(run_until([&] { return owner.core.said == "onetwo"; }));
}

TEST_F(LinkTest, LetsOthersHaveTheirTurn) {
  Owner<Core> owner(*loop, {.read_size = 100});
  Device device = join(owner, net::test::socket_pair());
  device.say(std::string(2000, 'x'));
  owner.link.read();
  EXPECT_EQ(owner.core.parts, std::vector<std::size_t>(8, 100));
  owner.link.want();
  EXPECT_TRUE(run_until([&] { return owner.core.said.size() == 2000; }));
}

// --- its end

TEST_F(LinkTest, NamesTheDeviceThatClosed) {
  for (const bool reset : {false, true}) {
    Owner<Core> owner(*loop);
    Device device = join(owner, net::test::tcp_pair());
    owner.pump();
    device.say("last words");
    ASSERT_TRUE(run_until([&] { return owner.core.said == "last words"; }));
    if (reset) {
      device.reset();
    } else {
      device.fd.reset();
    }
    ASSERT_TRUE(run_until([&] { return owner.core.closed.has_value(); }));
    EXPECT_EQ(owner.core.closed->code, Errc::Closed);
    EXPECT_EQ(owner.core.closed->detail, "pc1 (10.99.0.10:16994) closed the connection");
    EXPECT_FALSE(owner.link.busy());
    EXPECT_TRUE(session_.expired());
    EXPECT_EQ(owner.link.device().to_string(), "10.99.0.10:16994") << "it is told of later too";
  }
}

TEST_F(LinkTest, TellsOtherFailuresInTheirOwnWords) {
  auto [opened, device] = tls_pair();
  Owner<Core> owner(*loop);
  owner.link.take_over(std::move(opened));
  owner.pump();
  Device(sys::UniqueFd(::dup(device->fd()))).say("this is no record of TLS");
  ASSERT_TRUE(run_until([&] { return owner.core.closed.has_value(); }));
  EXPECT_EQ(owner.core.closed->code, Errc::Refused);
  EXPECT_EQ(owner.core.closed->detail.find("TLS: "), 0U) << owner.core.closed->detail;
  EXPECT_FALSE(owner.link.busy());
}

TEST_F(LinkTest, ADropClosesAtOnce) {
  Owner<Core> owner(*loop);
  Device device = join(owner, net::test::tcp_pair());
  device.say("unread");
  ASSERT_TRUE(wait_readable(fd_));
  owner.link.drop();
  EXPECT_FALSE(owner.link.busy());
  EXPECT_TRUE(session_.expired());
  EXPECT_TRUE(run_until([&] {
    device.listen();
    return device.ended;
  }));
  EXPECT_EQ(device.error, ECONNRESET);
  EXPECT_FALSE(owner.core.closed) << "who drops it knows";
}

TEST_F(LinkTest, WhatWasWrittenLastArrivesWhereItIsFinished) {
  Owner<Core> owner(*loop);
  Device device = join(owner, net::test::tcp_pair());
  device.say("unread");
  ASSERT_TRUE(wait_readable(fd_));
  append(owner.core.output.buffer(), "bye");
  owner.link.write();
  owner.link.finish(seconds(10));
  EXPECT_FALSE(owner.link.busy());
  EXPECT_TRUE(session_.expired());
  ASSERT_TRUE(run_until([&] {
    device.listen();
    return device.ended;
  }));
  EXPECT_EQ(device.heard, "bye");
  EXPECT_EQ(device.error, 0);
  device.say("still there?");
  device.listen();
  EXPECT_EQ(device.error, 0) << "it is read until the device has ended too";
  EXPECT_FALSE(owner.core.closed);
  EXPECT_EQ(owner.core.said, "");
}

TEST_F(LinkTest, FinishStopsOpeningToo) {
  Owner<Core> owner(*loop);
  owner.link.open(*dialer_, request());
  owner.link.finish(seconds(10));
  EXPECT_FALSE(owner.link.busy());
}

TEST_F(LinkTest, ADeviceThatHasEndedHearsTheLastWordsIfItShall) {
  for (const bool last_words : {false, true}) {
    Owner<Core> owner(*loop, {.last_words = last_words});
    Device device = join(owner, net::test::socket_pair());
    append(owner.core.output.buffer(), "bye");
    ::shutdown(device.fd.get(), SHUT_WR);
    owner.link.read();
    ASSERT_TRUE(owner.core.closed);
    ASSERT_TRUE(run_until([&] {
      device.listen();
      return device.ended;
    }));
    EXPECT_EQ(device.heard, last_words ? "bye" : "");
  }
}

TEST_F(LinkTest, MayBeDroppedBehindAnyPart) {
  for (const bool in_order : {false, true}) {
    Owner<Core> owner(*loop, {.read_size = 4});
    Device device = join(owner, net::test::socket_pair());
    owner.after = [&] { in_order ? owner.link.finish(seconds(10)) : owner.link.drop(); };
    owner.pump();
    device.say("unwanted");
    ASSERT_TRUE(run_until([&] { return !owner.link.busy(); }));
    EXPECT_EQ(owner.core.said, "unwa");
    ASSERT_TRUE(run_until([&] {
      device.listen();
      return device.ended;
    }));
    EXPECT_EQ(owner.core.said, "unwa");
    EXPECT_FALSE(owner.core.closed);
  }
}

TEST_F(LinkTest, IsOpenedAnewWhereItHasEnded) {
  Owner<Core> owner(*loop);
  Device first = join(owner, net::test::socket_pair());
  auto [ours, theirs] = net::test::socket_pair();
  Device second(std::move(theirs));
  owner.on_pump = [&, fd = std::make_shared<sys::UniqueFd>(std::move(ours))] {
    if (owner.core.closed && *fd) owner.link.take_over(opened(std::move(*fd), *Endpoint::parse("10.99.0.11:16995")));
  };
  owner.pump();
  first.fd.reset();
  ASSERT_TRUE(run_until([&] { return owner.core.closed.has_value(); }));
  EXPECT_EQ(owner.core.closed->detail, "pc1 (10.99.0.10:16994) closed the connection");
  second.say("again");
  ASSERT_TRUE(run_until([&] { return owner.core.said == "again"; }));
  second.fd.reset();
  owner.core.closed.reset();
  ASSERT_TRUE(run_until([&] { return owner.core.closed.has_value(); }));
  EXPECT_EQ(owner.core.closed->detail, "pc1 (10.99.0.11:16995) closed the connection");
}

}  // namespace
}  // namespace amtgate::device
