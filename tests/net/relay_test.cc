#include "amtgate/net/relay.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <deque>

#include "loop_fixture.h"

namespace amtgate::net {
namespace {

Buffer pattern(std::size_t n, std::uint32_t seed) {
  Buffer out(n);
  std::uint32_t x = seed;
  for (std::uint8_t& b : out) b = static_cast<std::uint8_t>((x = x * 1103515245 + 12345) >> 16);
  return out;
}

/// The far end of one side: what the person's program or the machine would be.
struct Far {
  Far(Loop& loop, sys::UniqueFd fd) : stream(std::make_unique<Stream>(loop, std::move(fd))) {
    stream->on_ready([this](Ready r) { ready(r); });
  }
  void ready(Ready r) {
    if (r.read) {
      Buffer buffer(65536);
      const IoResult got = stream->read(buffer);
      if (got.status == Io::Ok) {
        append(received, Bytes(buffer).first(got.bytes));
        reads.push_back(got.bytes);
      }
      if (got.status == Io::Closed) closed = true;
      if (got.status == Io::Failed) failed = true;
    }
    if (r.write && at < to_send.size()) {
      const IoResult put = stream->write(Bytes(to_send).subspan(at));
      if (put.status == Io::Ok) at += put.bytes;
      if (put.status == Io::Failed) failed = true;
      if (at == to_send.size() && close_after) stream->close_write();
    }
    want();
  }
  void want() { stream->want(reading && !closed && !failed, !failed && at < to_send.size()); }
  void read_now(bool yes) {
    reading = yes;
    want();
  }
  void send(Buffer bytes) {
    to_send = std::move(bytes);
    at = 0;
    want();
  }

  std::unique_ptr<Stream> stream;
  Buffer received;
  std::vector<std::size_t> reads;
  Buffer to_send;
  std::size_t at = 0;
  bool reading = false;
  bool close_after = false;
  bool closed = false;
  bool failed = false;
};

/// Lines become messages: one piece each, cut after '\n'; "bad\n" is refused; '!' at the end asks for a pause.
class Lines : public Transform {
 public:
  Result<void> feed(Bytes in, TimePoint) override {
    for (const std::uint8_t b : in) {
      part_.push_back(b);
      if (b != '\n') continue;
      if (as_text(part_) == "bad\n") return Error{Errc::BadValue, "a bad line"};
      lines_.push_back(std::move(part_));
      part_.clear();
    }
    return {};
  }
  std::optional<Piece> next() override {
    if (lines_.empty()) return std::nullopt;
    current_ = std::move(lines_.front());
    lines_.pop_front();
    const bool hold = current_.size() > 1 && current_[current_.size() - 2] == '!';
    return Piece{current_, hold ? hold_for : Duration::zero()};
  }
  void finish() override {
    if (!part_.empty()) lines_.push_back(std::move(part_));
  }
  Duration hold_for = milliseconds(50);

 private:
  Buffer part_;
  Buffer current_;
  std::deque<Buffer> lines_;
};

enum class Kind { Plain, TlsClient, TlsDevice, TlsBoth };
class RelayCase : public test::LoopTest, public testing::WithParamInterface<Kind> {
 protected:
  bool client_tls() const { return GetParam() == Kind::TlsClient || GetParam() == Kind::TlsBoth; }
  bool device_tls() const { return GetParam() == Kind::TlsDevice || GetParam() == Kind::TlsBoth; }

