#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "amtgate/sol/client_role.h"
#include "amtgate/sol/server_role.h"
#include "tests/support/feed.h"
#include "tests/support/pump.h"

namespace amtgate::sol {
namespace {

using test::hex;

const TimePoint kStart{};

std::string word(const ClientRole::Event& e) {
  if (std::holds_alternative<ClientRole::Started>(e)) return "started";
  if (const auto* r = std::get_if<ClientRole::Received>(&e)) return "'" + std::string(as_text(r->bytes)) + "'";
  if (const auto* h = std::get_if<ClientRole::Host>(&e)) {
    return "host:" + std::to_string(h->control) + ":" + std::to_string(h->status);
  }
  return std::holds_alternative<ClientRole::Writable>(e) ? "writable" : "ended";
}
std::string word(const ServerRole::Event& e) {
  if (std::holds_alternative<ServerRole::Started>(e)) return "started";
  if (const auto* r = std::get_if<ServerRole::Received>(&e)) return "'" + std::string(as_text(r->bytes)) + "'";
  if (std::holds_alternative<ServerRole::ControlsReceived>(e)) return "controls";
  if (std::holds_alternative<ServerRole::EndRequested>(e)) return "end-requested";
  return std::holds_alternative<ServerRole::Writable>(e) ? "writable" : "ended";
}
template <class M>
std::string words(M& m) {
  std::string out;
  for (const auto& e : test::events(m)) out += (out.empty() ? "" : " ") + word(e);
  return out;
}

/// The words of its events and the error that it ended with, if any.
template <class M>
std::string told(M& m, const std::vector<Bytes>& chunks) {
  std::string error;
  for (const Bytes chunk : chunks) {
    if (const auto r = m.receive(chunk, kStart); !r) error = "error:" + std::string(name(r.error().code));
  }
  const std::string got = words(m);
  return got + (got.empty() || error.empty() ? "" : " ") + error;
}

template <class M>
std::string sent(M& m) {
  std::string out;
  for (const Buffer& b : test::sent_messages(m)) out += (out.empty() ? "" : " ") + to_hex(b);
  return out;
}

TEST(SolRoles, TalkToEachOther) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 20}) {
    ClientRole client({}, kStart);
    ServerRole server({}, kStart);
    TimePoint now = kStart;
    for (int i = 0; i < 4; ++i, now += milliseconds(50)) {
      EXPECT_TRUE(server.tick(now));
      EXPECT_TRUE(test::pump(client, server, now, chunk).empty());
    }
    EXPECT_EQ(words(client), "started host:0:6 host:2:4");
    EXPECT_EQ(words(server), "started");
    EXPECT_EQ(client.send(as_bytes("ls\r")), 3u);
    EXPECT_EQ(server.send(as_bytes("banner"), now), 6u);
    EXPECT_TRUE(test::pump(client, server, now, chunk).empty());
    EXPECT_EQ(words(client), "'banner'");
    EXPECT_EQ(words(server), "'ls\r'");
    client.end(now);
    EXPECT_TRUE(test::pump(client, server, now, chunk).empty());
    EXPECT_EQ(words(client), "ended");
    EXPECT_EQ(words(server), "end-requested ended");
    EXPECT_FALSE(client.deadline());
    EXPECT_FALSE(server.deadline());
  }
}

TEST(SolRoles, StreamWithBackPressure) {
  ClientRole client({}, kStart);
  ServerRole server({.pause = milliseconds(0)}, kStart);
  test::pump(client, server, kStart);
  words(client);
  words(server);
  const Buffer all(1U << 20, 'x');
  std::size_t down = 0, up = 0, got_down = 0, got_up = 0;
  for (int i = 0; i < 1000 && (got_down < all.size() || got_up < all.size()); ++i) {
    down += server.send(Bytes(all).subspan(down), kStart);
    up += client.send(Bytes(all).subspan(up));
    EXPECT_LE(server.output().size(), 1010u);
    EXPECT_LE(client.output().size(), 522u);
    test::pump(client, server, kStart);
    bool writable = down == all.size();
    for (const auto& e : test::events(client)) {
      if (const auto* r = std::get_if<ClientRole::Received>(&e)) got_down += r->bytes.size();
    }
    for (const auto& e : test::events(server)) {
      if (const auto* r = std::get_if<ServerRole::Received>(&e)) got_up += r->bytes.size();
      writable |= std::holds_alternative<ServerRole::Writable>(e);
    }
    EXPECT_TRUE(writable);
  }
  EXPECT_EQ(got_down, all.size());
  EXPECT_EQ(got_up, all.size());
}

