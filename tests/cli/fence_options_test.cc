#include "amtgate/cli/fence_options.h"

#include <gtest/gtest.h>

namespace amtgate::cli {
namespace {

TEST(FenceOptions, TakesWhatPacemakerSends) {
  const auto o = parse_fence_input(
      "# comment\n\nip=192.0.2.1\nusername=admin\npassword=a=b;#c \"d\nnodename=node1\nplug=node1\naction=off\n"
      "power_timeout=40\nssl=1\r\ncrm_feature_set=3.16.2\n");
  ASSERT_TRUE(o) << o.error().detail;
  EXPECT_EQ(o->ip, "192.0.2.1");
  EXPECT_EQ(o->password.reveal(), "a=b;#c \"d");
  EXPECT_EQ(o->plug, "node1");
  EXPECT_EQ(o->action, "off");
  EXPECT_EQ(o->power_timeout, seconds(40));
  ASSERT_EQ(o->login.size(), 1U);
  EXPECT_EQ(o->login[0].first, "--tls");
  EXPECT_TRUE(o->unknown.empty());
}

TEST(FenceOptions, TakesTheOldNamesAndWhatOtherAgentsHave) {
  const auto o = parse_fence_input(
      "agent=fence_amtgate\nipaddr=h\nlogin=u\npasswd=\"p q\"\nport=pc1\naction=Status\n"
      "power-wait=4\ncmd_prompt=x\nssl_insecure=no\n");
  ASSERT_TRUE(o) << o.error().detail;
  EXPECT_EQ(o->ip, "h");
  EXPECT_EQ(o->username, "u");
  EXPECT_EQ(o->password.reveal(), "p q");
  EXPECT_EQ(o->plug, "pc1");
  EXPECT_EQ(o->action, "status");
  EXPECT_EQ(o->power_wait, seconds(4));
  EXPECT_TRUE(o->login.empty());
  EXPECT_EQ(o->unknown, std::vector<std::string>{"cmd_prompt"});
}

TEST(FenceOptions, RebootsUnlessToldOtherwise) {
  EXPECT_EQ(parse_fence_input("")->action, "reboot");
  EXPECT_EQ(parse_fence_input("action=meta-data")->action, "metadata");
  EXPECT_EQ(parse_fence_input("action=disable")->action, "off");
  EXPECT_TRUE(parse_fence_input("method=cycle")->cycle);
  EXPECT_EQ(parse_fence_input("port_as_ip=1\nport=10.0.0.1")->ip, "10.0.0.1");
}

TEST(FenceOptions, TakesWordsInEveryForm) {
  const char* const words[] = {"-a",
                               "h",
                               "-lroot",
                               "-p",
                               "s e",
                               "--action=on",
                               "--power-timeout",
                               "7",
                               "--ipport",
                               "16993",
                               "-vvz",
                               "--password_script=/bin/x"};
  const auto o = parse_fence_words(words);
  ASSERT_TRUE(o) << o.error().detail;
  EXPECT_EQ(o->ip, "h");
  EXPECT_EQ(o->username, "root");
  EXPECT_EQ(o->password.reveal(), "s e");
  EXPECT_EQ(o->action, "on");
  EXPECT_EQ(o->power_timeout, seconds(7));
  EXPECT_EQ(o->port, 16993);
  EXPECT_EQ(o->verbose, 2U);
  EXPECT_EQ(o->login.size(), 1U);
  EXPECT_EQ(o->password_script, "/bin/x");
}

TEST(FenceOptions, SaysWhatIsWrongAndNeverThePassword) {
  const std::vector<std::vector<const char*>> rows = {{"--nonsense"},
                                                      {"-x"},
                                                      {"-p"},
                                                      {"secret"},
                                                      {"-o", "blow"},
                                                      {"--quiet=yes"},
                                                      {"--power-timeout=4000"},
                                                      {"-u", "70000"},
                                                      {"--method", "soft"},
                                                      {"-p", "x", "secret"}};
  for (const auto& row : rows) {
    const auto o = parse_fence_words(row);
    ASSERT_FALSE(o) << row[0];
    EXPECT_EQ(o.error().code, Errc::BadValue);
    EXPECT_EQ(o.error().detail.find("secret"), std::string::npos);
  }
  EXPECT_FALSE(parse_fence_input("action=blow"));
  EXPECT_FALSE(parse_fence_input("delay=-1"));
  EXPECT_FALSE(parse_fence_input(std::string(kMaxFenceInput + 1, '#')));
}

TEST(FenceOptions, DescribesBothNamesOfWhatHasTwo) {
  const std::string xml = fence_metadata("fence_amtgate");
  for (const char* part :
       {"<resource-agent name=\"fence_amtgate\"",
        "<parameter name=\"port\" unique=\"0\" required=\"0\" deprecated=\"1\">",
        "<parameter name=\"plug\" unique=\"0\" required=\"0\" obsoletes=\"port\">",
        "<content type=\"select\" default=\"onoff\"><option value=\"onoff\"/><option value=\"cycle\"/></content>",
        "<action name=\"on\" automatic=\"0\"/>", "<action name=\"list-status\"/>"}) {
    EXPECT_NE(xml.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace amtgate::cli
