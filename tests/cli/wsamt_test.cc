#include "amtgate/cli/wsamt_commands.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "amtgate/wsman/class_list.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::cli {
namespace {

using Machine = test::WsmanMachine;

struct Answer {
  std::string error;  // empty: it did it
  Errc code{};
  std::string text;
};

Answer run(wsman::Caller& machine, const std::string& name, const std::vector<std::string>& arguments = {}) {
  const std::vector<WsamtCommand> commands = wsamt_commands();
  const auto c = std::ranges::find(commands, name, &WsamtCommand::name);
  if (c == commands.end()) return {"no such command", Errc::BadValue, {}};
  Answer out;
  const Result<void> done =
      c->run(machine, arguments, [&](const std::string& line) { out.text += (out.text.empty() ? "" : "\n") + line; });
  if (!done) out.error = done.error().detail, out.code = done.error().code;
  return out;
}

// What the old utility had.
TEST(Wsamt, HasEveryCommand) {
  std::set<std::string> names;
  for (const WsamtCommand& c : wsamt_commands()) EXPECT_TRUE(names.insert(c.name).second) << c.name;
  for (const char* name :
       {"rfbpass", "rfbport",    "rfbservice", "redirport", "webui",   "ping",    "idle",    "timeout", "optin",
        "power",   "rmcp",       "dhcpv6",     "wsman",     "ider",    "sol",     "solider", "boot",    "outgoingv6",
        "amtnet",  "userlst",    "usermod",    "userchg",   "useradd", "userdel", "addca",   "delca",   "addcert",
        "addkey",  "delcertkey", "mktlsctx",   "rmtlsctx",  "lclcert", "netcert", "lclboth", "netboth", "lcltls",
        "nettls",  "commit",     "timesync",   "listall",   "listepr"}) {
    EXPECT_EQ(names.erase(name), 1U) << name;
  }
  EXPECT_TRUE(names.empty());
}

// Each setting is shown, changed, shown, changed back, by every generation that has it.
TEST(Wsamt, SettingsGoThereAndBack) {
  struct Row {
    const char* name;
    const char* one;
    const char* other;
  };
  for (const std::string_view profile : sim::profile_names()) {
    for (const Row& r : {Row{"rfbservice", "off", "on"}, Row{"redirport", "off", "on"}, Row{"webui", "off", "on"},
                         Row{"ping", "off", "on"}, Row{"rmcp", "off", "on"}, Row{"idle", "10", "65535"},
                         Row{"timeout", "0", "255"}, Row{"optin", "on", "off"}, Row{"dhcpv6", "30", "0"},
                         Row{"wsman", "on", "off"}, Row{"outgoingv6", "on", "off"}, Row{"ider", "on", "off"},
                         Row{"sol", "on", "off"}, Row{"solider", "on", "off"}}) {
      SCOPED_TRACE(std::string(profile) + " " + r.name);
      Machine m(profile);
      const Answer before = run(m, r.name);
      if (before.code == Errc::Unsupported) {
        // Standard Manageability has no KVM.
        EXPECT_TRUE(profile == "ism" && std::string("rfbservice timeout optin").find(r.name) != std::string::npos)
            << before.error;
        continue;
      }
      ASSERT_EQ(before.error, "");
      for (const char* value : {r.one, r.other, r.one}) {
        ASSERT_EQ(run(m, r.name, {value}).error, "") << value;
        EXPECT_EQ(run(m, r.name).text, value);
      }
    }
  }
}

TEST(Wsamt, SwitchingTheConsoleOnSwitchesDrivesOff) {
  Machine m;
  ASSERT_EQ(run(m, "solider", {"on"}).error, "");
  ASSERT_EQ(run(m, "sol", {"on"}).error, "");
  EXPECT_EQ(run(m, "sol").text, "on");
  EXPECT_EQ(run(m, "ider").text, "off");
  EXPECT_EQ(run(m, "solider").text, "off");
}

TEST(Wsamt, ThePasswordOfThePortComesFirst) {
  Machine m("8");
  EXPECT_NE(run(m, "rfbpass").error, "");
  for (const char* weak : {"P@ssw0r", "P@ssw0rd1", "Passw0rd", "Pa_sw0rd", "p@ssw0rd", "P@ss:0rd"}) {
    EXPECT_EQ(run(m, "rfbpass", {weak}).code, Errc::BadValue) << weak;
  }
  ASSERT_EQ(run(m, "rfbpass", {"P@ssw0rd"}).error, "");
  ASSERT_EQ(run(m, "rfbport", {"on"}).error, "");
  EXPECT_EQ(run(m, "rfbport").text, "on");
}

TEST(Wsamt, RefusesWhatItDoesNotKnow) {
  Machine m;
  EXPECT_EQ(run(m, "ping", {"maybe"}).code, Errc::BadValue);
  EXPECT_EQ(run(m, "idle", {"0"}).code, Errc::BadValue);
  EXPECT_EQ(run(m, "idle", {"65536"}).code, Errc::BadValue);
  EXPECT_EQ(run(m, "power", {"explode"}).code, Errc::BadValue);
  EXPECT_EQ(run(m, "power", {"1"}).code, Errc::BadValue);
  EXPECT_EQ(run(m, "boot", {"tape"}).code, Errc::BadValue);
  EXPECT_NE(run(m, "addca", {"/nonexistent"}).error, "");
  EXPECT_EQ(run(m, "listall", {"no class"}).code, Errc::BadValue);
  EXPECT_EQ(m.messages, 0U) << "and asks the machine nothing";
}

TEST(Wsamt, PowerByNumberAndWord) {
  Machine m;
  EXPECT_EQ(run(m, "power").text, "2 on");
  for (const char* word : {"10", "reset", "powercycle", "5"}) EXPECT_EQ(run(m, "power", {word}).error, "") << word;
}

TEST(Wsamt, EveryWayToBoot) {
  for (const std::string_view profile : sim::profile_names()) {
    for (const char* word :
         {"default", "cddvd", "hdd", "pxe", "idercd", "iderfd", "sol", "bios", "idersolcd", "idersolfd", "biossol"}) {
      Machine m(profile);
      EXPECT_EQ(run(m, "boot", {word}).error, "") << profile << " " << word;
    }
    Machine m(profile);
    EXPECT_EQ(run(m, "boot").text, "default");
    ASSERT_EQ(run(m, "boot", {"idercd"}).error, "");
    EXPECT_EQ(run(m, "boot").text, "idercd");
  }
}

TEST(Wsamt, Users) {
  Machine m;
  ASSERT_EQ(run(m, "useradd", {"oper", "P@ssw0rd", "1", "2", "RemoteControl"}).error, "");
  EXPECT_EQ(run(m, "userlst", {"oper"}).text, "oper network enabled Redirection RemoteControl");
  ASSERT_EQ(run(m, "usermod", {"oper", "off"}).error, "");
  EXPECT_EQ(run(m, "usermod", {"oper"}).text, "oper network disabled Redirection RemoteControl");
  ASSERT_EQ(run(m, "userchg", {"oper", "P@ssw0rd2", "any", "3"}).error, "");
  EXPECT_EQ(run(m, "userlst", {"oper"}).text, "oper any disabled PTAdministration");
  EXPECT_EQ(run(m, "userchg", {"oper", "weak"}).code, Errc::BadValue);
  ASSERT_EQ(run(m, "userdel", {"oper"}).error, "");
  EXPECT_EQ(run(m, "userlst", {"oper"}).code, Errc::Refused);
}

TEST(Wsamt, ListsWhatIsThere) {
  Machine m;
  const Answer all = run(m, "listall");
  EXPECT_EQ(all.error, "");
  EXPECT_NE(all.text.find("AMT_GeneralSettings\n  AMTNetworkEnabled = "), std::string::npos);
  const Answer one = run(m, "listepr", {"CIM_KVMRedirectionSAP"});
  EXPECT_EQ(one.text.substr(0, 48), "CIM_KVMRedirectionSAP\n  = CIM_KVMRedirectionSAP ");
  EXPECT_EQ(run(m, "listall", {"CIM_Nothing"}).code, Errc::Unsupported);
  const auto classes = wsman::known_classes();
  EXPECT_TRUE(std::ranges::is_sorted(classes));
}

TEST(Wsamt, WhatHasATlsOfItsOwn) {
  for (const char* name : {"lclcert", "netcert", "lclboth", "netboth", "lcltls", "nettls"}) {
    Machine m;
    const Answer shown = run(m, name);
    EXPECT_EQ(shown.error, "") << name;
    EXPECT_TRUE(shown.text == "on" || shown.text == "off") << name;
  }
}

}  // namespace
}  // namespace amtgate::cli
