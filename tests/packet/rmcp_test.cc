#include "amtgate/packet/rmcp.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "tests/support/feed.h"

namespace amtgate::packet {
namespace {

struct PingRow {
  const char* name;
  const char* hex;
  int tag;  // -1: none
};

TEST(RmcpPing, IsReadExactly) {
  const PingRow rows[] = {
      {"meshcentral", "06 00 00 06  00 00 11 be  80 07 00 00", 7},
      {"freeipmi, with a sequence", "06 00 ff 06  00 00 11 be  80 fe 00 00", 0xfe},
      {"empty", "", -1},
      {"short by one", "06 00 00 06  00 00 11 be  80 07 00", -1},
      {"long by one", "06 00 00 06  00 00 11 be  80 07 00 00 00", -1},
      {"data", "06 00 00 06  00 00 11 be  80 07 00 01 00", -1},
      {"data that is not there", "06 00 00 06  00 00 11 be  80 07 00 01", -1},
      {"version", "05 00 00 06  00 00 11 be  80 07 00 00", -1},
      {"ipmi", "06 00 ff 07  00 00 11 be  80 07 00 00", -1},
      {"acknowledgement", "06 00 00 86  00 00 11 be  80 07 00 00", -1},
      {"another iana number", "06 00 00 06  00 00 11 bf  80 07 00 00", -1},
      {"capabilities request", "06 00 00 06  00 00 11 be  81 07 00 00", -1},
      {"a pong", "06 00 00 06  00 00 11 be  40 07 00 00", -1},
  };
  for (const PingRow& row : rows) {
    const auto tag = parse_ping(test::hex(row.hex));
    EXPECT_EQ(tag ? *tag : -1, row.tag) << row.name;
  }
  EXPECT_EQ(to_hex(make_ping(7)), to_hex(test::hex(rows[0].hex)));
}

TEST(RmcpPong, SaysWhatTheMachineIs) {
  const auto pong = parse_pong(test::hex("06000006 000011be 40070010  00000157 4261 00 06 00 20 10 01 00000000"));
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->tag, 7);
  EXPECT_TRUE(pong->is_amt());
  EXPECT_EQ(pong->port, Port{16993});
  EXPECT_EQ(pong->major, 16U);
  EXPECT_EQ(pong->minor, 1U);
  EXPECT_EQ(pong->provisioning, Provisioning::Post);
  EXPECT_TRUE(pong->both_ports);
  EXPECT_TRUE(pong->dash);

  const auto old = parse_pong(test::hex("06000006 000011be 40070010  00000157 0000 b8 00 00 20 00 00 00000000"));
  ASSERT_TRUE(old);
  EXPECT_EQ(old->major, 11U);
  EXPECT_EQ(old->minor, 8U);
  EXPECT_EQ(old->provisioning, Provisioning::Pre);
  EXPECT_EQ(old->port, Port{0});
}

TEST(RmcpPong, OfAnotherMakerSaysNothingOfAmt) {
  // ASF's own number, as IPMI controllers have it.
  const auto pong = parse_pong(test::hex("06000006 000011be 40070010  000011be 4260 b8 02 81 20 00 00 00000000"));
  ASSERT_TRUE(pong);
  EXPECT_FALSE(pong->is_amt());
  EXPECT_EQ(pong->major, 0U);
  EXPECT_EQ(pong->provisioning, Provisioning::Unknown);
}

TEST(RmcpPong, RefusesWhatIsNone) {
  for (const char* hex :
       {"", "06000006 000011be 40070010", "06000006 000011be 40070010 00000157 4261 00 06 00 20 10 01 000000",
        "06000006 000011be 40070010 00000157 4261 00 06 00 20 10 01 0000000000",
        "06000006 000011be 80070010 00000157 4261 00 06 00 20 10 01 00000000",
        "06000006 000011be 4007000f 00000157 4261 00 06 00 20 10 01 000000"}) {
    EXPECT_FALSE(parse_pong(test::hex(hex))) << hex;
  }
  Buffer large = test::hex("06000006 000011be 400700ff");
  large.resize(12 + 255);
  EXPECT_FALSE(parse_pong(large));
}

TEST(RmcpPong, ComesBackAsItWasMade) {
  for (const unsigned major : {7U, 15U, 16U, 21U}) {
    Pong p;
    p.tag = 200;
    p.maker = Pong::kIntel;
    p.port = Port{16992};
    p.major = major;
    p.minor = 1;
    p.provisioning = Provisioning::In;
    p.dash = true;
    const auto back = parse_pong(make_pong(p));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->tag, 200);
    EXPECT_EQ(back->major, major);
    EXPECT_EQ(back->minor, 1U);
    EXPECT_EQ(back->port, Port{16992});
    EXPECT_EQ(back->provisioning, Provisioning::In);
    EXPECT_FALSE(back->both_ports);
  }
}

}  // namespace
}  // namespace amtgate::packet