// --- the device's side -----------------------------------------------------------------------------------------

constexpr const char* kAmttermStart = "20000000 00000000 e803 6400 0000 1027 0000 8813 00000000";
constexpr const char* kMeshStart = "20000000 01000000 1027 6400 0000 1027 6400 0000 00000000";

TEST(SolServerRole, LeavesAmttermTimeToRead) {
  ServerRole m({}, kStart);
  EXPECT_TRUE(m.receive(hex(kAmttermStart), kStart));
  EXPECT_EQ(m.send(as_bytes("early"), kStart), 5u);
  EXPECT_EQ(sent(m), "2100000000000000000000000000000000000000000000");
  EXPECT_EQ(*m.deadline(), kStart + milliseconds(50));
  EXPECT_TRUE(m.tick(kStart + milliseconds(49)));
  EXPECT_EQ(sent(m), "");
  EXPECT_TRUE(m.tick(kStart + milliseconds(50)));
  EXPECT_EQ(sent(m), "29000000010000000006");
  EXPECT_TRUE(m.tick(kStart + milliseconds(100)));
  EXPECT_EQ(sent(m), "29000000020000000204");
  EXPECT_TRUE(m.tick(kStart + milliseconds(150)));
  EXPECT_EQ(sent(m), "2a000000030000000500" + to_hex(as_bytes("early")));
  m.set_host(0, 0, kStart + milliseconds(150));
  EXPECT_EQ(sent(m), "29000000040000000000");
}

TEST(SolServerRole, KeepsTheClientsTimes) {
  ServerRole m({.announce_host = false}, kStart);
  EXPECT_TRUE(m.receive(hex(kAmttermStart), kStart));
  sent(m);
  EXPECT_EQ(*m.deadline(), kStart + seconds(5));
  EXPECT_TRUE(m.tick(kStart + seconds(5)));
  EXPECT_EQ(sent(m), "2b00000001000000");
  EXPECT_TRUE(m.receive(hex("2b00000001000000"), kStart + seconds(6)));
  EXPECT_TRUE(m.tick(kStart + seconds(10)));
  EXPECT_TRUE(m.tick(kStart + seconds(15)));
  EXPECT_EQ(m.tick(kStart + seconds(16)).error().code, Errc::Timeout);

  ServerRole mesh({.announce_host = false}, kStart);
  EXPECT_TRUE(mesh.receive(hex(kMeshStart), kStart));
  EXPECT_EQ(*mesh.deadline(), kStart + seconds(10));  // no heartbeats asked

  ServerRole silent({}, kStart);
  EXPECT_EQ(silent.tick(kStart + seconds(15)).error().code, Errc::Timeout);
}

TEST(SolServerRole, TakesWhatStockClientsSend) {
  struct Row {
    const char* name;
    std::string client;
    const char* want;
  };
  const std::string start = to_hex(hex(kMeshStart));
  const Row rows[] = {
      {"mesh",
       start + "270000000200000000001b0000002b0000000300000028000000040000000200"
               "6869",
       "started controls 'hi'"},
      {"amtterm_escape",
       start + "2200000000000000"
               "280000000000000001001d"
               "12000000",
       "started end-requested ended"},
      {"end_session_at_once", "12000000", "ended"},
      {"data_first", "280000000000000001001d", "error:bad_value"},
      {"two_starts", start + start, "started error:bad_value"},
      {"unknown", start + "ff", "started error:unsupported"},
      {"ping", start + "2400000005000000", "started"},
  };
  for (const Row& row : rows) {
    test::feed_all_ways(hex(row.client), [&](const std::vector<Bytes>& chunks) {
      ServerRole m({}, kStart);
      const std::string got = told(m, chunks);
      EXPECT_EQ(got, row.want) << row.name;
      return got;
    });
  }
}

