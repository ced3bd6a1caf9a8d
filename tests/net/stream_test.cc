#include "amtgate/net/stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "loop_fixture.h"

namespace amtgate::net {
namespace {

/// Reads all, writes what it is given, as an ordinary owner of a stream does.
struct End {
  End(Loop& loop, sys::UniqueFd fd) : stream(std::make_unique<Stream>(loop, std::move(fd))) {
    stream->on_ready([this](Ready r) { ready(r); });
  }
  void ready(Ready r) {
    if (r.read) {
      Buffer buffer(50000);
      const IoResult got = stream->read(buffer);
      if (got.status == Io::Ok) append(received, Bytes(buffer).first(got.bytes));
      if (got.status == Io::Closed) closed = true;
      if (got.status == Io::Failed) failed = true;
    }
    if (r.write && at < to_send.size()) {
      const IoResult put = stream->write(Bytes(to_send).subspan(at));
      if (put.status == Io::Ok) at += put.bytes;
      if (put.status == Io::Failed) failed = true;
    }
    want();
  }
  void want() { stream->want(!closed && !failed, !failed && at < to_send.size()); }
  void send(Buffer bytes) {
    to_send = std::move(bytes);
    at = 0;
    want();
  }

  std::unique_ptr<Stream> stream;
  Buffer received;
  Buffer to_send;
  std::size_t at = 0;
  bool closed = false;
  bool failed = false;
};

Buffer pattern(std::size_t n) {
  Buffer out(n);
  std::uint32_t x = 1;
  for (std::uint8_t& b : out) b = static_cast<std::uint8_t>((x = x * 1103515245 + 12345) >> 16);
  return out;
}

enum class Kind { Plain, Tls };
class StreamCase : public test::LoopTest, public testing::WithParamInterface<Kind> {
 protected:
  void connect() {
    auto [a, b] = test::tcp_pair();
    client = std::make_unique<End>(*loop, std::move(a));
    server = std::make_unique<End>(*loop, std::move(b));
    if (GetParam() == Kind::Plain) return;
    int done = 0;
    const auto count = [&](const Result<void>& r) {
      EXPECT_TRUE(r) << r.error().detail;
      ++done;
    };
    server->stream->start_tls(test::server_context(), seconds(5), count);
    client->stream->start_tls(*tls::Context::client({}), seconds(5), count);
    ASSERT_TRUE(run_until([&] { return done == 2; }));
    EXPECT_EQ(client->stream->tls_version(), "TLSv1.3");
  }
  std::unique_ptr<End> client;
  std::unique_ptr<End> server;
};
INSTANTIATE_TEST_SUITE_P(All, StreamCase, testing::Values(Kind::Plain, Kind::Tls),
                         [](const auto& row) { return std::string(row.param == Kind::Plain ? "plain" : "tls"); });

TEST_P(StreamCase, BothWaysAtOnceThroughFullSockets) {
  connect();
  const Buffer up = pattern(3000000);
  const Buffer down = pattern(2000001);
  client->send(up);
  server->send(down);
  ASSERT_TRUE(
      run_until([&] { return server->received.size() == up.size() && client->received.size() == down.size(); }));
  EXPECT_EQ(server->received, up);
  EXPECT_EQ(client->received, down);
  EXPECT_EQ(client->stream->tx_bytes(), up.size());
  EXPECT_EQ(client->stream->rx_bytes(), down.size());
}

TEST_P(StreamCase, ReaderThatReadsLittleAtATimeGetsAll) {
  connect();
  client->send(pattern(40000));
  server->stream->on_ready([&](Ready) {
    Buffer few(100);
    const IoResult r = server->stream->read(few);
    if (r.status == Io::Ok) append(server->received, Bytes(few).first(r.bytes));
  });
  server->stream->want(true, false);
  // Most of it lies decrypted in memory while the socket is silent.
  EXPECT_TRUE(run_until([&] { return server->received.size() == 40000; }));
}

TEST_P(StreamCase, HalfCloseLeavesTheOtherDirectionOpen) {
  connect();
  server->want();
  client->want();
  client->stream->close_write();
  ASSERT_TRUE(run_until([&] { return server->closed; }));
  server->send(pattern(1000));
  EXPECT_TRUE(run_until([&] { return client->received.size() == 1000; }));
}

TEST_P(StreamCase, ResetIsSeenAsOne) {
  connect();
  server->want();
  run_for(milliseconds(5));
  client->stream->reset();
  ASSERT_TRUE(run_until([&] { return server->failed; }));
  EXPECT_TRUE(server->stream->was_reset());
  EXPECT_NE(server->stream->error().detail.find("reset"), std::string::npos) << server->stream->error().detail;
}

TEST_P(StreamCase, DestroyedInsideItsOwnCallback) {
  connect();
  bool called = false;
  server->stream->on_ready([&](Ready) {
    server->stream.reset();
    called = true;
  });
  server->stream->want(true, false);
  client->send(pattern(10));
  EXPECT_TRUE(run_until([&] { return called; }));
  EXPECT_TRUE(run_until([&] { return client->closed || client->failed; }));
}

TEST_P(StreamCase, FinishDeliversTheLastWords) {
  connect();
  client->want();
  // Unread bytes in the server's socket would turn a plain close into a reset that overtakes the message.
  client->send(pattern(1000));
  ASSERT_TRUE(run_until([&] { return client->at == 1000; }));
  const std::string_view text = "no, because";
  ASSERT_EQ(server->stream->write(as_bytes(text)).status, Io::Ok);
  finish(*loop, std::move(server->stream), seconds(5));
  ASSERT_TRUE(run_until([&] { return client->closed; }));
  EXPECT_EQ(as_text(client->received), text);
}

class StreamTls : public test::LoopTest {};

TEST_F(StreamTls, HandshakeHasADeadline) {
  auto [a, b] = test::tcp_pair();
  Stream client(*loop, std::move(a));
  Result<void> result;
  int calls = 0;
  client.start_tls(*tls::Context::client({}), milliseconds(30), [&](Result<void> r) {
    result = std::move(r);
    ++calls;
  });
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  run_for(milliseconds(50));
  EXPECT_EQ(calls, 1);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::Timeout);
}

TEST_F(StreamTls, OtherSideCloses) {
  auto [a, b] = test::tcp_pair();
  auto client = std::make_unique<Stream>(*loop, std::move(a));
  b.reset();
  Result<void> result;
  bool done = false;
  client->start_tls(*tls::Context::client({}), seconds(5), [&](Result<void> r) {
    result = std::move(r);
    done = true;
    client.reset();
  });
  ASSERT_TRUE(run_until([&] { return done; }));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::Closed) << result.error().detail;
}

