#include "amtgate/simhost/settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace amtgate::simhost {
namespace {

Result<std::variant<Settings, Print>> parse(std::vector<const char*> words) {
  return parse_arguments(words);
}

Settings settings(std::vector<const char*> words) {
  auto r = parse_arguments(words);
  EXPECT_TRUE(r) << r.error().detail;
  return r ? std::get<Settings>(*r) : Settings{};
}

TEST(Settings, DefaultsAreThoseOfTheManPage) {
  const Settings s = settings({});
  EXPECT_EQ(s.machine.profile.name, "15");
  EXPECT_EQ(s.listen.to_string(), "127.0.0.1");
  EXPECT_EQ(s.plain.value, 16994);
  EXPECT_EQ(s.tls.value, 16995);
  EXPECT_EQ(s.rfb.value, 5900);
  EXPECT_EQ(s.machine.user, "admin");
  EXPECT_EQ(s.machine.password, "P@ssw0rd1!");
  EXPECT_EQ(s.machine.sessions, 1U);
  EXPECT_FALSE(s.machine.kvm_stream);
}

TEST(Settings, ChangesApplyToTheProfileWhateverTheOrder) {
  for (const auto& words : {std::vector<const char*>{"--methods", "1,4", "--profile", "16.1"},
                            std::vector<const char*>{"--profile=16.1", "--methods=1,4"}}) {
    const Settings s = settings(words);
    EXPECT_EQ(s.machine.profile.name, "16.1");
    EXPECT_FALSE(s.machine.profile.plain_open);
    EXPECT_EQ(s.machine.profile.methods, (std::vector<std::uint8_t>{1, 4}));
  }
}

TEST(Settings, ManyMachinesHaveAddressesOfTheirOwn) {
  std::vector<Settings> all =
      each_machine(settings({"--machines", "300", "--listen", "127.10.0.250", "--name", "pc"}));
  ASSERT_EQ(all.size(), 300U);
  EXPECT_EQ(all[0].listen.to_string(), "127.10.0.250");
  EXPECT_EQ(all[6].listen.to_string(), "127.10.1.0");
  EXPECT_EQ(all[299].listen.to_string(), "127.10.2.37");
  EXPECT_EQ(all[299].machine.name, "pc300");
  all = each_machine(settings({"--machines=2", "--listen", "fd00::ffff"}));
  EXPECT_EQ(all[1].listen.to_string(), "fd00::1:0");
  EXPECT_EQ(each_machine(settings({"--name", "pc"}))[0].machine.name, "pc");
  EXPECT_FALSE(parse({"--machines", "0"}));
  EXPECT_FALSE(parse({"--machines", "4097"}));
}

TEST(Settings, EveryKindOfOptionIsTaken) {
  const Settings s =
      settings({"--listen",      "::1",     "--port",     "rfb=0",      "--port",        "redirection=1234",
                "--size",        "640x480", "--still",    "--consent",  "--tls-min",     "1.0",
                "--tls-max",     "1.1",     "--fault",    "auth:close", "--fault",       "stream:stall:9",
                "--kvm-stream",  "3",       "--bulk",     "--glue",     "--ider",        "sequential",
                "--ider-drives", "floppy",  "--sessions", "0",          "--slow-reader", "1000"});
  EXPECT_EQ(s.listen.to_string(), "::1");
  EXPECT_EQ(s.rfb.value, 0);
  EXPECT_EQ(s.plain.value, 1234);
  EXPECT_EQ(s.machine.screen, (sim::Size{640, 480}));
  EXPECT_EQ(s.machine.frame_time.count(), 0);
  EXPECT_TRUE(s.machine.consent_missing);
  EXPECT_EQ(s.machine.profile.tls_max, sim::TlsVersion::V1_1);
  EXPECT_EQ(s.machine.faults.size(), 2U);
  EXPECT_EQ(s.machine.kvm_stream, 3U * 1024 * 1024);
  EXPECT_EQ(s.machine.shape, sim::UnitQueue::Shape::Glued);
  EXPECT_EQ(s.machine.ider.random, 0U);
  EXPECT_EQ(s.machine.ider.drives, std::vector{sim::Drive::Floppy});
  EXPECT_EQ(s.slow_reader, 1000U);
  EXPECT_TRUE(settings({"--keyboard", "de(nodeadkeys)"}).machine.keyboard);
  const Settings off = settings({"--off", "kvm,ider"});
  EXPECT_EQ(off.machine.off, (std::array{false, true, true}));
  EXPECT_EQ(off.machine.profile.port5900, sim::Port5900::Closed);
  const Settings base = settings({"--port-base", "20000"});
  EXPECT_EQ(base.plain.value, 20000);
  EXPECT_EQ(base.tls.value, 20001);
  EXPECT_EQ(base.rfb.value, 20002);
}

struct Wrong {
  std::vector<const char*> words;
  const char* says;
};
const Wrong kWrong[] = {
    {{"--nonsense"}, "unknown argument '--nonsense'; --help lists the options"},
    {{"pc1"}, "unknown argument 'pc1'; --help lists the options"},
    {{"--user"}, "--user needs a value: NAME"},
    {{"--glue=1"}, "--glue takes no value"},
    {{"--profile", "7"}, "profile '7' (8, 9, 11, 12, 15, 16.1, 19, 21, ism)"},
    {{"--listen", "pc1"}, "--listen: "},
    {{"--port", "ssh=1"},
     "--port: port 'ssh=1' (redirection, redirection-tls, rfb, web, web-tls, asf or asf-tls, then =N)"},
    {{"--port", "rfb=70000"}, "--port: "},
    {{"--fault", "x:close"}, "--fault: fault 'x:close': stage 'x' (connect, tls, start, auth, open, stream, wsman)"},
    {{"--ider-sha256", "abc"}, "--ider-sha256: digest 'abc' (64 lower-case hexadecimal digits)"},
    {{"--off", "kvm,web"}, "--off: sessions 'kvm,web' (kvm, sol, ider, separated by commas)"},
    {{"--sessions", "-1"}, "--sessions: number '-1'"},
    {{"--keyboard", "deu"}, "--keyboard: keyboard 'deu' is not a layout XKB knows"},
    {{"--cert", "a.pem"}, "--cert and --key belong together"},
    {{"--profile", "8", "--tls-min", "1.2"}, "--tls-min is above --tls-max, 1.0"},
};

TEST(Settings, MistakesNameTheOption) {
  for (const Wrong& row : kWrong) {
    const auto r = parse(row.words);
    ASSERT_FALSE(r) << row.words[0];
    EXPECT_TRUE(r.error().detail.starts_with(row.says)) << r.error().detail;
  }
}

TEST(Settings, HelpNamesWhatThereIs) {
  const auto r = parse({"--profile", "8", "--help"});
  ASSERT_TRUE(r);
  const std::string text = std::get<Print>(*r).text;
  for (const char* word : {"--profile NAME", "--fault STAGE:KIND[:N[:TIMES]]", "--kvm-stream N", "--glue"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
  EXPECT_NE(std::get<Print>(*parse({"--version"})).text.find("amtgate-sim "), std::string::npos);
  EXPECT_FALSE(std::get<Print>(*parse({"--assumptions"})).text.empty());
}

TEST(Settings, EveryOptionIsInTheManPage) {
  std::ifstream in("man/amtgate-sim.1");
  ASSERT_TRUE(in) << "run from the top of the sources";
  std::string man{std::istreambuf_iterator<char>(in), {}};
  std::ranges::replace(man, '\n', ' ');  // an option that takes no value ends its line
  std::istringstream lines(help());
  unsigned options = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("  --")) continue;
    const std::string name = line.substr(4, line.find_first_of(" ,", 4) - 4);
    ++options;
    EXPECT_NE(man.find("Fl \\-" + name + " "), std::string::npos) << name;
  }
  EXPECT_GT(options, 40U);
}

}  // namespace
}  // namespace amtgate::simhost