TEST(SolServerRole, RefusesAndBoundsPings) {
  ServerRole refusing({.start_status = 1}, kStart);
  EXPECT_TRUE(refusing.receive(hex(kMeshStart), kStart));
  EXPECT_EQ(sent(refusing), "2101000000000000000000000000000000000000000000");
  EXPECT_EQ(refusing.send(as_bytes("x"), kStart), 0u);

  ServerRole m({}, kStart);
  EXPECT_TRUE(m.receive(hex(kMeshStart), kStart));
  Result<void> r;
  for (int i = 0; i < 100000 && r; ++i) r = m.receive(hex("2400000005000000"), kStart);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::TooLarge);
}

// --- the client's side -----------------------------------------------------------------------------------------

constexpr const char* kStartReply = "21000000 00000000 000000000000000000000000000000";

TEST(SolClientRole, SendsWhatAmttermSends) {
  ClientRole m({}, kStart);
  EXPECT_EQ(sent(m), to_hex(hex(kAmttermStart)));
  EXPECT_EQ(m.send(as_bytes("early")), 0u);
  EXPECT_TRUE(m.receive(hex(kStartReply), kStart));
  EXPECT_EQ(words(m), "started");
  EXPECT_TRUE(m.receive(hex("2b00000009000000 240000000a000000"), kStart));
  EXPECT_EQ(sent(m), "2b00000009000000 240000000a000000");
  EXPECT_EQ(*m.deadline(), kStart + seconds(2));
  EXPECT_TRUE(m.tick(kStart + seconds(2)));
  EXPECT_EQ(sent(m), "2b00000001000000");
  const Buffer long_line(600, 'a');
  EXPECT_EQ(m.send(long_line), 600u);
  const auto messages = test::sent_messages(m);
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].size(), 522u);
  EXPECT_EQ(messages[1].size(), 98u);
}

TEST(SolClientRole, EndsAlsoWithoutAReply) {
  ClientRole m({}, kStart);
  EXPECT_TRUE(m.receive(hex(kStartReply), kStart));
  sent(m);
  m.end(kStart);
  EXPECT_EQ(m.send(as_bytes("x")), 0u);
  EXPECT_EQ(sent(m), "2200000001000000");
  EXPECT_TRUE(m.tick(kStart + seconds(2)));
  EXPECT_EQ(sent(m), "12000000");
  EXPECT_EQ(words(m), "started ended");
}

TEST(SolClientRole, UnderstandsDevices) {
  struct Row {
    const char* name;
    std::string device;
    const char* want;
  };
  const std::string reply = to_hex(hex(kStartReply));
  const Row rows[] = {
      {"all",
       reply + "29000000030000000006"
               "2a000000040000000300616263"
               "2b00000005000000"
               "2500000006000000",
       "started host:0:6 'abc'"},
      {"host_first", "29000000030000000006" + reply, "started"},
      {"refused", "2103" + reply.substr(4), "error:refused"},
      {"data_first", "2a000000040000000300616263", "error:bad_value"},
      {"twice", reply + reply, "started error:bad_value"},
      {"unknown", reply + "ff", "started error:unsupported"},
      {"device_ends", reply + "2300000007000000", "started ended"},
  };
  for (const Row& row : rows) {
    test::feed_all_ways(hex(row.device), [&](const std::vector<Bytes>& chunks) {
      ClientRole m({}, kStart);
      const std::string got = told(m, chunks);
      EXPECT_EQ(got, row.want) << row.name;
      return got + sent(m);
    });
  }
}

TEST(SolClientRole, GivesUpInTimeAndBoundsEchoes) {
  ClientRole m({}, kStart);
  EXPECT_EQ(m.tick(kStart + seconds(10)).error().code, Errc::Timeout);

  ClientRole quiet({.heartbeat_every = milliseconds(0)}, kStart);
  EXPECT_TRUE(quiet.receive(hex(kStartReply), kStart));
  EXPECT_EQ(*quiet.deadline(), kStart + seconds(20));
  EXPECT_EQ(quiet.tick(kStart + seconds(20)).error().code, Errc::Timeout);

  ClientRole flooded({}, kStart);
  EXPECT_TRUE(flooded.receive(hex(kStartReply), kStart));
  for (int i = 0; i < 100000; ++i) EXPECT_TRUE(flooded.receive(hex("2b00000009000000"), kStart));
  std::size_t total = 0;
  for (const Buffer& b : test::sent_messages(flooded)) total += b.size();
  EXPECT_LE(total, 64 * 1024 + 32);
}

}  // namespace
}  // namespace amtgate::sol