TEST_F(StreamTls, DestroyedDuringTheHandshake) {
  auto [a, b] = test::tcp_pair();
  auto client = std::make_unique<Stream>(*loop, std::move(a));
  client->start_tls(*tls::Context::client({}), milliseconds(20), [&](Result<void>) { FAIL(); });
  run_for(milliseconds(5));
  client.reset();
  run_for(milliseconds(40));
}

TEST_F(StreamTls, ResumesWithTheSessionOfAnEarlierStream) {
  tls::SessionPtr session;
  const tls::Context client_context = *tls::Context::client({});
  const tls::Context server_context = test::server_context();
  for (const bool again : {false, true}) {
    auto [a, b] = test::tcp_pair();
    End client(*loop, std::move(a));
    End server(*loop, std::move(b));
    int done = 0;
    server.stream->start_tls(server_context, seconds(5), [&](Result<void> r) { done += r ? 1 : 0; });
    client.stream->start_tls(
        client_context, seconds(5), [&](Result<void> r) { done += r ? 1 : 0; }, session);
    ASSERT_TRUE(run_until([&] { return done == 2; }));
    EXPECT_EQ(client.stream->tls()->resumed(), again);
    server.send(Buffer{1});
    client.want();
    ASSERT_TRUE(run_until([&] { return client.received.size() == 1; }));
    session = client.stream->tls()->session();
    ASSERT_TRUE(session);
    client.stream->reset();
  }
}

}  // namespace
}  // namespace amtgate::net
