#include "amtgate/packet/icmp.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::packet {
namespace {

TEST(Icmp, AsksAsOthersDo) {
  const auto v4 = make_echo_request(true, {0x1234, 7});
  EXPECT_EQ(Buffer(v4.begin(), v4.end()), test::hex("0800e5c412340007 0000000000000000"));
  const auto v6 = make_echo_request(false, {0x1234, 7});
  EXPECT_EQ(Buffer(v6.begin(), v6.end()), test::hex("8000000012340007 0000000000000000"));
}

struct Row {
  const char* name;
  bool v4, header;
  const char* hex;
  std::optional<Echo> want;
};
const Row kRows[] = {
    {"v4", true, false, "0000 ffff 1234 0007", Echo{0x1234, 7}},
    {"v4_behind_header", true, true, "45000024 00000000 40010000 0a470214 0a470201 0000 ffff 0102 0003",
     Echo{0x102, 3}},
    {"v4_with_options", true, true, "46000028 00000000 40010000 0a470214 0a470201 00000000 0000 ffff 0102 0003",
     Echo{0x102, 3}},
    {"v6", false, false, "8100 ffff 1234 0007", Echo{0x1234, 7}},
    {"v4_request", true, false, "0800 ffff 1234 0007", std::nullopt},
    {"unreachable", true, false, "0301 ffff 0000 0000", std::nullopt},
    {"code", true, false, "0001 ffff 1234 0007", std::nullopt},
    {"short_by_one", true, false, "0000 ffff 1234 00", std::nullopt},
    {"empty", true, false, "", std::nullopt},
    {"header_alone", true, true, "45000014 00000000 40010000 0a470214 0a470201", std::nullopt},
    {"header_too_short", true, true, "41000024 00000000 40010000 0a470214 0a470201 0000 ffff 0102 0003",
     std::nullopt},
    {"not_v4", true, true, "65000024 00000000 40010000 0a470214 0a470201 0000 ffff 0102 0003", std::nullopt},
};

TEST(Icmp, KnowsReplies) {
  for (const Row& row : kRows) {
    EXPECT_EQ(parse_echo_reply(row.v4, row.header, test::hex(row.hex)), row.want) << row.name;
  }
}

}  // namespace
}  // namespace amtgate::packet
