#include "amtgate/sim/management.h"

#include <gtest/gtest.h>

#include "tests/support/wsman_machine.h"

namespace amtgate::sim {
namespace {

using Machine = test::WsmanMachine;

Result<wsman::Instance> power(Machine& m, unsigned state) {
  wsman::Instance in("CIM_PowerManagementService");
  in.add("PowerState", std::to_string(state));
  in.add("ManagedElement", wsman::Reference{"CIM_ComputerSystem", {{"Name", "ManagedSystem"}}});
  return invoke(m, "RequestPowerStateChange", std::move(in));
}

unsigned power_state(Machine& m) {
  const Result<wsman::Instance> i = get(m, "CIM_AssociatedPowerManagementService");
  return i ? static_cast<unsigned>(i->number("PowerState").value_or(0)) : 0;
}

TEST(Management, WritesRepliesAsTheFirmwareDoes) {
  Management m(*find_profile("12"), {}, TimePoint{});
  Management::Surroundings around;
  wsman::Request r = wsman::get("AMT_TimeSynchronizationService");
  r.message_id = "7";
  EXPECT_EQ(
      m.answer(to_xml(r), around, TimePoint{}).xml,
      "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" "
      "xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "
      "xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "
      "xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/02/trust\" "
      "xmlns:e=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\" "
      "xmlns:f=\"http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd\" "
      "xmlns:g=\"http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TimeSynchronizationService\" "
      "xmlns:h=\"http://schemas.dmtf.org/wbem/wscim/1/common\" "
      "xmlns:i=\"http://schemas.dmtf.org/wbem/wscim/1/common\"><a:Header>"
      "<b:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:To><b:RelatesTo>7</b:RelatesTo>"
      "<b:Action a:mustUnderstand=\"true\">http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse</b:Action>"
      "<b:MessageID>uuid:00000000-8086-8086-8086-000000000001</b:MessageID>"
      "<c:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TimeSynchronizationService</c:ResourceURI>"
      "</a:Header><a:Body><g:AMT_TimeSynchronizationService>"
      "<g:CreationClassName>AMT_TimeSynchronizationService</g:CreationClassName>"
      "<g:ElementName>Intel(r) AMT Time Synchronization Service</g:ElementName><g:EnabledState>5</g:EnabledState>"
      "<g:LocalTimeSyncEnabled>0</g:LocalTimeSyncEnabled><g:Name>Intel(r) AMT Time Synchronization Service</g:Name>"
      "<g:RequestedState>12</g:RequestedState><g:SystemCreationClassName>CIM_ComputerSystem"
      "</g:SystemCreationClassName><g:SystemName>Intel(r) AMT</g:SystemName><g:TimeSource>1</g:TimeSource>"
      "</g:AMT_TimeSynchronizationService></a:Body></a:Envelope>");
}

TEST(Management, GivesTheMethodsOutputWithItsValueLast) {
  Machine m;
  ASSERT_TRUE(invoke(m, "GetUuid", wsman::Instance("AMT_SetupAndConfigurationService")));
  EXPECT_NE(m.last.xml.find("<a:Body><g:GetUuid_OUTPUT><g:UUID>E67jVdK/u2EXoIiu3XA36g==</g:UUID><g:ReturnValue>0"
                            "</g:ReturnValue></g:GetUuid_OUTPUT></a:Body>"),
            std::string::npos)
      << m.last.xml;
}

TEST(Management, EnumeratesInSeveralPulls) {
  Machine m;
  const Result<std::vector<wsman::Item>> items = enumerate(m, "CIM_SoftwareIdentity");
  ASSERT_TRUE(items) << items.error().detail;
  EXPECT_EQ(items->size(), 11U);
  EXPECT_EQ(m.messages, 4U);  // and so three pulls
  EXPECT_EQ(items->at(3).instance.text("VersionString"), "12.0.95");
}

TEST(Management, EnumeratesReferences) {
  Machine m;
  const auto both = enumerate(m, "CIM_Chip", wsman::EnumerationMode::Both);
  ASSERT_TRUE(both && both->size() == 1);
  EXPECT_EQ(both->front().instance.text("Tag"), "CPU 0");
  const wsman::Reference want{"CIM_Chip", {{"CreationClassName", "CIM_Chip"}, {"Tag", "CPU 0"}}};
  ASSERT_TRUE(both->front().reference);
  EXPECT_EQ(*both->front().reference, want);
  const auto references = enumerate(m, "CIM_Chip", wsman::EnumerationMode::References);
  ASSERT_TRUE(references && references->size() == 1);
  EXPECT_EQ(references->front().reference, want);
  EXPECT_TRUE(references->front().instance.properties().empty());
}

TEST(Management, KeepsWhatIsPut) {
  Machine m;
  Result<wsman::Instance> general = get(m, "AMT_GeneralSettings");
  ASSERT_TRUE(general);
  general->set("PingResponseEnabled", "false").set("DigestRealm", "mine").add("Unknown", "x");
  const Result<wsman::Instance> after = put(m, *general);
  ASSERT_TRUE(after) << after.error().detail;
  EXPECT_EQ(after->boolean("PingResponseEnabled"), false);
  EXPECT_NE(after->text("DigestRealm"), "mine");
  EXPECT_FALSE(after->has("Unknown"));
  EXPECT_EQ(get(m, "AMT_GeneralSettings")->boolean("PingResponseEnabled"), false);
}

TEST(Management, RefusesWhatItDoesNotHave) {
  Machine m("ism");
  EXPECT_EQ(get(m, "CIM_KVMRedirectionSAP").error().code, Errc::Unsupported);
  EXPECT_EQ(m.last.fault, "b:DestinationUnreachable");
  EXPECT_EQ(m.last.status, 400U);
  EXPECT_EQ(get(m, "AMT_TLSSettingData").error().code, Errc::Refused);  // two instances, no key
  EXPECT_EQ(m.last.fault, "e:InvalidSelectors");
  EXPECT_TRUE(get(m, "AMT_TLSSettingData", {{"InstanceID", "Intel(r) AMT LMS TLS Settings"}}));
  EXPECT_EQ(get(m, "AMT_GeneralSettings", {{"InstanceID", "other"}}).error().code, Errc::Refused);
  EXPECT_EQ(invoke(m, "Explode", wsman::Instance("AMT_SetupAndConfigurationService")).error().code,
            Errc::Unsupported);
  EXPECT_EQ(m.last.fault, "b:ActionNotSupported");
}

TEST(Management, RefusesAWrongValue) {
  Machine m;
  Result<wsman::Instance> general = get(m, "AMT_GeneralSettings");
  ASSERT_TRUE(general);
  general->set("PingResponseEnabled", "perhaps");
  EXPECT_FALSE(put(m, *general));
  EXPECT_EQ(m.last.fault, "e:SchemaValidationError");
  Result<wsman::Instance> kvm = get(m, "IPS_KVMRedirectionSettingData");
  ASSERT_TRUE(kvm && kvm->has("RFBPassword"));
  kvm->set("RFBPassword", "short");
  const Result<wsman::Instance> refused = put(m, *kvm);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("invalid password (status 2054)"), std::string::npos)
      << refused.error().detail;
  kvm->set("RFBPassword", "P@ssw0rd");
  ASSERT_TRUE(put(m, *kvm));
  EXPECT_EQ(get(m, "IPS_KVMRedirectionSettingData")->text("RFBPassword"), "");
}

TEST(Management, SaysWhereXmlIsNone) {
  Management m(*find_profile("12"), {}, TimePoint{});
  Management::Surroundings around;
  const Management::Answer a = m.answer("<E:Envelope><E:Body>", around, TimePoint{});
  EXPECT_EQ(a.status, 400U);
  EXPECT_EQ(a.fault, "e:SchemaValidationError");
}

TEST(Management, SwitchesItself) {
  Machine m;
  EXPECT_EQ(power_state(m), 2U);
  ASSERT_TRUE(power(m, 8));
  EXPECT_EQ(power_state(m), 2U);  // not at once
  m.now += seconds(1);
  EXPECT_EQ(power_state(m), 8U);
  EXPECT_EQ(get(m, "CIM_AssociatedPowerManagementService")->texts("AvailableRequestedPowerStates"),
            std::vector<std::string_view>{"2"});
  EXPECT_EQ(power(m, 10).error().code, Errc::Refused);  // off: nothing to reset
  ASSERT_TRUE(power(m, 2));
  m.now += seconds(1);
  EXPECT_EQ(power_state(m), 2U);
  ASSERT_TRUE(power(m, 10));
  EXPECT_TRUE(m.around.reboot);
}

TEST(Management, StaysOnWhileSomebodyLooks) {
  Machine m;
  m.around.sessions = true;
  EXPECT_EQ(power(m, 8).error().code, Errc::Refused);
  EXPECT_EQ(power(m, 5).error().code, Errc::Refused);
  EXPECT_TRUE(power(m, 10));
}

TEST(Management, GracefulPowerCameWithNine) {
  Machine old("8"), newer("9");
  EXPECT_FALSE(power(old, 12));
  EXPECT_TRUE(power(newer, 12));
  EXPECT_FALSE(get(old, "CIM_AssociatedPowerManagementService")->has("AvailableRequestedPowerStates"));
}

TEST(Management, SwitchesItsServices) {
  Machine m;
  EXPECT_TRUE(m.management.kvm_on() && m.management.sol_on() && m.management.ider_on());
  wsman::Instance in("AMT_RedirectionService");
  in.add("RequestedState", "32769");
  ASSERT_TRUE(invoke(m, "RequestStateChange", in));
  EXPECT_TRUE(m.management.ider_on());
  EXPECT_FALSE(m.management.sol_on());
  wsman::Instance kvm("CIM_KVMRedirectionSAP");
  kvm.add("RequestedState", "3");
  ASSERT_TRUE(invoke(m, "RequestStateChange", kvm));
  EXPECT_FALSE(m.management.kvm_on());
}

TEST(Management, SetsItsClock) {
  ManagementOptions o;
  o.epoch = 1'700'000'000;
  Machine m("12", o);
  m.now += seconds(100);
  const wsman::Instance ask("AMT_TimeSynchronizationService");
  const auto before = invoke(m, "GetLowAccuracyTimeSynch", ask);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->number("Ta0"), 1'700'000'100U);
  wsman::Instance set = ask;
  set.add("Ta0", "1700000100").add("Tm1", "1700003700").add("Tm2", "1700003700");
  ASSERT_TRUE(invoke(m, "SetHighAccuracyTimeSynch", set));
  EXPECT_EQ(invoke(m, "GetLowAccuracyTimeSynch", ask)->number("Ta0"), 1'700'003'700U);
}

TEST(Management, ForgetsEnumerationsThatNobodyPulls) {
  Machine m;
  wsman::Request first = wsman::enumerate("CIM_SoftwareIdentity");
  const Result<wsman::Reply> begun = m.call(first);
  ASSERT_TRUE(begun);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(m.call(first));
  wsman::Request pull = wsman::get("CIM_SoftwareIdentity");
  pull.operation = wsman::Operation::Pull;
  pull.context = begun->context;
  ASSERT_TRUE(m.call(pull));
  EXPECT_EQ(m.last.fault, "c:InvalidEnumerationContext");
}

}  // namespace
}  // namespace amtgate::sim
