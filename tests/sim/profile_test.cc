#include "amtgate/sim/profile.h"

#include <gtest/gtest.h>

namespace amtgate::sim {
namespace {

struct Row {
  const char* profile;
  bool plain;
  TlsVersion min, max;
  KeyType key;
  std::vector<std::uint8_t> methods;
  RfbGreeting greeting;
  Port5900 port5900;
  bool kvm;
  bool strict_nc;
};
const Row kRows[] = {
    {"8",
     true,
     TlsVersion::V1_0,
     TlsVersion::V1_0,
     KeyType::Rsa,
     {1, 3, 4},
     RfbGreeting::V4_0,
     Port5900::Password,
     true,
     false},
    {"9",
     true,
     TlsVersion::V1_0,
     TlsVersion::V1_1,
     KeyType::Rsa,
     {3, 4},
     RfbGreeting::V4_0,
     Port5900::Password,
     true,
     false},
    {"11",
     true,
     TlsVersion::V1_0,
     TlsVersion::V1_1,
     KeyType::Rsa,
     {4},
     RfbGreeting::V4_0,
     Port5900::Password,
     true,
     false},
    {"12",
     true,
     TlsVersion::V1_1,
     TlsVersion::V1_2,
     KeyType::Rsa,
     {4},
     RfbGreeting::V4_0,
     Port5900::Password,
     true,
     false},
    {"15",
     true,
     TlsVersion::V1_2,
     TlsVersion::V1_2,
     KeyType::Rsa,
     {4},
     RfbGreeting::V3_8,
     Port5900::Password,
     true,
     true},
    {"16.1",
     false,
     TlsVersion::V1_2,
     TlsVersion::V1_2,
     KeyType::Rsa,
     {4},
     RfbGreeting::V3_8,
     Port5900::NoPassword,
     true,
     true},
    {"19",
     false,
     TlsVersion::V1_2,
     TlsVersion::V1_3,
     KeyType::Ec,
     {4},
     RfbGreeting::V3_8,
     Port5900::Closed,
     true,
     true},
    {"21",
     false,
     TlsVersion::V1_2,
     TlsVersion::V1_3,
     KeyType::Ec,
     {4},
     RfbGreeting::V3_8,
     Port5900::Closed,
     true,
     true},
    {"ism",
     false,
     TlsVersion::V1_2,
     TlsVersion::V1_2,
     KeyType::Rsa,
     {4},
     RfbGreeting::V3_8,
     Port5900::Closed,
     false,
     true},
};

class ProfileRows : public testing::TestWithParam<Row> {};

TEST_P(ProfileRows, IsAsTheFieldNotesListIt) {
  const Row& want = GetParam();
  const Result<Profile> p = find_profile(want.profile);
  ASSERT_TRUE(p);
  EXPECT_EQ(p->name, want.profile);
  EXPECT_EQ(p->plain_open, want.plain);
  EXPECT_TRUE(p->tls_open);
  EXPECT_EQ(p->tls_min, want.min);
  EXPECT_EQ(p->tls_max, want.max);
  EXPECT_EQ(p->key, want.key);
  EXPECT_EQ(p->methods, want.methods);
  EXPECT_EQ(p->greeting, want.greeting);
  EXPECT_EQ(p->port5900, want.port5900);
  EXPECT_EQ(p->kvm, want.kvm);
  EXPECT_EQ(p->strict_nonce_count, want.strict_nc);
  EXPECT_EQ(p->frame_buffer_limit, 9'216'000U);
}
INSTANTIATE_TEST_SUITE_P(All, ProfileRows, testing::ValuesIn(kRows), [](const auto& row) {
  std::string name = row.param.profile;
  for (char& c : name) c = c == '.' ? '_' : c;
  return name;
});

TEST(Profile, EveryNameIsFoundAndAnUnknownOneIsExplained) {
  EXPECT_EQ(profile_names().size(), std::size(kRows));
  for (const std::string_view name : profile_names()) EXPECT_TRUE(find_profile(name)) << name;
  const Result<Profile> p = find_profile("10");
  ASSERT_FALSE(p);
  EXPECT_EQ(p.error().detail, "profile '10' (8, 9, 11, 12, 15, 16.1, 19, 21, ism)");
}

TEST(Profile, WordsOfOptionsAreReadBack) {
  for (const TlsVersion v : {TlsVersion::V1_0, TlsVersion::V1_1, TlsVersion::V1_2, TlsVersion::V1_3}) {
    EXPECT_EQ(*parse_tls_version(name(v)), v);
  }
  for (const Port5900 v : {Port5900::Password, Port5900::Dead, Port5900::NoPassword, Port5900::Closed}) {
    EXPECT_EQ(*parse_port5900(name(v)), v);
  }
  EXPECT_EQ(parse_key_type("dsa").error().detail, "key type 'dsa' (rsa, ec)");
  EXPECT_EQ(*parse_greeting("4.0"), RfbGreeting::V4_0);
  EXPECT_EQ(*parse_size("1024x768"), (Size{1024, 768}));
  for (const char* bad : {"", "x", "1024", "0x768", "1024x", "9000x1", "1024x768x", "-1x1", " 1x1"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
  EXPECT_EQ(*parse_methods("1,4"), (std::vector<std::uint8_t>{1, 4}));
  for (const char* bad : {"", "0", "5", "4,", ",4", "4,4", "1 4"}) EXPECT_FALSE(parse_methods(bad)) << bad;
}

}  // namespace
}  // namespace amtgate::sim