  void SetUp() override {
    auto [a, b] = test::tcp_pair();
    auto [c, d] = test::tcp_pair();
    for (const int fd : {a.get(), b.get(), c.get(), d.get()}) {
      const int small = 65536;  // full soon
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    client = std::make_unique<Far>(*loop, std::move(a));
    near_client = std::make_unique<Stream>(*loop, std::move(b));
    near_device = std::make_unique<Stream>(*loop, std::move(c));
    device = std::make_unique<Far>(*loop, std::move(d));
    int wanted = 0;
    int done = 0;
    const auto count = [&](const Result<void>& r) { done += r ? 1 : 0; };
    if (client_tls()) {
      client->stream->start_tls(*tls::Context::client({}), seconds(5), count);
      near_client->start_tls(test::server_context(), seconds(5), count);
      wanted += 2;
    }
    if (device_tls()) {
      near_device->start_tls(*tls::Context::client({.max = tls::Version::V1_2}), seconds(5), count);
      device->stream->start_tls(test::server_context(), seconds(5), count);
      wanted += 2;
    }
    ASSERT_TRUE(run_until([&] { return done == wanted; }));
  }
  void join(RelayOptions options = {}) {
    relay = std::make_unique<Relay>(pool, std::move(near_client), std::move(near_device), std::move(options),
                                    [this](const RelayEnd& e) { ended = e; });
  }

  RelayPool pool{*loop};
  std::unique_ptr<Far> client;
  std::unique_ptr<Far> device;
  std::unique_ptr<Stream> near_client;
  std::unique_ptr<Stream> near_device;
  std::unique_ptr<Relay> relay;
  std::optional<RelayEnd> ended;
};
std::string kind_name(const testing::TestParamInfo<Kind>& row) {
  switch (row.param) {
    case Kind::Plain: return "plain";
    case Kind::TlsClient: return "tls_client";
    case Kind::TlsDevice: return "tls_device";
    case Kind::TlsBoth: return "tls_both";
  }
  return "";
}
INSTANTIATE_TEST_SUITE_P(All, RelayCase,
                         testing::Values(Kind::Plain, Kind::TlsClient, Kind::TlsDevice, Kind::TlsBoth), kind_name);

TEST_P(RelayCase, MovesBothWaysAndEndsInOrder) {
  join();
  const Buffer up = pattern(3000001, 1);
  const Buffer down = pattern(2000003, 2);
  client->close_after = device->close_after = true;
  client->read_now(true);
  device->read_now(true);
  client->send(up);
  device->send(down);
  ASSERT_TRUE(run_until([&] { return ended && client->closed && device->closed; }));
  EXPECT_TRUE(device->received == up);
  EXPECT_TRUE(client->received == down);
  EXPECT_EQ(ended->cause, EndCause::Closed);
  EXPECT_EQ(relay->stats().to_device_bytes, up.size());
  EXPECT_EQ(relay->stats().to_client_bytes, down.size());
  if (GetParam() == Kind::Plain) {
    EXPECT_GT(relay->stats().spliced_bytes, 0U);
  }
  EXPECT_EQ(relay->client(), nullptr);
}

TEST_P(RelayCase, CopiesWhereThereAreNoPipes) {
  join();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const sys::UniqueFd highest(::dup(client->stream->fd()));
  const rlimit none{static_cast<rlim_t>(highest.get()) + 1, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  device->read_now(true);
  client->send(pattern(1000000, 12));
  const TimePoint end = sys::now() + seconds(10);
  Loop& turns = *loop;  // the sanitizers need descriptors to check a member call of this class
  while (device->received.size() < 1000000 && sys::now() < end) turns.run_once(milliseconds(20));
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(device->received.size(), 1000000U);
  EXPECT_EQ(relay->stats().spliced_bytes, 0U);
}

TEST_P(RelayCase, ASideThatDoesNotReadStopsTheOther) {
  join();
  client->send(pattern(8000000, 3));
  std::size_t sent = 0;
  const auto stands_still = [&] {
    const std::size_t before = std::exchange(sent, client->at);
    run_for(milliseconds(200));
    return before == client->at && sent > 0;
  };
  ASSERT_TRUE(run_until(stands_still));
  EXPECT_LT(sent, 4000000U) << "no bound";
  // The other direction is not held up by it.
  client->read_now(true);
  device->send(pattern(1000, 4));
  ASSERT_TRUE(run_until([&] { return client->received.size() == 1000; }));
  device->read_now(true);
  ASSERT_TRUE(run_until([&] { return device->received.size() == 8000000; }));
  EXPECT_TRUE(device->received == pattern(8000000, 3));
}

TEST_P(RelayCase, HalfCloseIsCarriedOver) {
  join();
  device->read_now(true);
  client->read_now(true);
  client->close_after = true;
  client->send(pattern(10, 5));
  ASSERT_TRUE(run_until([&] { return device->closed; }));
  EXPECT_EQ(device->received.size(), 10U);
  run_for(milliseconds(20));
  EXPECT_FALSE(ended);
  device->close_after = true;
  device->send(pattern(100000, 6));
  ASSERT_TRUE(run_until([&] { return client->closed && ended; }));
  EXPECT_EQ(client->received.size(), 100000U);
  EXPECT_EQ(ended->cause, EndCause::Closed);
  EXPECT_EQ(ended->side, Side::Client);
}

TEST_P(RelayCase, ResetIsCarriedOver) {
  join();
  device->read_now(true);
  client->read_now(true);
  client->send(pattern(10, 7));
  ASSERT_TRUE(run_until([&] { return device->received.size() == 10; }));
  device->stream->reset();
  ASSERT_TRUE(run_until([&] { return ended && client->failed; }));
  EXPECT_EQ(ended->cause, EndCause::Reset);
  EXPECT_EQ(ended->side, Side::Device);
  EXPECT_TRUE(client->stream->was_reset());
}

TEST_P(RelayCase, ResetOfASideThatIsNotReadIsFoundOut) {
  join();
  client->send(pattern(8000000, 3));  // the device reads nothing
  run_for(milliseconds(300));
  client->stream->reset();
  ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
  EXPECT_EQ(ended->cause, EndCause::Reset);
  EXPECT_EQ(ended->side, Side::Client);
}

TEST_P(RelayCase, ClosingWithoutCloseNotifyIsAnEnd) {
  join();
  device->read_now(true);
  client->send(pattern(1000, 8));
  ASSERT_TRUE(run_until([&] { return client->at == 1000; }));
  // The program exits: its kernel closes, nobody says close_notify.
  ::shutdown(client->stream->fd(), SHUT_WR);
  ASSERT_TRUE(run_until([&] { return device->closed; }));
  EXPECT_EQ(device->received.size(), 1000U);
  device->stream->close_write();
  ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
  EXPECT_EQ(ended->cause, EndCause::Closed);
}

TEST_P(RelayCase, FirstBytesComeFirst) {
  RelayOptions options;
  options.to_client.first = Buffer{'a', 'b'};
  options.to_device.first = pattern(300000, 9);
  client->read_now(true);
  device->read_now(true);
  client->send(Buffer{'x'});
  device->send(Buffer{'c'});
  join(std::move(options));
  ASSERT_TRUE(run_until([&] { return client->received.size() == 3 && device->received.size() == 300001; }));
  EXPECT_EQ(as_text(client->received), "abc");
  EXPECT_EQ(device->received.back(), 'x');
}

TEST_P(RelayCase, EachPieceIsOneWrite) {
  RelayOptions options;
  auto lines = std::make_unique<Lines>();
  ASSERT_TRUE(lines->feed(as_bytes("left over!\n"), loop->now()));
  options.to_client.transform = std::move(lines);
  client->read_now(true);
  device->send(Buffer(as_bytes("one!\ntwo!\nhalf").begin(), as_bytes("one!\ntwo!\nhalf").end()));
  join(std::move(options));
  // The pauses keep what would be glued apart, so every read is one piece.
  ASSERT_TRUE(run_until([&] { return client->reads.size() == 3; }));
  EXPECT_EQ(client->reads, (std::vector<std::size_t>{11, 5, 5}));
  device->stream->close_write();
  ASSERT_TRUE(run_until([&] { return client->closed; }));
  EXPECT_EQ(as_text(client->received), "left over!\none!\ntwo!\nhalf");
}

TEST_P(RelayCase, APauseEndsWhenTheOtherSideSpeaks) {
  RelayOptions options;
  auto lines = std::make_unique<Lines>();
  lines->hold_for = seconds(60);
  options.to_client.transform = std::move(lines);
  client->read_now(true);
  device->read_now(true);
  join(std::move(options));
  device->send(Buffer(as_bytes("one!\ntwo\n").begin(), as_bytes("one!\ntwo\n").end()));
  ASSERT_TRUE(run_until([&] { return client->received.size() == 5; }));
  run_for(milliseconds(30));
  EXPECT_EQ(client->received.size(), 5U);
  client->send(Buffer{'y'});
  ASSERT_TRUE(run_until([&] { return client->received.size() == 9; }));
}

TEST_P(RelayCase, RefusedBytesEndItAfterThePiecesBefore) {
  RelayOptions options;
  options.to_device.transform = std::make_unique<Lines>();
  device->read_now(true);
  join(std::move(options));
  client->send(Buffer(as_bytes("good\nbad\n").begin(), as_bytes("good\nbad\n").end()));
  ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
  EXPECT_EQ(ended->cause, EndCause::Failed);
  EXPECT_EQ(ended->side, Side::Client);
  ASSERT_TRUE(ended->error);
  EXPECT_EQ(ended->error->detail, "a bad line");
}

TEST_P(RelayCase, IdleTimeoutCountsFromTheLastByte) {
  RelayOptions options;
  options.idle_timeout = milliseconds(500);  // far above what a busy machine makes of the pause below
  client->read_now(true);
  device->read_now(true);
  join(std::move(options));
  run_for(milliseconds(100));
  const TimePoint sent = sys::now();
  client->send(Buffer{1});
  ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
  EXPECT_EQ(ended->cause, EndCause::Idle);
  EXPECT_GE(sys::now() - sent, milliseconds(500));
  EXPECT_TRUE(run_until([&] { return client->closed && device->closed; }));
}

TEST_P(RelayCase, LingerBoundsTheSecondHalf) {
  RelayOptions options;
  options.linger = milliseconds(50);
  join(std::move(options));
  client->stream->close_write();
  ASSERT_TRUE(run_until([&] { return ended.has_value(); }));
  EXPECT_EQ(ended->cause, EndCause::Closed);
}

TEST_P(RelayCase, EndedByItsOwner) {
  client->read_now(true);
  device->read_now(true);
  join();
  client->want();
  device->want();
  run_for(milliseconds(5));
  relay->end();
  EXPECT_FALSE(ended);
  ASSERT_TRUE(run_until([&] { return ended && client->closed && device->closed; }));
  EXPECT_EQ(ended->cause, EndCause::Asked);
}

TEST_P(RelayCase, DestroyedByItsOwnerInTheMiddle) {
  client->read_now(true);
  device->read_now(true);
  join();
  client->send(pattern(1000000, 1));
  device->want();
  loop->run_once(milliseconds(10));
  relay.reset();
  ASSERT_TRUE(run_until([&] { return device->closed || device->failed; }));
  EXPECT_FALSE(ended);
}

TEST_P(RelayCase, DestroyedInItsCallback) {
  bool called = false;
  relay = std::make_unique<Relay>(pool, std::move(near_client), std::move(near_device), RelayOptions{},
                                  [&](const RelayEnd&) {
                                    relay.reset();
                                    called = true;
                                  });
  client->stream->reset();
  EXPECT_TRUE(run_until([&] { return called; }));
  run_for(milliseconds(5));
}

}  // namespace
}  // namespace amtgate::net
