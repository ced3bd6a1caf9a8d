#include "amtgate/config/values.h"

#include <gtest/gtest.h>

namespace amtgate::config {
namespace {

TEST(Values, NumbersAreAllOfTheText) {
  EXPECT_EQ(*parse_number("0", 0, 10), 0U);
  EXPECT_EQ(*parse_number("0x5900", 1, 0xffffffff, Radix::DecimalOrHex), 0x5900U);
  EXPECT_EQ(*parse_number("4294967295", 0, 0xffffffff), 0xffffffffU);
  for (const char* bad :
       {"", "1o", " 1", "1 ", "-1", "+1", "11", "0x", "0x5900", "4294967296", "99999999999999999999"}) {
    EXPECT_FALSE(parse_number(bad, 0, 10)) << bad;
  }
}

TEST(Values, SizesKnowTheirUnits) {
  constexpr std::uint64_t kMost = 1ULL << 30;
  EXPECT_EQ(*parse_size("9216000", kMost), 9216000U);
  EXPECT_EQ(*parse_size("256k", kMost), 262144U);
  EXPECT_EQ(*parse_size("1G", kMost), kMost);
  for (const char* bad : {"", "k", "0", "0k", "2G", "1025M", "1.5k", "256kB", "1T", "-1k", "18446744073709551615k"}) {
    EXPECT_FALSE(parse_size(bad, kMost)) << bad;
  }
}

TEST(Values, HostsAreAddressesNetworksOrNames) {
  EXPECT_EQ(to_string(*parse_host("192.0.2.10")), "192.0.2.10");
  EXPECT_EQ(to_string(*parse_host("192.0.2.0/24")), "192.0.2.0/24");
  EXPECT_EQ(to_string(*parse_host("2001:db8::1")), "2001:db8::1");
  EXPECT_EQ(to_string(*parse_host("PC1.Example.ORG.")), "pc1.example.org");
  EXPECT_EQ(to_string(*parse_host("pc_1")), "pc_1");
  for (const char* bad :
       {"", "192.0.2.300", "192.0.2", "1", "192.0.2.0/33", "0.0.0.0/0", "::/0", "224.0.0.1", "ff02::1", "0.0.0.0",
        "pc1,pc2", "-pc1", "pc1..org", "pc1:5900", "fe80::1%eth0", "pc 1", "pc1/24"}) {
    EXPECT_FALSE(parse_host(bad)) << bad;
  }
  EXPECT_FALSE(parse_host(std::string(64, 'a')));
  EXPECT_FALSE(parse_host(std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." +
                          std::string(63, 'd')));
}

TEST(Values, PinsAreSixtyFourDigits) {
  const std::string digits(64, 'A');
  EXPECT_EQ(*parse_pin(digits), std::string(64, 'a'));
  EXPECT_EQ(*parse_pin("sha256:" + digits), std::string(64, 'a'));
  for (const std::string& bad :
       {digits + "0", digits.substr(1), "sha1:" + digits, std::string(64, 'g'), std::string()}) {
    EXPECT_FALSE(parse_pin(bad)) << bad;
  }
}

TEST(Values, KeyboardsAreXkbNames) {
  for (const char* good : {"de", "de(nodeadkeys)", "gb", "us(altgr-intl)", "latam", "de(deadtilde)"}) {
    EXPECT_TRUE(parse_keyboard(good)) << good;
  }
  for (const char* bad : {"", "de(", "de()", "de)", "(de)", "de(x)y", "de fr", "de,fr", "../de"}) {
    EXPECT_FALSE(parse_keyboard(bad)) << bad;
  }
}

TEST(Values, InterfacesFitTheKernel) {
  EXPECT_TRUE(parse_interface("lan0.20", InterfaceKind::Name));
  EXPECT_TRUE(parse_interface("veth+", InterfaceKind::Pattern));
  EXPECT_FALSE(parse_interface("veth+", InterfaceKind::Name));
  for (const char* bad : {"", "sixteen-letters0", "a/b", "..", ".", "a b", "+", "eth0;reboot", "\"x\""}) {
    EXPECT_FALSE(parse_interface(bad, InterfaceKind::Pattern)) << bad;
  }
}

TEST(Values, PathsStartAtTheRoot) {
  EXPECT_TRUE(parse_path("/etc/amtgate/secrets/pc 1"));
  EXPECT_FALSE(parse_path("secrets/pc1"));
  EXPECT_FALSE(parse_path(""));
  EXPECT_FALSE(parse_path("/" + std::string(4096, 'a')));
}

TEST(Values, WordsAreSplitAtBlanks) {
  EXPECT_EQ(words(" a\tb  c "), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_TRUE(words(" \t").empty());
}

}  // namespace
}  // namespace amtgate::config
