#include "amtgate/rfb/client_handshake.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

constexpr TimePoint kNow{};

std::string trace(const ClientHandshake::Options& options, const std::vector<Bytes>& chunks) {
  ClientHandshake h(options, kNow);
  std::string events;
  for (const Bytes c : chunks) {
    const Result<void> r = h.receive(c, kNow);
    while (const auto e = h.next_event()) {
      if (const auto* passed = std::get_if<ClientHandshake::SecurityPassed>(&*e)) {
        events += " passed(" + std::string(name(passed->type)) + ")";
      } else if (const auto* ready = std::get_if<ClientHandshake::Ready>(&*e)) {
        events += " ready " + std::to_string(ready->init.size.width) + "x" + std::to_string(ready->init.size.height) +
                  " " + to_string(ready->init.format) + " " + printable(as_bytes(ready->init.name)) + " " +
                  std::to_string(ready->raw.size());
      }
    }
    if (!r) {
      events += std::string(" !") + name(r.error().code) + " " + r.error().detail;
      break;
    }
  }
  const std::string sent = to_hex(h.output());
  std::string out = sent.substr(0, 24) == to_hex(as_bytes("RFB 003.008\n")) ? "3.8 " + sent.substr(24) : sent;
  out += events;
  if (const Buffer rest = h.take_rest(); !rest.empty()) out += " rest " + to_hex(rest);
  return out;
}

const std::string kGreeting38 = to_hex(as_bytes("RFB 003.008\n")), kGreeting40 = to_hex(as_bytes("RFB 004.000\n"));
// noVNC issue 118: 720x400 text screen, 16 bits, name of 16 bytes.
const std::string kInit =
    "02d0019010100001001f003f001f0b05000000000000001"
    "0" +
    to_hex(as_bytes("Intel(r) AMT KVM"));

