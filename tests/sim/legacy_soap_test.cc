#include "amtgate/sim/legacy_soap.h"

#include <gtest/gtest.h>

namespace amtgate::sim {
namespace {

constexpr std::string_view kRemote = "/RemoteControlService";

struct Lab {
  explicit Lab(std::string_view name = "8") : profile(*find_profile(name)), management(profile, {}, TimePoint{}) {}
  LegacyAnswer ask(std::string_view path, const std::string& call) {
    around = {};
    around.sessions = sessions;
    return answer_legacy(path,
                         "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>" +
                             call + "</soap:Body></soap:Envelope>",
                         profile, management, around, now);
  }
  std::string command(const std::string& number, const std::string& more = "", const std::string& oem = "343") {
    const std::string xml =
        ask(kRemote, "<RemoteControl xmlns=\"x\"><Command>" + number + "</Command><IanaOemNumber>" + oem +
                         "</IanaOemNumber>" + more + "</RemoteControl>")
            .xml;
    now += seconds(2);
    const std::size_t at = xml.find("<b:Status>");
    return at == std::string::npos ? "" : xml.substr(at + 10, xml.find('<', at + 10) - at - 10);
  }

  Profile profile;
  Management management;
  Management::Surroundings around;
  TimePoint now{};
  bool sessions = false;
};

TEST(LegacySoap, AnswersInTheOrderThatAmttoolReads) {
  Lab lab;
  const LegacyAnswer a = lab.ask("/SecurityAdministrationService", "<GetCoreVersion xmlns=\"x\"/>");
  EXPECT_EQ(a.status, 200U);
  EXPECT_EQ(a.xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope "
            "xmlns:a=\"http://schemas.xmlsoap.org/soap/envelope/\" "
            "xmlns:b=\"http://schemas.intel.com/platform/client/SecurityAdministration/2004/01\"><a:Body>"
            "<b:GetCoreVersionResponse><b:Status>0</b:Status><b:Version>8.1.71</b:Version></b:GetCoreVersionResponse>"
            "</a:Body></a:Envelope>");
  EXPECT_NE(lab.ask("/NetworkAdministrationService", "<GetHostName/>").xml.find("<b:Host>pc</b:Host>"),
            std::string::npos);
  EXPECT_NE(lab.ask(kRemote, "<GetRemoteControlCapabilities/>").xml.find("<b:IanaOemNumber>343<"), std::string::npos);
}

TEST(LegacySoap, SwitchesTheMachineThatWsManagementShows) {
  Lab lab;
  EXPECT_EQ(lab.command("18"), "0");
  EXPECT_EQ(lab.management.power(lab.now), Power::Off);
  EXPECT_NE(lab.ask(kRemote, "<GetSystemPowerState/>").xml.find("<b:SystemPowerState>5<"), std::string::npos);
  EXPECT_EQ(lab.command("18"), "16");
  EXPECT_EQ(lab.command("16"), "16");
  EXPECT_EQ(lab.command("17", "", "4542"), "0");
  EXPECT_EQ(lab.management.power(lab.now), Power::On);
  EXPECT_EQ(lab.command("16"), "0");
  EXPECT_TRUE(lab.around.reboot);
  EXPECT_EQ(lab.command("19"), "0");
  lab.sessions = true;
  EXPECT_EQ(lab.command("18"), "16");
}

TEST(LegacySoap, BootsFromElsewhereOnce) {
  Lab lab;
  EXPECT_EQ(lab.command("16", "<SpecialCommand>1</SpecialCommand>"), "0");
  EXPECT_EQ(lab.around.boot, "Force PXE Boot");
  EXPECT_EQ(lab.command("16"), "0");
  EXPECT_EQ(lab.around.boot, "default");
  EXPECT_EQ(lab.command("16", "<SpecialCommand>193</SpecialCommand><OEMparameters>1</OEMparameters>"), "0");
  EXPECT_EQ(lab.around.boot, "bios");
  EXPECT_EQ(lab.command("33", "<SpecialCommand>5</SpecialCommand>"), "0");
  EXPECT_EQ(lab.around.boot, "");
  EXPECT_EQ(lab.command("16"), "0");
  EXPECT_EQ(lab.around.boot, "Force CD/DVD Boot");
}

TEST(LegacySoap, RefusesWhatItDoesNotKnow) {
  Lab lab;
  EXPECT_EQ(lab.command("99"), "2051");
  EXPECT_EQ(lab.command("16", "", "1"), "2049");
  EXPECT_EQ(lab.command("16", "<SpecialCommand>9</SpecialCommand>"), "2052");
  EXPECT_EQ(lab.command("x"), "36");
  EXPECT_EQ(lab.ask(kRemote, "<GetCoreVersion/>").status, 500U);
  EXPECT_EQ(lab.ask("/Elsewhere", "<GetCoreVersion/>").status, 500U);
  EXPECT_EQ(lab.ask(kRemote, "").status, 500U);
  EXPECT_EQ(lab.ask(kRemote, "<unclosed>").status, 500U);
  EXPECT_EQ(lab.management.power(lab.now), Power::On);
}

TEST(LegacySoap, IsThereInOldFirmwareOnly) {
  for (const std::string_view name : profile_names()) {
    Lab lab(name);
    EXPECT_EQ(has_legacy_soap(lab.profile, lab.management), name == "8") << name;
  }
  EXPECT_TRUE(is_legacy_path(kRemote));
  EXPECT_FALSE(is_legacy_path("/wsman"));
}

}  // namespace
}  // namespace amtgate::sim
