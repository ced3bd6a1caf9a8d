#include "amtgate/redir/framing.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "tests/support/feed.h"

namespace amtgate::redir {
namespace {

using test::hex;

struct Row {
  const char* name;
  Service service;
  Direction direction;
  std::uint8_t type;
  std::size_t length;    // with zeros behind the type
  std::size_t at = 0;    // where a length stands, 0 = nowhere
  std::size_t size = 0;  // of the length field
};
constexpr Direction kC = Direction::FromClient;
constexpr Direction kD = Direction::FromDevice;
const Row kRows[] = {
    {"sol_end_session", Service::Sol, kC, 0x12, 4},
    {"sol_start", Service::Sol, kC, 0x20, 24},
    {"sol_end", Service::Sol, kC, 0x22, 8},
    {"sol_ping", Service::Sol, kC, 0x24, 8},
    {"sol_pong", Service::Sol, kC, 0x25, 8},
    {"sol_controls", Service::Sol, kC, 0x27, 14},
    {"sol_data", Service::Sol, kC, 0x28, 10, 8, 2},
    {"sol_heartbeat", Service::Sol, kC, 0x2b, 8},
    {"sol_start_reply", Service::Sol, kD, 0x21, 23},
    {"sol_end_reply", Service::Sol, kD, 0x23, 8},
    {"sol_ping_d", Service::Sol, kD, 0x24, 8},
    {"sol_pong_d", Service::Sol, kD, 0x25, 8},
    {"sol_status", Service::Sol, kD, 0x29, 10},
    {"sol_data_d", Service::Sol, kD, 0x2a, 10, 8, 2},
    {"sol_heartbeat_d", Service::Sol, kD, 0x2b, 8},
    {"ider_end_session", Service::Ider, kC, 0x12, 4},
    {"ider_open", Service::Ider, kC, 0x40, 18},
    {"ider_close", Service::Ider, kC, 0x42, 8},
    {"ider_ping", Service::Ider, kC, 0x44, 8},
    {"ider_pong", Service::Ider, kC, 0x45, 8},
    {"ider_reset_reply", Service::Ider, kC, 0x47, 8},
    {"ider_features", Service::Ider, kC, 0x48, 13},
    {"ider_heartbeat", Service::Ider, kC, 0x4b, 8},
    {"ider_command_end", Service::Ider, kC, 0x51, 31},
    {"ider_get_data", Service::Ider, kC, 0x52, 31},
    {"ider_data", Service::Ider, kC, 0x54, 34, 9, 2},
    {"ider_open_reply", Service::Ider, kD, 0x41, 30, 29, 1},
    {"ider_close_reply", Service::Ider, kD, 0x43, 8},
    {"ider_ping_d", Service::Ider, kD, 0x44, 8},
    {"ider_pong_d", Service::Ider, kD, 0x45, 8},
    {"ider_reset", Service::Ider, kD, 0x46, 9},
    {"ider_features_reply", Service::Ider, kD, 0x49, 13},
    {"ider_error", Service::Ider, kD, 0x4a, 11},
    {"ider_heartbeat_d", Service::Ider, kD, 0x4b, 8},
    {"ider_command", Service::Ider, kD, 0x50, 28},
    {"ider_data_d", Service::Ider, kD, 0x53, 14, 9, 2},
};

TEST(Framing, KnowsEveryLength) {
  for (const Row& row : kRows) {
    Buffer b(row.length);
    b[0] = row.type;
    auto r = next_service_message(b, row.service, row.direction);
    ASSERT_TRUE(r && *r) << row.name;
    EXPECT_EQ(**r, row.length) << row.name;
    if (row.size == 0) continue;
    for (std::size_t i = 0; i < row.size; ++i) b[row.at + i] = 0xff;
    r = next_service_message(b, row.service, row.direction);
    EXPECT_EQ(**r, row.length + (row.size == 2 ? 65535U : 255U)) << row.name;
    EXPECT_LE(**r, kMaxServiceMessage);
    const auto cut = next_service_message(Bytes(b).first(row.at + row.size - 1), row.service, row.direction);
    EXPECT_TRUE(cut && !*cut) << row.name;
  }
}

TEST(Framing, KnowsShortFeatureRequests) {
  EXPECT_EQ(**next_service_message(hex("48000000 00000000 01"), Service::Ider, kC), 9u);
  EXPECT_EQ(**next_service_message(hex("48000000 00000000 02"), Service::Ider, kC), 9u);
  EXPECT_EQ(**next_service_message(hex("48000000 00000000 03"), Service::Ider, kC), 13u);
  EXPECT_FALSE(*next_service_message(hex("48000000 00000000"), Service::Ider, kC));
}

TEST(Framing, RefusesEverythingElse) {
  for (const Service service : {Service::Sol, Service::Ider, Service::Vnc, Service::Wsman}) {
    for (const Direction direction : {kC, kD}) {
      for (unsigned type = 0; type < 256; ++type) {
        bool listed = false;
        for (const Row& row : kRows) {
          listed |= row.service == service && row.direction == direction && row.type == type;
        }
        const Buffer b(16, static_cast<std::uint8_t>(type));
        EXPECT_EQ(next_service_message(b, service, direction).has_value(), listed) << type;
      }
    }
  }
}

TEST(Framing, CutsTheOpening) {
  EXPECT_EQ(**next_message(hex("10"), kC), 8u);
  EXPECT_EQ(**next_message(hex("12"), kC), 4u);
  EXPECT_EQ(**next_message(hex("13000000 04 20000000"), kC), 41u);
  EXPECT_FALSE(*next_message(hex("13000000 04 200000"), kC));
  EXPECT_EQ(**next_message(hex("13000000 02 00000100"), kC), 9u + 65536u);
  EXPECT_EQ(next_message(hex("13000000 02 01000100"), kC).error().code, Errc::TooLarge);
  EXPECT_FALSE(*next_message(hex("11000000 0000000000000000"), kD));
  EXPECT_EQ(**next_message(hex("11000000 0000000000000000 04"), kD), 17u);
  EXPECT_EQ(**next_message(hex("14000000 04 00000000"), kD), 9u);
  EXPECT_FALSE(*next_message({}, kD));
  for (const char* wrong : {"11", "14", "20", "47"})
    EXPECT_EQ(next_message(hex(wrong), kC).error().code, Errc::Unsupported);
  for (const char* wrong : {"10", "13", "12", "21"})
    EXPECT_EQ(next_message(hex(wrong), kD).error().code, Errc::Unsupported);
}

TEST(Framing, TellsASuccessfulLogin) {
  EXPECT_TRUE(is_login_success(hex("14000000 04 00000000")));
  EXPECT_TRUE(is_login_success(hex("14000000 01 00000000")));
  EXPECT_FALSE(is_login_success(hex("14000000 00 02000000 0104")));
  EXPECT_FALSE(is_login_success(hex("14010000 04 00000000")));
  EXPECT_FALSE(is_login_success(hex("13000000 04 00000000")));
  EXPECT_FALSE(is_login_success(hex("14000000")));
}

TEST(Framing, KnowsWhatAmttermThrowsAway) {
  std::string types;
  for (unsigned t = 0; t < 256; ++t) {
    const auto type = static_cast<std::uint8_t>(t);
    if (discards_rest(type)) types += to_hex(Bytes(&type, 1)) + " ";
  }
  EXPECT_EQ(types, "14 21 23 29 41 46 49 50 ");
}

TEST(MessageCutter, CutsWhateverTheSplits) {
  const Buffer stream =
      hex("21000000 00000000 000000000000000000000000000000"
          "29000000 03000000 0006"
          "2a000000 04000000 0300 616263"
          "2b000000 05000000"
          "ff000000 2a");
  test::feed_all_ways(stream, [](const std::vector<Bytes>& chunks) {
    MessageCutter cutter(Service::Sol, Direction::FromDevice);
    std::string out;
    bool lost = false;
    Buffer rest;
    for (const Bytes chunk : chunks) {
      if (lost) {
        append(rest, chunk);
        continue;
      }
      cutter.feed(chunk);
      for (;;) {
        const auto message = cutter.next();
        if (!message) {
          EXPECT_EQ(message.error().detail, "unknown sol message 0xff");
          lost = true;
          rest = cutter.take_rest();
          break;
        }
        if (!*message) break;
        out += to_hex(**message) + " ";
      }
    }
    return out + "rest " + to_hex(rest);
  });
}

TEST(MessageCutter, KeepsAtMostOneMessage) {
  MessageCutter cutter(Service::Ider, Direction::FromClient);
  cutter.feed(hex("54000000 00000000 00 ffff"));
  for (int i = 0; i < 64; ++i) {
    cutter.feed(Buffer(1024, 0x54));
    while (const auto m = cutter.next()) {
      if (!*m) break;
    }
    EXPECT_LE(cutter.kept(), kMaxServiceMessage);
  }
}

}  // namespace
}  // namespace amtgate::redir
