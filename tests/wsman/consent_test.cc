#include "amtgate/wsman/consent.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "amtgate/wsman/boot.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

using Machine = test::WsmanMachine;
using State = Consent::State;

sim::ManagementOptions asking() {
  sim::ManagementOptions o;
  o.consent = true;
  return o;
}

std::string code_of(const Machine& m) {
  return m.management.opt_in().code();
}

TEST(Consent, IsStartedGivenAndTakenBack) {
  for (const std::string_view profile : sim::profile_names()) {
    Machine m(profile, asking());
    Result<Consent> c = read_consent(m);
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(policy_name(*c), "all");
    EXPECT_EQ(state_name(*c), "not started");
    c = start_consent(m);
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(state_name(*c), "displayed");
    EXPECT_EQ(c->code_seconds, 120U);
    ASSERT_EQ(code_of(m), "000001");  // noughts in front are not on the wire
    c = send_consent_code(m, code_of(m));
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_TRUE(c->given());
    EXPECT_FALSE(m.management.needs_consent());
    const unsigned before = m.messages;
    EXPECT_TRUE(start_consent(m)->given());  // there is nothing left to do
    EXPECT_EQ(m.messages, before + 1);
    c = cancel_consent(m);
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->state, State::NotStarted);
    EXPECT_TRUE(m.management.needs_consent());
    EXPECT_TRUE(cancel_consent(m));
  }
}

TEST(Consent, LetsBootSettingsIn) {
  Machine m("12", asking());
  const BootWord& word = *std::ranges::find(boot_words(), "ider-cd", &BootWord::word);
  EXPECT_FALSE(arm_boot(m, word));
  ASSERT_TRUE(start_consent(m));
  ASSERT_TRUE(send_consent_code(m, code_of(m)));
  EXPECT_TRUE(arm_boot(m, word));
}

TEST(Consent, HasThreeTries) {
  Machine m("12", asking());
  ASSERT_TRUE(start_consent(m));
  EXPECT_EQ(send_consent_code(m, "999999").error().detail, "wrong code; it still shows one, try again");
  EXPECT_FALSE(send_consent_code(m, "999999"));
  const Result<Consent> last = send_consent_code(m, "999999");
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, Errc::Refused);
  EXPECT_TRUE(last.error().detail.starts_with("wrong code, and the last try;")) << last.error().detail;
  const Result<Consent> blocked = start_consent(m);
  ASSERT_FALSE(blocked);
  EXPECT_NE(blocked.error().detail.find("blocked after too many wrong codes"), std::string::npos);
  m.now += seconds(61);
  EXPECT_TRUE(start_consent(m));
}

TEST(Consent, CodeIsShownForSomeTimeAndByAMachineThatIsOn) {
  Machine m("12", asking());
  ASSERT_TRUE(start_consent(m));
  const std::string old = code_of(m);
  m.now += seconds(121);
  EXPECT_EQ(read_consent(m)->state, State::NotStarted);
  EXPECT_TRUE(send_consent_code(m, old).error().detail.starts_with("it shows no code;"));

  Instance off("CIM_PowerManagementService");
  off.add("PowerState", "8").add("ManagedElement", Reference{"CIM_ComputerSystem", {}});
  ASSERT_TRUE(invoke(m, "RequestPowerStateChange", off));
  m.now += seconds(5);
  EXPECT_EQ(start_consent(m)->state, State::Requested);
  EXPECT_EQ(code_of(m), "");
  EXPECT_FALSE(send_consent_code(m, "123456"));
  Instance on = off;
  on.set("PowerState", "2");
  ASSERT_TRUE(invoke(m, "RequestPowerStateChange", on));
  m.now += seconds(5);
  EXPECT_EQ(read_consent(m)->state, State::Displayed);
  EXPECT_TRUE(send_consent_code(m, code_of(m)));
}

TEST(Consent, IsStartedAnewWithAnotherCode) {
  Machine m("12", asking());
  ASSERT_TRUE(start_consent(m));
  const std::string old = code_of(m);
  ASSERT_TRUE(start_consent(m));
  EXPECT_NE(code_of(m), old);
  EXPECT_FALSE(send_consent_code(m, old));
  EXPECT_TRUE(send_consent_code(m, code_of(m)));
}

TEST(Consent, IsNotAskedForWhereThePolicySaysSo) {
  Machine m;
  EXPECT_EQ(start_consent(m).error().detail, "its user is not asked (policy none); there is nothing to start");
  for (const char* code : {"", "12345", "1234567", "12345x"}) {
    EXPECT_EQ(send_consent_code(m, code).error().code, Errc::BadValue) << code;
  }
}

}  // namespace
}  // namespace amtgate::wsman
