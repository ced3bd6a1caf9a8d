#include "amtgate/packet/header.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::packet {
namespace {

using test::hex;

// Made by hand after RFC 791, 8200, 9293; the TCP part is one SYN, 0xc350 -> 5900, 20 bytes.
#define TCP_SYN "c350 170c 00000001 00000000 5002 ffff 0000 0000"
#define V6_ADDRESSES "20010db8000000000000000000000001 20010db8000000000000000000000010"

struct Row {
  const char* name;
  const char* hex;
  Unread want;
  const char* flow;  // "source destination" where it was read
};

const Row kRows[] = {
    {"v4_syn", "4500 0028 0001 4000 4006 0000 c0000201 c000020a " TCP_SYN, Unread::None,
     "192.0.2.1:50000 192.0.2.10:5900"},
    {"v4_with_options", "4600 002c 0001 0000 4006 0000 c0000201 c000020a 01010100 " TCP_SYN, Unread::None,
     "192.0.2.1:50000 192.0.2.10:5900"},
    {"v4_udp", "4500 001c 0001 0000 4011 0000 c0000201 c000020a c350 026f 0008 0000", Unread::None,
     "192.0.2.1:50000 192.0.2.10:623"},
    {"v4_padding_is_not_tcp", "4500 0014 0001 0000 4006 0000 c0000201 c000020a " TCP_SYN, Unread::Truncated, ""},
    {"v4_large_send_length_zero", "4500 0000 0001 0000 4006 0000 c0000201 c000020a " TCP_SYN, Unread::None,
     "192.0.2.1:50000 192.0.2.10:5900"},
    {"v4_cut_in_address", "4500 0028 0001 0000 4006 0000 c0000201 c000", Unread::Truncated, ""},
    {"v4_cut_in_tcp", "4500 0028 0001 0000 4006 0000 c0000201 c000020a c350 170c 00000001", Unread::Truncated, ""},
    {"v4_header_too_short", "4400 0028 0001 0000 4006 0000 c0000201 c000020a " TCP_SYN, Unread::Malformed, ""},
    {"v4_header_past_end", "4f00 0028 0001 0000 4006 0000 c0000201 c000020a", Unread::Malformed, ""},
    {"v4_options_past_end", "4f00 0064 0001 0000 4006 0000 c0000201 c000020a", Unread::Truncated, ""},
    {"v4_total_below_header", "4500 0013 0001 0000 4006 0000 c0000201 c000020a " TCP_SYN, Unread::Malformed, ""},
    {"v4_first_fragment", "4500 0028 0001 2000 4006 0000 c0000201 c000020a " TCP_SYN, Unread::Fragment, ""},
    {"v4_later_fragment", "4500 0028 0001 0003 4006 0000 c0000201 c000020a " TCP_SYN, Unread::Fragment, ""},
    {"v4_icmp", "4500 001c 0001 0000 4001 0000 c0000201 c000020a 0800 0000 0000 0000", Unread::OtherKind, ""},
    {"v4_tcp_offset_too_small",
     "4500 0028 0001 0000 4006 0000 c0000201 c000020a c350 170c 00000001 00000000 4002 ffff "
     "0000 0000",
     Unread::Malformed, ""},
    {"v6_syn", "6000 0000 0014 06 40 " V6_ADDRESSES TCP_SYN, Unread::None, "[2001:db8::1]:50000 [2001:db8::10]:5900"},
    {"v6_hop_by_hop_and_destination",
     "6000 0000 0024 00 40 " V6_ADDRESSES "3c 00 01 04 00000000  06 00 01 04 00000000 " TCP_SYN, Unread::None,
     "[2001:db8::1]:50000 [2001:db8::10]:5900"},
    {"v6_authentication",
     "6000 0000 002c 33 40 " V6_ADDRESSES "06 04 0000 00000000 00000000 00000000 00000000 00000000 " TCP_SYN,
     Unread::None, "[2001:db8::1]:50000 [2001:db8::10]:5900"},
    {"v6_atomic_fragment", "6000 0000 001c 2c 40 " V6_ADDRESSES "06 00 0000 00000001 " TCP_SYN, Unread::None,
     "[2001:db8::1]:50000 [2001:db8::10]:5900"},
    {"v6_first_fragment", "6000 0000 001c 2c 40 " V6_ADDRESSES "06 00 0001 00000001 " TCP_SYN, Unread::Fragment, ""},
    {"v6_later_fragment", "6000 0000 001c 2c 40 " V6_ADDRESSES "06 00 0008 00000001 " TCP_SYN, Unread::Fragment, ""},
    {"v6_extension_past_end", "6000 0000 001c 00 40 " V6_ADDRESSES "06 ff 0104 00000000 " TCP_SYN, Unread::Truncated,
     ""},
    {"v6_extension_cut", "6000 0000 0004 00 40 " V6_ADDRESSES "06 00 0104", Unread::Truncated, ""},
    {"v6_no_next_header", "6000 0000 0000 3b 40 " V6_ADDRESSES, Unread::OtherKind, ""},
    {"v6_cut_in_address", "6000 0000 0014 06 40 20010db8000000000000000000000001 2001", Unread::Truncated, ""},
    {"v6_mapped_destination",
     "6000 0000 0014 06 40 20010db8000000000000000000000001 00000000000000000000ffffc000020a " TCP_SYN,
     Unread::Malformed, ""},
    {"v6_mapped_source",
     "6000 0000 0014 06 40 00000000000000000000ffffc0000201 20010db8000000000000000000000010 " TCP_SYN,
     Unread::Malformed, ""},
    {"version_5", "5500 0028 0001 0000 4006 0000 c0000201 c000020a " TCP_SYN, Unread::Malformed, ""},
    {"empty", "", Unread::Truncated, ""},
    {"one_byte", "45", Unread::Truncated, ""},
};

class HeaderRows : public testing::TestWithParam<Row> {};

TEST_P(HeaderRows, IsReadOrNamed) {
  const Buffer packet = hex(GetParam().hex);
  Header header;
  const Unread got = parse(packet, header);
  EXPECT_STREQ(name(got), name(GetParam().want));
  if (got == Unread::None) {
    EXPECT_EQ(header.flow.source.to_string() + " " + header.flow.destination.to_string(), GetParam().flow);
  }
}

INSTANTIATE_TEST_SUITE_P(Packets, HeaderRows, testing::ValuesIn(kRows),
                         [](const testing::TestParamInfo<Row>& row) { return std::string(row.param.name); });

TEST(Header, EveryPrefixOfAPacketIsHarmless) {
  for (const Row& row : kRows) {
    const Buffer packet = hex(row.hex);
    for (std::size_t n = 0; n < packet.size(); ++n) {
      const Buffer prefix(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(n));
      Header header;
      parse(prefix, header);
    }
  }
}

TEST(Header, TooManyExtensionHeadersAreMalformed) {
  std::string text = "6000 0000 0000 00 40 " V6_ADDRESSES;
  for (int i = 0; i < 9; ++i) text += "00 00 0104 00000000 ";
  Header header;
  EXPECT_EQ(parse(hex(text + TCP_SYN), header), Unread::Malformed);
}

TEST(Header, TellsOpeningPackets) {
  Header header;
  const std::string front = "4500 0028 0001 0000 4006 0000 c0000201 c000020a c350 170c 00000001 00000000 50";
  const auto opens = [&](const std::string& flags) {
    EXPECT_EQ(parse(hex(front + flags + " ffff 0000 0000"), header), Unread::None);
    return header.opens();
  };
  EXPECT_TRUE(opens("02"));
  EXPECT_TRUE(opens("c2")) << "ECN set-up, RFC 3168 6.1.1";
  EXPECT_FALSE(opens("12"));
  EXPECT_FALSE(opens("10"));
  EXPECT_FALSE(opens("04"));
  EXPECT_FALSE(opens("03"));
  EXPECT_FALSE(opens("00"));
}

}  // namespace
}  // namespace amtgate::packet
