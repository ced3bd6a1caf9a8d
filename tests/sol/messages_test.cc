#include "amtgate/sol/messages.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "tests/support/feed.h"

namespace amtgate::sol {
namespace {

using test::hex;

struct Row {
  const char* name;
  const char* bytes;
};

// Captured from clients, or laid out after the tables in sol/messages.h.
const Row kClient[] = {
    {"start_amtterm", "20000000 00000000 e803 6400 0000 1027 0000 8813 00000000"},
    {"start_mesh", "20000000 01000000 1027 6400 0000 1027 6400 0000 00000000"},
    {"end", "22000000 00000000"},
    {"ping", "24000000 07000000"},
    {"pong", "25000000 07000000"},
    {"controls_mesh", "27000000 02000000 0000 1b00 0000"},
    {"data_hamtsolo", "28000000 00000000 0100 0d"},
    {"data_empty", "28000000 00000000 0000"},
    {"heartbeat", "2b000000 03000000"},
    {"end_session", "12000000"},
};
const Row kDevice[] = {
    {"start_reply", "21000000 00000000 000000000000000000000000000000"},
    {"start_refused", "21010000 00000000 000000000000000000000000000000"},
    {"end_reply", "23000000 09000000"},
    {"ping", "24000000 07000000"},
    {"pong", "25000000 07000000"},
    {"host_loopback_on", "29000000 03000000 00 06"},
    {"host_dtr_on", "29000000 04000000 02 04"},
    {"host_power_off", "29000000 91000000 00 00"},
    {"data", "2a000000 05000000 0500 68656c6c6f"},
    {"heartbeat", "2b000000 06000000"},
};

TEST(SolMessages, RoundTrip) {
  for (const Row& row : kClient) {
    const Buffer b = hex(row.bytes);
    const auto m = parse_client(b);
    ASSERT_TRUE(m) << row.name;
    Buffer out;
    encode(out, *m);
    EXPECT_EQ(to_hex(out), to_hex(b)) << row.name;
    EXPECT_FALSE(parse_client(Bytes(b).first(b.size() - 1))) << row.name;
  }
  for (const Row& row : kDevice) {
    const Buffer b = hex(row.bytes);
    const auto m = parse_device(b);
    ASSERT_TRUE(m) << row.name;
    Buffer out;
    encode(out, *m);
    EXPECT_EQ(to_hex(out), to_hex(b)) << row.name;
    EXPECT_FALSE(parse_device(Bytes(b).first(b.size() - 1))) << row.name;
  }
}

TEST(SolMessages, ReadFields) {
  const Buffer start = hex(kClient[0].bytes);
  const Start s = std::get<Start>(*parse_client(start));
  EXPECT_EQ(s.settings, Settings{});
  EXPECT_EQ(s.sequence, 0u);
  const Buffer mesh = hex(kClient[1].bytes);
  EXPECT_EQ(std::get<Start>(*parse_client(mesh)).settings.max_transmit, 10000);
  EXPECT_EQ(std::get<Start>(*parse_client(mesh)).settings.heartbeat, 0);
  EXPECT_EQ(std::get<Start>(*parse_client(mesh)).sequence, 1u);
  const Buffer data = hex(kDevice[8].bytes);
  EXPECT_EQ(as_text(std::get<Data>(*parse_device(data)).bytes), "hello");
  const Buffer host = hex(kDevice[5].bytes);
  EXPECT_EQ(std::get<HostStatus>(*parse_device(host)).status, HostStatus::kLoopback | HostStatus::kPowered);
}

TEST(SolMessages, RefuseOthers) {
  EXPECT_FALSE(parse_client({}));
  EXPECT_FALSE(parse_device({}));
  for (const char* wrong : {"21", "2a", "29", "40", "ff"}) EXPECT_FALSE(parse_client(hex(wrong))) << wrong;
  for (const char* wrong : {"20", "28", "27", "12000000", "ff"}) EXPECT_FALSE(parse_device(hex(wrong))) << wrong;
  EXPECT_FALSE(parse_client(hex("28000000 00000000 0200 0d")));
  EXPECT_FALSE(parse_client(hex("28000000 00000000 0000 0d")));
}

}  // namespace
}  // namespace amtgate::sol
