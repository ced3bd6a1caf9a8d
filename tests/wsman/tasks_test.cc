// What is done with a machine as a row of calls, against a simulated one.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "amtgate/wsman/boot.h"
#include "amtgate/wsman/feature_setup.h"
#include "amtgate/wsman/machine_info.h"
#include "amtgate/wsman/power.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

using Machine = test::WsmanMachine;

TEST(Power, IsReadAndChanged) {
  Machine m;
  Result<PowerStatus> now = power_status(m);
  ASSERT_TRUE(now);
  EXPECT_EQ(power_state_name(now->state), "on");
  EXPECT_EQ(now->available.size(), 8U);
  ASSERT_TRUE(request_power(m, PowerAction::Off, *now));
  m.now += seconds(5);
  now = power_status(m);
  ASSERT_TRUE(now);
  EXPECT_TRUE(reached(PowerAction::Off, now->state));
  const unsigned before = m.messages;
  const Result<void> refused = request_power(m, PowerAction::Reset, *now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().detail, "it is off and allows on");
  EXPECT_EQ(m.messages, before);  // the machine was not asked
}

TEST(Power, IsAskedForWhereTheFirmwareDoesNotSayWhatItAllows) {
  Machine m("8");
  const Result<PowerStatus> now = power_status(m);
  ASSERT_TRUE(now);
  EXPECT_TRUE(now->available.empty());
  EXPECT_EQ(request_power(m, PowerAction::Sleep, *now).error().detail,
            "CIM_PowerManagementService.RequestPowerStateChange: not supported (ReturnValue 1)");
}

TEST(Power, SaysWhoKeepsAMachineOn) {
  Machine m;
  m.around.sessions = true;
  const Result<void> refused = request_power(m, PowerAction::Off, *power_status(m));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("`amtgate sessions`"), std::string::npos);
}

TEST(MachineInfo, OfEveryGeneration) {
  for (const std::string_view profile : sim::profile_names()) {
    sim::ManagementOptions o;
    o.epoch = 1'700'000'000;
    Machine m(profile, o);
    const Result<MachineInfo> i = machine_info(m, 1'700'000'060);
    ASSERT_TRUE(i) << profile << ": " << i.error().detail;
    EXPECT_EQ(i->version, sim::find_profile(profile)->firmware);
    EXPECT_EQ(i->host_name, "pc.example.org");
    EXPECT_EQ(i->uuid, "55e3ae13-bfd2-61bb-17a0-88aedd7037ea");
    EXPECT_EQ(i->setup, "admin");
    EXPECT_EQ(i->power, 2U);
    EXPECT_EQ(i->sol, true);
    EXPECT_EQ(i->consent, "none");
    EXPECT_EQ(i->clock_ahead, -60);
    EXPECT_EQ(i->kvm.has_value(), profile != "ism") << profile;
    EXPECT_EQ(i->plain_too, sim::find_profile(profile)->plain_open) << profile;
  }
}

TEST(MachineInfo, ShowsWhatIsSwitchedOff) {
  sim::ManagementOptions o;
  o.off = {true, false, true};
  o.consent = true;
  Machine m("12", o);
  const Result<MachineInfo> i = machine_info(m, 0);
  ASSERT_TRUE(i);
  EXPECT_EQ(i->sol, false);
  EXPECT_EQ(i->ider, true);
  EXPECT_EQ(i->kvm, false);
  EXPECT_EQ(i->consent, "all");
}

TEST(MachineInfo, EndsWhereTheConnectionDoes) {
  Machine m;
  m.broken = Error{Errc::Timeout, "pc does not answer"};
  EXPECT_EQ(machine_info(m, 0).error().detail, "pc does not answer");
}

std::string boots_from(Machine& m) {
  EXPECT_TRUE(request_power(m, PowerAction::Reset, *power_status(m)));
  m.now += seconds(5);
  return std::exchange(m.around.boot, "");
}

const BootWord& boot_word(std::string_view word) {
  return *std::ranges::find(boot_words(), word, &BootWord::word);
}

TEST(Boot, CountsOnce) {
  const std::pair<std::string_view, std::string_view> words[] = {
      {"pxe", "Force PXE Boot"}, {"hdd", "Force Hard-drive Boot"}, {"cd", "Force CD/DVD Boot"},
      {"bios", "bios"},          {"bios-sol", "bios sol"},         {"sol", "sol"},
      {"ider-cd", "ider-cd"},    {"ider-floppy", "ider-floppy"},   {"ider-cd-sol", "ider-cd sol"}};
  Machine m;
  for (const auto& [word, from] : words) {
    const Result<void> armed = arm_boot(m, boot_word(word));
    ASSERT_TRUE(armed) << word << ": " << armed.error().detail;
    EXPECT_EQ(boots_from(m), from);
    EXPECT_EQ(boots_from(m), "default") << word;
  }
}

TEST(Boot, ForgetsWhatWasArmedBefore) {
  Machine m;
  ASSERT_TRUE(arm_boot(m, boot_word("pxe")));
  ASSERT_TRUE(arm_boot(m, boot_word("bios")));
  EXPECT_EQ(*armed_boot(m), "bios");
  EXPECT_EQ(boots_from(m), "bios");
  ASSERT_TRUE(arm_boot(m, boot_word("ider-cd-sol")));
  ASSERT_TRUE(arm_boot(m, boot_word("pxe")));
  EXPECT_EQ(*armed_boot(m), "none");
  EXPECT_EQ(boots_from(m), "Force PXE Boot");
  ASSERT_TRUE(arm_boot(m, boot_word("ider-cd")));
  ASSERT_TRUE(arm_boot(m, boot_word("none")));
  EXPECT_EQ(boots_from(m), "default");
}

TEST(Boot, IsRefusedWithoutTheCapability) {
  Machine m;
  EXPECT_EQ(arm_boot(m, boot_word("diag")).error().code, Errc::Unsupported);
}

TEST(Boot, NeedsTheUsersConsentWhereThatIsSetUp) {
  sim::ManagementOptions o;
  o.consent = true;
  Machine m("12", o);
  const Result<void> refused = arm_boot(m, boot_word("ider-cd"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("consent"), std::string::npos) << refused.error().detail;
}

TEST(Features, AreSwitchedOnOnce) {
  sim::ManagementOptions o;
  o.off = {true, true, true};
  Machine m("12", o);
  const FeatureWish wish{.kvm = true, .sol = true, .ider = true};
  const Result<FeatureChanges> plan = set_features(m, wish, true);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->changes, (std::vector<std::string>{"serial console and drives: off -> on", "KVM: off -> on"}));
  EXPECT_FALSE(m.management.kvm_on());
  const Result<FeatureChanges> done = set_features(m, wish, false);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->changes, plan->changes);
  EXPECT_TRUE(m.management.kvm_on() && m.management.sol_on() && m.management.ider_on());
  const Result<FeatureChanges> again = set_features(m, wish, false);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->changes.empty());
}

