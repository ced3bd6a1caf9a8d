#include "amtgate/config/parse.h"

#include <gtest/gtest.h>

#include "amtgate/config/draft.h"

namespace amtgate::config {
namespace {

// All mistakes, one a line.
std::string mistakes(std::string_view text) {
  std::string out;
  for (const Mistake& m : parse(text, "f").mistakes) out += m.to_string() + "\n";
  return out;
}
std::string warnings(std::string_view text) {
  std::string out;
  for (const Mistake& m : parse(text, "f").warnings) out += m.to_string() + "\n";
  return out;
}
Config good(std::string_view text) {
  Parsed parsed = parse(text, "f");
  for (const Mistake& m : parsed.mistakes) ADD_FAILURE() << m.to_string();
  return parsed.config.value_or(Config{});
}

TEST(Parse, NothingIsTheDefaults) {
  const Config c = good("");
  EXPECT_EQ(c.gateway.control, "/run/amtgate/control.sock");
  EXPECT_TRUE(c.targets.empty());
}

TEST(Parse, ReadsTheContractsExample) {
  const Config c = good(R"([gateway]
user = amtgate
workers = 0
control = /run/amtgate/control.sock
metrics = [::1]:9623
log_level = debug

[intercept]
mode = redirect
ports = 5900 16994 16995
ports = 623
interfaces = lan0 lan+
local = no
classify = all
fail = closed
mark = 0x77

[defaults]
username = operator
tls = yes
allow = 10.0.0.0/8

[target pc1]
address = 192.0.2.10
amt = 10.99.0.10
interface = untagged0
password = it's "; # all" of it
tls_pin = sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
tls_min = 1.0
allow = 192.0.2.0/24
allow = 2001:db8::/32 198.51.100.7
denied = pass
client_auth = passthrough
services = vnc sol
tags = lab floor-2

[target pc2]
address = pc2.example.org 2001:db8::2
password_file = /etc/amtgate/secrets/pc2
)");
  EXPECT_EQ(c.gateway.metrics->to_string(), "[::1]:9623");
  EXPECT_EQ(c.gateway.log_level, LogLevel::Debug);
  EXPECT_EQ(c.intercept.mode, InterceptMode::Redirect);
  EXPECT_EQ(c.intercept.ports.size(), 4U);
  EXPECT_EQ(c.intercept.interfaces, (std::vector<std::string>{"lan0", "lan+"}));
  EXPECT_FALSE(c.intercept.local);
  EXPECT_EQ(c.intercept.mark, 0x77U);
  ASSERT_EQ(c.targets.size(), 2U);
  const Target& pc1 = c.targets[0];
  EXPECT_EQ(pc1.name, "pc1");
  EXPECT_EQ(pc1.line, 23U);
  EXPECT_EQ(pc1.username, "operator");
  EXPECT_EQ(pc1.password.reveal(), "it's \"; # all\" of it");
  EXPECT_EQ(pc1.tls, TlsMode::Yes);
  EXPECT_EQ(pc1.tls_pin, std::string(64, 'a'));
  EXPECT_EQ(pc1.tls_min, TlsVersion::V1_0);
  ASSERT_EQ(pc1.allow.size(), 3U) << "a target's list replaces that of [defaults], and its repeats add to it";
  EXPECT_EQ(pc1.services, (std::vector<Service>{Service::Vnc, Service::Sol}));
  EXPECT_TRUE(pc1.serves(Service::Sol));
  EXPECT_FALSE(pc1.serves(Service::Ider));
  const Target* pc2 = c.find("pc2");
  ASSERT_NE(pc2, nullptr);
  EXPECT_EQ(pc2->allow.size(), 1U);
  EXPECT_EQ(pc2->services.size(), 5U);
  EXPECT_EQ(c.find("pc3"), nullptr);
}

TEST(Parse, DefaultsApplyWhereverTheyStand) {
  const Config c = good("[target a]\naddress=192.0.2.1\npassword_file=/f\ntls_pin=" + std::string(64, '0') +
                        "\n[defaults]\nusername=x\npassword=secret\ntls_ca=/ca\n"
                        "[target b]\naddress=192.0.2.2\ntls_ca =\npassword_file =\n");
  EXPECT_EQ(c.targets[0].username, "x");
  EXPECT_TRUE(c.targets[0].password.empty()) << "a password_file takes the place of the password of [defaults]";
  EXPECT_TRUE(c.targets[0].tls_ca.empty()) << "and a tls_pin that of the tls_ca";
  EXPECT_EQ(c.targets[1].password.reveal(), "secret");
  EXPECT_TRUE(c.targets[1].tls_ca.empty());
}

TEST(Parse, EmptyTurnsOff) {
  const Config c = good("[gateway]\nmetrics =\ncert =\nkey =\n[intercept]\ninterfaces =\n");
  EXPECT_FALSE(c.gateway.metrics);
}

TEST(Parse, TakesByteOrderMarkCarriageReturnsAndNoLastNewline) {
  const Config c = good(
      "\xef\xbb\xbf[target a]\r\n\taddress = 192.0.2.1\r\n; x\r\n  # y\r\npassword = p\xc3\xa4ss \r\nusername=u");
  EXPECT_EQ(c.targets.at(0).password.reveal(), "p\xc3\xa4ss");
  EXPECT_EQ(c.targets.at(0).username, "u");
}

struct Row {
  const char* name;
  const char* text;
  const char* want;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.name;
}

const Row kRows[] = {
    {"unknown_section", "[gatway]\nx = 1\n", "f:1: unknown section [gatway]; the nearest known one is [gateway]\n"},
    {"unknown_key", "[intercept]\n\nprots = 5900\n",
     "f:3: unknown key 'prots' in [intercept]; the nearest known one is 'ports'\n"},
    {"unknown_key_of_target", "[target a]\naddress = 192.0.2.1\npassword = x\nadress = 192.0.2.2\n",
     "f:4: unknown key 'adress' in [target NAME]; the nearest known one is 'address'\n"},
    {"key_of_another_section", "[gateway]\nports = 5900\n",
     "f:2: 'ports' is not a key of [gateway], but of [intercept]\n"},
    {"key_before_section", "user = x\n[gateway]\n", "f:1: a key before the first [SECTION]\n"},
    {"key_twice", "[gateway]\nuser = a\nuser = b\n", "f:3: user stands here a second time; the first is in line 2\n"},
    {"section_twice", "[gateway]\n[gateway]\n", "f:2: [gateway] stands here a second time\n"},
    {"target_twice", "[target a]\naddress=192.0.2.1\npassword=x\n[target a]\naddress=192.0.2.2\n",
     "f:4: a second [target a]; the first is at f:1\n"},
    {"target_without_name", "[target]\naddress = 192.0.2.1\n", "f:1: a target has a name: [target NAME]\n"},
    {"target_with_bad_name", "[target a/b]\n",
     "f:1: [target NAME]: the name 'a/b' is not 1 to 40 letters, digits, '.', '_' and '-'\n"},
    {"target_with_two_names", "[target a b]\n", "f:1: a section's name is one word; a target is [target NAME]\n"},
    {"text_behind_section", "[gateway] ; x\n", "f:1: a section is [NAME] and nothing behind it\n"},
    {"section_not_closed", "[gateway\nuser = x\n", "f:1: a section is [NAME] and nothing behind it\n"},
    {"section_empty", "[ ]\n", "f:1: a section without a name\n"},
    {"section_with_argument", "[gateway x]\n", "f:1: [gateway] takes no name\n"},
    {"no_equals", "[gateway]\nuser\n", "f:2: no '=' in this line: neither [SECTION], KEY = VALUE nor a comment\n"},
    {"colon_is_no_equals", "[gateway]\nuser: x\n",
     "f:2: no '=' in this line: neither [SECTION], KEY = VALUE nor a comment\n"},
    {"continuation", "[target a]\naddress = 192.0.2.1\n  192.0.2.2\npassword=x\n",
     "f:3: no '=' in this line; a value does not go on over the next line (repeat the key of a list)\n"},
    {"continued_password_is_not_shown", "[target a]\naddress = 192.0.2.1\npassword=x\n  hunter2 hunter3 = 4\n",
     "f:4: what stands before '=' is not a key\n"},
    {"control_character", "[gateway]\nuser = a\x01\n", "f:2: the line holds a control character (0x01)\n"},
    {"bad_word", "[gateway]\nlog_level = loud\n", "f:2: log_level: 'loud' is not error, warn, info or debug\n"},
    {"bad_flag", "[intercept]\nlocal = true\n", "f:2: local: 'true' is not yes or no\n"},
    {"bad_number", "[gateway]\nworkers = 1o\n", "f:2: workers: '1o' is not a number from 0 to 256\n"},
    {"bad_port", "[intercept]\nports = 5900 70000\n", "f:2: ports: '70000' is not a port (1 to 65535)\n"},
    {"port_twice", "[intercept]\nports = 5900\nports = 5900\n", "f:3: ports: '5900' stands here twice\n"},
    {"no_ports", "[intercept]\nports =\n", "f:2: ports: no port is named\n"},
    {"mark_zero", "[intercept]\nmark = 0\n", "f:2: mark: '0' is not a mark from 0x1 to 0xfffffffe\n"},
    {"mark_without_room", "[intercept]\nmark = 0xffffffff\n",
     "f:2: mark: '0xffffffff' is not a mark from 0x1 to 0xfffffffe\n"},
    {"table_of_the_system", "[intercept]\ntable = 254\n",
     "f:2: table: 253, 254 and 255 are the system's own tables\n"},
    {"queue_too_high", "[intercept]\nqueue = 65536\n", "f:2: queue: '65536' is not a number from 0 to 65535\n"},
    {"listener_is_caught", "[intercept]\nport = 5900\n", "f:2: port: 5900 is one of the ports that are caught\n"},
    {"metrics_on_listener", "[gateway]\nmetrics = 127.0.0.1:5899\n",
     "f:2: metrics: port 5899 is the transparent listener's\n"},
    {"sol_door_of_another_kind", "[target a]\naddress = 192.0.2.1\npassword = x\nsol_listen = udp:127.0.0.1:1\n",
     "f:4: sol_listen: 'udp:127.0.0.1:1' is none of tcp:ADDRESS:PORT, telnet:ADDRESS:PORT and pty:/PATH; an IPv6 "
     "address stands in []\n"},
    {"sol_door_without_port", "[target a]\naddress = 192.0.2.1\npassword = x\nsol_listen = tcp:::1\n",
     "f:4: sol_listen: 'tcp:::1' is none of tcp:ADDRESS:PORT, telnet:ADDRESS:PORT and pty:/PATH; an IPv6 address "
     "stands in []\n"},
    {"sol_door_twice",
     "[target a]\naddress = 192.0.2.1\npassword = x\nsol_listen = tcp:[::1]:7001\n[target b]\naddress = "
     "192.0.2.2\npassword = x\nsol_listen = pty:/x telnet:[::1]:7001\n",
     "f:8: sol_listen: [::1]:7001 is that of target a\n"},
    {"sol_log_of_two",
     "[defaults]\npassword = x\nsol_log = /l\n[target a]\naddress = 192.0.2.1\n[target b]\naddress = "
     "192.0.2.2\n",
     "f:3: sol_log: /l is that of target a\n"},
    {"sol_of_a_network", "[target a]\naddress = 192.0.2.0/24\npassword = x\nsol_log = /l\n",
     "f:4: sol_log: target a is more than one machine\n"},
    {"sol_not_served", "[target a]\naddress = 192.0.2.1\npassword = x\nsol_log = /l\nservices = vnc\n",
     "f:5: sol_log: `services` of target a leaves out sol\n"},
    {"sol_with_passthrough", "[target a]\naddress = 192.0.2.1\nsol_listen = pty:/x\nclient_auth = passthrough\n",
     "f:4: sol_listen: not with client_auth = passthrough, whose clients have the machine's one serial session to "
     "themselves\n"},
    {"sol_door_that_cannot_ask",
     "[target a]\naddress = 192.0.2.1\npassword = x\nclient_auth = users\nallow = 192.0.2.0/24\nsol_listen = pty:/x "
     "tcp:192.0.2.9:7001\n",
     "f:6: sol_listen: tcp:192.0.2.9:7001 cannot ask who somebody is, as client_auth = users wants it: leave `allow` "
     "empty (this host alone), or use pty:\n"},
    {"metrics_without_port", "[gateway]\nmetrics = 127.0.0.1\n", "f:2: metrics: '127.0.0.1' is not ADDRESS:PORT\n"},
    {"relative_path", "[gateway]\nstate = var\n", "f:2: state: 'var' is not a path from the root (/...)\n"},
    {"cert_without_key", "[gateway]\ncert = /c.pem\n", "f:2: cert without key\n"},
    {"address_missing", "[target a]\npassword = x\n", "f:1: target a has no address\n"},
    {"address_in_defaults", "[defaults]\naddress = 192.0.2.1\n",
     "f:2: address belongs to one target: it cannot stand in [defaults]\n"},
    {"address_bad", "[target a]\naddress = 192.0.2.400\npassword = x\n",
     "f:2: address: '192.0.2.400' is neither an IP address, a network nor a host name\n"},
    {"addresses_with_commas", "[target a]\naddress = pc1,pc2\npassword = x\n",
     "f:2: address: 'pc1,pc2' holds a comma; the words of a list are separated by blanks\n"},
    {"address_of_another_target",
     "[target a]\naddress=192.0.2.1\npassword=x\n[target b]\naddress=192.0.2.1/32\npassword=x\n",
     "f:5: address: 192.0.2.1 is the address of target a at f:1\n"},
    {"amt_for_a_network", "[target a]\naddress=192.0.2.0/24\namt=10.0.0.1\npassword=x\n",
     "f:3: amt names one machine, but address has the network 192.0.2.0/24 with one in each address\n"},
    {"amt_is_a_network", "[target a]\naddress=192.0.2.1\namt=10.0.0.0/8\npassword=x\n",
     "f:3: amt: '10.0.0.0/8' is not one address\n"},
    {"source_of_other_family", "[target a]\naddress=192.0.2.1\nsource=2001:db8::1\npassword=x\n",
     "f:3: source is an IPv6 address, but address is not\n"},
    {"both_passwords", "[target a]\naddress=192.0.2.1\npassword=x\npassword_file=/x\n",
     "f:4: password and password_file exclude each other\n"},
    {"ca_and_pin",
     "[defaults]\ntls_pin=0000000000000000000000000000000000000000000000000000000000000000\ntls_ca=/ca\n",
     "f:3: tls_ca and tls_pin exclude each other\n"},
    {"tls_cert_alone", "[target a]\naddress=192.0.2.1\npassword=x\ntls_cert=/x\n", "f:4: tls_cert without tls_key\n"},
    {"tls_pin_short", "[target a]\naddress=192.0.2.1\npassword=x\ntls_pin=sha256:12\n",
     "f:4: tls_pin: 'sha256:12' is not sha256: and 64 hexadecimal digits\n"},
    {"vnc_password_missing", "[target a]\naddress=192.0.2.1\npassword=x\nvnc_security=password\n",
     "f:4: vnc_security = password needs vnc_password_file\n"},
    {"service_unknown", "[defaults]\nservices = vnc ssh\n",
     "f:2: services: 'ssh' is not vnc, sol, ider, wsman or rmcp\n"},
    {"record_words", "[defaults]\nrecord = vnc vnc\n", "f:2: record: 'vnc vnc' is not no, vnc, sol or vnc sol\n"},
    {"username_empty", "[defaults]\nusername =\n",
     "f:2: username: a user name has 1 to 64 characters, none of them \" \\ :\n"},
    {"all_together", "[gateway]\nworkers = x\nlog_level = y\n[what]\nignored = 1\n[target a]\n",
     "f:2: workers: 'x' is not a number from 0 to 256\nf:3: log_level: 'y' is not error, warn, info or debug\n"
     "f:4: unknown section [what]; the nearest known one is [target NAME]\nf:6: target a has no address\n"},
};

class ParseRows : public testing::TestWithParam<Row> {};
TEST_P(ParseRows, NamesTheMistake) {
  EXPECT_EQ(mistakes(GetParam().text), GetParam().want);
  EXPECT_FALSE(parse(GetParam().text, "f"));
}
INSTANTIATE_TEST_SUITE_P(Mistakes, ParseRows, testing::ValuesIn(kRows),
                         [](const auto& i) { return std::string(i.param.name); });

TEST(Parse, RefusesLongLinesAndGoesOnBehindThem) {
  const std::string longest = "password = " + std::string(kMaxLine - 11, 'x');
  EXPECT_EQ(mistakes("[defaults]\n" + longest + "\n"), "f:2: password: longer than 128 bytes\n");
  EXPECT_EQ(mistakes("[defaults]\n" + longest + "x\nusername =\n"),
            "f:2: the line is longer than 4000 bytes\nf:3: username: a user name has 1 to 64 characters, none of "
            "them \" \\ :\n");
}

TEST(Parse, RefusesZeroBytesAndHugeFiles) {
  EXPECT_EQ(mistakes(std::string_view("[gateway]\nuser = a\0b\n", 21)),
            "f:2: the line holds a control character (0x00)\n");
  EXPECT_EQ(mistakes(std::string(kMaxFile + 1, '\n')), "f: the file is larger than 8388608 bytes\n");
}

TEST(Parse, StopsListingAtALimit) {
  std::string text = "[gateway]\n";
  for (int i = 0; i < 1000; ++i) text += "nonsense\n";
  const Parsed parsed = parse(text, "f");
  ASSERT_EQ(parsed.mistakes.size(), kMaxMistakes + 1);
  EXPECT_EQ(parsed.mistakes.back().to_string(), "f: and 800 more");
}

TEST(Parse, NeverShowsAPassword) {
  for (const char* text :
       {"[defaults]\npassword = hunter2\npassword = hunter2\n", "[defaults]\npassword = hunter2\x01\n",
        "[gateway]\npassword = hunter2\n", "[defaults]\npasswort = hunter2\n", "password = hunter2\n"}) {
    EXPECT_NE(mistakes(text), "");
    EXPECT_EQ(mistakes(text).find("hunter2"), std::string::npos) << mistakes(text);
  }
}

TEST(Parse, NamesDefaultsOnceForAllTargets) {
  EXPECT_EQ(
      mistakes(
          "[defaults]\npassword = x\ntls_cert = /c\n[target a]\naddress=192.0.2.1\n[target b]\naddress=192.0.2.2\n"),
      "f:3: tls_cert without tls_key\n");
}

TEST(Parse, KeepsTheFilesOfTargetsApart) {
  const Source sources[] = {{"main", "[defaults]\npassword = x\n", false},
                            {"t/1", "[target a]\naddress = 192.0.2.1\n[defaults]\n", true},
                            {"t/2", "[target a]\naddress = 192.0.2.2\n[target b]\n", true}};
  std::string all;
  for (const Mistake& m : parse(sources).mistakes) all += m.to_string() + "\n";
  EXPECT_EQ(all,
            "t/1:3: [defaults] belongs into the main file; here stand [target NAME] sections only\n"
            "t/2:1: a second [target a]; the first is at t/1:1\nt/2:3: target b has no address\n");
}

TEST(Parse, WarnsOfWhatHasNoEffect) {
  EXPECT_EQ(warnings("[target "
                     "a]\naddress=192.0.2.1\npassword=x\nkeyboard=de\nvnc_security=tls\nvnc_mode=splice\nrecord="
                     "no\nreconnect=yes\n"),
            "f:4: keyboard: no effect with vnc_mode = splice: keys go through as they are then\n"
            "f:5: vnc_security: not with vnc_mode = splice, which refuses viewers of this target then\n");
  EXPECT_EQ(warnings("[target a]\naddress=192.0.2.1\npassword=x\nkeyboard=de\nvnc_security=tls\nvnc_share=view\n"
                     "frame_buffer_limit=9000000\n"),
            "");
  EXPECT_EQ(warnings("[target a]\naddress=192.0.2.1\ntls=no\ntls_ca=/ca\n"),
            "f:1: target a has no password: write password_file =\nf:4: tls_ca has no effect with tls = no\n");
}

}  // namespace
}  // namespace amtgate::config
