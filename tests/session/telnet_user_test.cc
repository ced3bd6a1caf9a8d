#include "amtgate/session/telnet_user.h"

#include <gtest/gtest.h>

#include "amtgate/base/hex.h"
#include "tests/support/feed.h"

namespace amtgate::session {
namespace {

using test::hex;
const TimePoint kNow{seconds(1)};
constexpr const char* kOffer = "fffb01 fffb03 fffb00 fffd03 fffd00";

std::string flat(std::string text) {
  std::erase(text, ' ');
  return text;
}
std::string take_output(TelnetUser& u) {
  const std::string out = to_hex(u.output());
  u.sent(u.output().size());
  return flat(out);
}

struct Row {
  const char* name;
  const char* in;
  const char* typed;
  const char* answer;  // behind the offer
};
const Row kRows[] = {
    {"text", "6c73", "6c73", ""},
    {"enter_nul", "410d0042", "410d42", ""},
    {"enter_lf", "410d0a42", "410d42", ""},
    {"iac_twice", "ffff41", "ff41", ""},
    {"binary_agreed", "fffd00 fffb00 0d00ffff0a", "0d00ff0a", ""},
    {"echo_and_sga_agreed", "fffd01 fffd03 fffb03", "", ""},
    {"unwanted_options", "fffb1f fffb18 fffd06", "", "fffe1f fffe18 fffc06"},
    {"asked_twice_answered_once", "fffd01 fffe01 fffd01 fffd01", "", "fffc01 fffb01"},
    {"are_you_there", "fff6", "", "0d0a5b616d74676174653a207965735d0d0a"},
    {"nop_and_go_ahead", "fff1fff941", "41", ""},
    {"com_port", "fffb2c", "", "fffd2c fffa2c6b00fff0"},
    {"com_port_without_offer", "fffa2c01000025 80fff0", "", ""},
    {"signature", "fffb2c fffa2c00fff0", "", "fffd2c fffa2c6b00fff0 fffa2c64616d7467617465fff0"},
    {"baud_asked", "fffb2c fffa2c0100000000fff0", "", "fffd2c fffa2c6b00fff0 fffa2c650001c200fff0"},
    {"baud_set", "fffb2c fffa2c0100002580fff0", "", "fffd2c fffa2c6b00fff0 fffa2c6500002580fff0"},
    {"baud_with_iac", "fffb2c fffa2c010000ffffffff fff0", "", "fffd2c fffa2c6b00fff0 fffa2c650000ffffffff fff0"},
    {"seven_bits_are_eight", "fffb2c fffa2c0207fff0", "", "fffd2c fffa2c6b00fff0 fffa2c6608fff0"},
    {"no_flow_control", "fffb2c fffa2c0503fff0", "", "fffd2c fffa2c6b00fff0 fffa2c6901fff0"},
    {"break_on", "fffb2c fffa2c0505fff0", "", "fffd2c fffa2c6b00fff0 fffa2c6905fff0"},
    {"purge", "fffb2c fffa2c0c03fff0", "", "fffd2c fffa2c6b00fff0 fffa2c7003fff0"},
    {"sub_of_another_option", "fffa1800fff041", "41", ""},
};
class TelnetRows : public testing::TestWithParam<Row> {};
TEST_P(TelnetRows, AreUnderstood) {
  const Buffer in = hex(GetParam().in);
  test::feed_all_ways(in, [&](const std::vector<Bytes>& parts) {
    TelnetUser u("amtgate");
    EXPECT_EQ(take_output(u), flat(kOffer));
    Buffer typed;
    for (const Bytes part : parts) EXPECT_TRUE(u.receive(part, kNow, typed));
    const std::string answer = take_output(u);
    EXPECT_EQ(to_hex(typed), GetParam().typed);
    EXPECT_EQ(answer, flat(GetParam().answer));
    return answer;
  });
}
INSTANTIATE_TEST_SUITE_P(All, TelnetRows, testing::ValuesIn(kRows), [](const auto& row) { return row.param.name; });

TEST(TelnetUser, SendsCrNulUntilBinaryIsAgreed) {
  TelnetUser u("amtgate");
  (void)take_output(u);
  EXPECT_EQ(u.send(hex("410d420d0aff"), kNow), 6u);
  EXPECT_EQ(take_output(u), "410d00420d0affff");
  Buffer typed;
  ASSERT_TRUE(u.receive(hex("fffd00"), kNow, typed));
  EXPECT_EQ(u.send(hex("410d42ff"), kNow), 4u);
  EXPECT_EQ(take_output(u), "410d42ffff");
}

TEST(TelnetUser, SaysThatABreakWasAskedFor) {
  TelnetUser u("amtgate");
  Buffer typed;
  ASSERT_TRUE(u.receive(hex("fff3"), kNow, typed));
  EXPECT_TRUE(u.take_break());
  EXPECT_FALSE(u.take_break());
}

TEST(TelnetUser, TellsOfTheMachineByTheModemsLines) {
  TelnetUser u("amtgate");
  Buffer typed;
  ASSERT_TRUE(u.receive(hex("fffb2c"), kNow, typed));
  (void)take_output(u);
  u.host(2, 4, kNow);
  EXPECT_EQ(take_output(u), "fffa2c6bb0fff0");
  u.host(0, 0, kNow);
  EXPECT_EQ(take_output(u), "fffa2c6b00fff0");
}

TEST(TelnetUser, HoldsOutputWhileItIsSuspended) {
  TelnetUser u("amtgate");
  Buffer typed;
  ASSERT_TRUE(u.receive(hex("fffb2c fffa2c08fff0"), kNow, typed));
  EXPECT_EQ(u.send(as_bytes("x"), kNow), 0u);
  ASSERT_TRUE(u.receive(hex("fffa2c09fff0"), kNow, typed));
  EXPECT_EQ(u.send(as_bytes("x"), kNow), 1u);
}

TEST(TelnetUser, EndsAClientThatReadsNoAnswers) {
  TelnetUser u("amtgate");
  Buffer typed, asked;
  for (int i = 0; i < 10000; ++i) append(asked, hex("fff6"));
  EXPECT_FALSE(u.receive(asked, kNow, typed));
}

TEST(TelnetUser, SkipsASubnegotiationThatIsTooLong) {
  TelnetUser u("amtgate");
  Buffer typed, in = hex("fffb2c fffa2c00");
  in.insert(in.end(), 5000, 0x41);
  append(in, hex("fff042"));
  ASSERT_TRUE(u.receive(in, kNow, typed));
  EXPECT_EQ(to_hex(typed), "42");
}

}  // namespace
}  // namespace amtgate::session