TEST(Features, LeaveTheOthersAlone) {
  sim::ManagementOptions o;
  o.off = {true, true, true};
  Machine m("12", o);
  ASSERT_TRUE(set_features(m, {.sol = true}, false));
  EXPECT_TRUE(m.management.sol_on());
  EXPECT_FALSE(m.management.ider_on());
  EXPECT_FALSE(m.management.kvm_on());
}

TEST(Features, SwitchTheListenerOn) {
  Machine m;
  Result<Instance> service = get(m, "AMT_RedirectionService");
  ASSERT_TRUE(service);
  service->set("ListenerEnabled", "false");
  ASSERT_TRUE(put(m, *service));
  const Result<FeatureChanges> done = set_features(m, {.sol = true}, false);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->changes, std::vector<std::string>{"redirection listener: off -> on"});
  EXPECT_EQ(get(m, "AMT_RedirectionService")->boolean("ListenerEnabled"), true);
}

TEST(Features, TouchTheConsentOnlyWhenAsked) {
  sim::ManagementOptions o;
  o.consent = true;
  Machine m("12", o);
  Result<FeatureChanges> done = set_features(m, {.kvm = true}, false);
  ASSERT_TRUE(done);
  EXPECT_TRUE(done->changes.empty());
  EXPECT_EQ(done->notes, std::vector<std::string>{"a user at the machine has to consent to everything"});
  done = set_features(m, {.kvm = true, .no_consent = true}, false);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->changes, std::vector<std::string>{"consent to everything: needed -> not needed"});
  EXPECT_EQ(get(m, "IPS_OptInService")->number("OptInRequired"), 0U);
}

TEST(Features, SayWhereThereIsNoKvm) {
  Machine m("ism");
  EXPECT_EQ(set_features(m, {.kvm = true}, false).error().code, Errc::Unsupported);
}

/// Answers with what it is given.
class Parrot final : public Caller {
 public:
  explicit Parrot(std::vector<std::string> answers) : answers_(std::move(answers)) {}
  Result<Reply> call(const Request&) override {
    return parse_reply(answers_[std::min(asked_++, answers_.size() - 1)]);
  }
  std::size_t asked_ = 0;

 private:
  std::vector<std::string> answers_;
};

std::string body(std::string_view content) {
  return "<a:Envelope><a:Body>" + std::string(content) + "</a:Body></a:Envelope>";
}

TEST(Enumerate, DoesNotGoOnForEver) {
  const std::string begin =
      body("<g:EnumerateResponse><g:EnumerationContext>1</g:EnumerationContext></g:EnumerateResponse>");
  Parrot empty({begin, body("<g:PullResponse><g:EnumerationContext>1</g:EnumerationContext><g:Items></g:Items>"
                            "</g:PullResponse>")});
  EXPECT_EQ(enumerate(empty, "CIM_Chip").error().code, Errc::BadValue);
  Parrot endless({begin, body("<g:PullResponse><g:EnumerationContext>1</g:EnumerationContext><g:Items><h:CIM_Chip>"
                              "</h:CIM_Chip></g:Items></g:PullResponse>")});
  EXPECT_EQ(enumerate(endless, "CIM_Chip").error().code, Errc::TooLarge);
  EXPECT_LT(endless.asked_, 2 * kMaxItems);
  Parrot lost({begin, body("<g:PullResponse><g:Items><h:CIM_Chip></h:CIM_Chip></g:Items></g:PullResponse>")});
  EXPECT_EQ(enumerate(lost, "CIM_Chip").error().code, Errc::BadValue);
}

TEST(Uuid, IsWrittenAsOperatingSystemsDo) {
  EXPECT_EQ(format_uuid("13AEE355D2BFBB6117A088AEDD7037EA"), "55e3ae13-bfd2-61bb-17a0-88aedd7037ea");
  EXPECT_EQ(format_uuid("short"), "short");
  EXPECT_EQ(format_uuid("ZZAEE355D2BFBB6117A088AEDD7037EA"), "ZZAEE355D2BFBB6117A088AEDD7037EA");
}

}  // namespace
}  // namespace amtgate::wsman