TEST(ClientHandshake, WhatAmtSays) {
  const std::string none = "020180";
  const std::string challenge = "000102030405060708090a0b0c0d0e0f";
  const std::string ready = " ready 720x400 RGB565 Intel(r) AMT KVM 40";
  ClientHandshake::Options plain, password, stop;
  password.password = "Pa55w0rd";
  stop.stop_after_security = true;
  struct Row {
    const char* name;
    ClientHandshake::Options options;
    std::string hex;
    std::string want;
  };
  const Row rows[] = {
      {"none", plain, kGreeting38 + none + "00000000" + kInit, "3.8 0101 passed(none)" + ready},
      {"4.0", plain, kGreeting40 + none + "00000000" + kInit, "3.8 0101 passed(none)" + ready},
      {"3.3 is answered alike", plain, to_hex(as_bytes("RFB 003.003\n")) + none + "00000000",
       "3.8 0101 passed(none)"},
      {"3.889", plain,
       to_hex(as_bytes("RFB 003.889\n")) + "0101"
                                           "00000000",
       "3.8 0101 passed(none)"},
      {"update glued behind", plain,
       kGreeting38 +
           "0101"
           "00000000" +
           kInit + "0000 0001",
       "3.8 0101 passed(none)" + ready + " rest 00000001"},
      {"stop after security", stop,
       kGreeting38 + "0101"
                     "00000000",
       "3.8 01 passed(none)"},
      {"password", password, kGreeting38 + "0102" + challenge + "00000000" + kInit,
       "3.8 02e401ff411db1cf4cedbba1df58af05e2"
       "01 passed(vnc-password)" +
           ready},
      {"password not needed", password,
       kGreeting38 + "020102"
                     "00000000",
       "3.8 0101 passed(none)"},
      {"wrong password", password,
       kGreeting38 + "0102" + challenge +
           "00000001"
           "00000003" +
           to_hex(as_bytes("no\n")),
       "3.8 02e401ff411db1cf4cedbba1df58af05e2 !auth_failed the device refused: no?"},
      {"no password configured there", password,
       kGreeting38 +
           "00"
           "00000009" +
           to_hex(as_bytes("no passwd")),
       "3.8  !refused the device refused: no passwd"},
      {"no reason", plain,
       kGreeting38 + "00"
                     "00000000",
       "3.8  !refused the device refused without a reason"},
      {"failed", plain,
       kGreeting38 +
           "0101"
           "00000001"
           "00000004" +
           to_hex(as_bytes("busy")),
       "3.8 01 !refused the device refused: busy"},
      {"strange result", plain,
       kGreeting38 + "0101"
                     "00000007",
       "3.8 01 !bad_value RFB security result 7"},
      {"no password here", plain, kGreeting38 + "0102",
       "3.8  !unsupported the device wants a VNC password, and none is configured"},
      {"no type", plain, kGreeting38 + "021380", "3.8  !unsupported the device has security types 19 128 only"},
      {"endless name", plain,
       kGreeting38 +
           "0101"
           "00000000" +
           kInit.substr(0, 40) + "7fffffff",
       "3.8 0101 passed(none) !too_large desktop name of 2147483647 bytes (limit 4096)"},
      {"http", plain, to_hex(as_bytes("HTTP/1.1 400")), ""},
      {"rfb of the stone age", plain, to_hex(as_bytes("RFB 002.002\n")), ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const Buffer in = test::hex(row.hex);
    if (!row.want.empty()) {
      EXPECT_EQ(trace(row.options, {Bytes(in)}), row.want);
      test::feed_all_ways(in, [&](const std::vector<Bytes>& chunks) { return trace(row.options, chunks); });
    } else {
      EXPECT_NE(trace(row.options, {Bytes(in)}).find("!bad_value"), std::string::npos);
    }
  }
}

TEST(ClientHandshake, ForeignTalkEndsAtTheFirstByte) {
  ClientHandshake h({}, kNow);
  EXPECT_FALSE(h.receive(as_bytes("S"), kNow));
}

TEST(ClientHandshake, LongReasonIsCutAndNotWaitedFor) {
  ClientHandshake h({}, kNow);
  Buffer in = test::hex(kGreeting38 +
                        "00"
                        "7fffffff");
  in.insert(in.end(), kMaxReason, 'x');
  const Result<void> r = h.receive(in, kNow);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::Refused);
  EXPECT_LT(r.error().detail.size(), kMaxReason + 100);
}

TEST(ClientHandshake, ProceedsWhenTold) {
  ClientHandshake h({.password = "", .stop_after_security = true}, kNow);
  ASSERT_TRUE(h.receive(test::hex(kGreeting40 + "0101"
                                                "00000000"),
                        kNow));
  EXPECT_FALSE(h.deadline());
  h.sent(h.output().size());
  ASSERT_TRUE(h.proceed(false, kNow));
  EXPECT_EQ(to_hex(h.output()), "00");
  EXPECT_TRUE(h.deadline());
}

TEST(ClientHandshake, TellsWhatItWaitedFor) {
  ClientHandshake h({}, kNow);
  EXPECT_EQ(h.closed().code, Errc::Closed);
  Result<void> r = h.tick(*h.deadline());
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::Timeout);
  EXPECT_EQ(r.error().detail, "the device did not send its RFB greeting");

  ClientHandshake init({}, kNow);
  ASSERT_TRUE(init.receive(test::hex(kGreeting38 + "0101"
                                                   "00000000"),
                           kNow));
  EXPECT_NE(init.closed().detail.find("capture"), std::string::npos);

  ClientHandshake reason({.password = "x"}, kNow);
  ASSERT_TRUE(reason.receive(test::hex(kGreeting38 + "0102"
                                                     "000102030405060708090a0b0c0d0e0f"
                                                     "00000001"),
                             kNow));
  EXPECT_EQ(reason.closed().code, Errc::AuthFailed);
  EXPECT_EQ(reason.tick(*reason.deadline()).error().code, Errc::AuthFailed);
}

}  // namespace
}  // namespace amtgate::rfb
