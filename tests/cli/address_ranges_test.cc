#include "amtgate/cli/address_ranges.h"

#include <gtest/gtest.h>

namespace amtgate::cli {
namespace {

struct Row {
  const char* text;
  const char* first;  // null: refused
  std::uint64_t count;
};

TEST(AddressRange, IsReadAsPeopleWriteIt) {
  const Row rows[] = {
      {"192.0.2.10", "192.0.2.10", 1},
      {"192.0.2.0/24", "192.0.2.1", 254},
      {"192.0.2.77/24", "192.0.2.1", 254},
      {"192.0.2.8/30", "192.0.2.9", 2},
      {"192.0.2.8/31", "192.0.2.8", 2},
      {"192.0.2.8/32", "192.0.2.8", 1},
      {"10.0.0.0/8", "10.0.0.1", 16777214},
      {"0.0.0.0/0", "0.0.0.1", 4294967294},
      {"192.0.2.10-192.0.2.20", "192.0.2.10", 11},
      {"192.0.2.10-20", "192.0.2.10", 11},
      {"192.0.2.10-10", "192.0.2.10", 1},
      {"192.0.2.255-192.0.3.0", "192.0.2.255", 2},
      {"0.0.0.0-255.255.255.255", "0.0.0.0", 4294967296},
      {"2001:db8::1", "2001:db8::1", 1},
      {"2001:db8::/64", nullptr, 0},
      {"192.0.2.20-10", nullptr, 0},
      {"192.0.2.20-256", nullptr, 0},
      {"192.0.2.20-", nullptr, 0},
      {"-192.0.2.20", nullptr, 0},
      {"192.0.2.0/33", nullptr, 0},
      {"2001:db8::1-2001:db8::2", nullptr, 0},
      {"pc1", nullptr, 0},
      {"", nullptr, 0},
  };
  for (const Row& row : rows) {
    const Result<AddressRange> range = parse_address_range(row.text);
    ASSERT_EQ(range.has_value(), row.first != nullptr) << row.text;
    if (!range) continue;
    EXPECT_EQ(range->first.to_string(), row.first) << row.text;
    EXPECT_EQ(range->count, row.count) << row.text;
  }
}

TEST(AddressRange, EachAddressOnce) {
  const auto all = addresses_of({*parse_address_range("192.0.2.4/30"), *parse_address_range("192.0.2.1-6"),
                                 *parse_address_range("2001:db8::1"), *parse_address_range("192.0.2.6")});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 7U);
  EXPECT_EQ(all->front().to_string(), "192.0.2.1");
  EXPECT_EQ(all->back().to_string(), "2001:db8::1");
}

TEST(AddressRange, ThereIsAnEnd) {
  EXPECT_EQ(addresses_of({*parse_address_range("10.0.0.0/11")}).error().code, Errc::TooLarge);
  EXPECT_TRUE(addresses_of({*parse_address_range("10.0.0.0/16")}));
}

}  // namespace
}  // namespace amtgate::cli
