#include "amtgate/cli/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "amtgate/rules/steps.h"

namespace amtgate::cli {
namespace {

using testing::HasSubstr;

config::Config sample_config() {
  config::Config config;
  config.intercept.interfaces = {"lan0"};
  config::Target target;
  target.name = "pc1";
  target.address = {*Network::parse("198.51.100.10")};
  target.allow = {*Network::parse("192.0.2.0/24")};
  config.targets = {target};
  return config;
}

/// A machine on which all is well.
Facts healthy(const config::Config& config) {
  Facts facts;
  facts.admin = true;
  for (const rules::Ip ip : {rules::Ip::V4, rules::Ip::V6}) {
    const rules::Plan plan = *rules::plan(config.intercept, ip);
    rules::FamilyState state;
    state.ip = ip;
    state.backends = {{"iptables", rules::Flavour::Nft, {}}};
    for (const rules::Table& want : plan.tables) {
      rules::TableState now;
      now.name = want.name;
      now.chains = want.chains;
      for (const rules::Jump& jump : want.jumps) now.jumps.push_back(jump.rule);
      state.backends[0].tables.push_back(now);
    }
    if (plan.route) {
      state.rules = rules::parse_rules("59:\tfrom all fwmark 0x5900 lookup 5900 proto 159\n");
      state.table_routes = rules::parse_routes("2 default dev lo proto 159 scope 254\n");
    }
    facts.families.push_back({ip, state, {}});
  }
  facts.sysctl = {{"net.ipv4.ip_forward", "1"},
                  {"net.ipv6.conf.all.forwarding", "1"},
                  {"net.netfilter.nf_conntrack_max", "65536"},
                  {"net.netfilter.nf_conntrack_count", "12"},
                  {"net.ipv4.conf.all.rp_filter", "1"},
                  {"net.ipv4.conf.all.src_valid_mark", "0"},
                  {"net.ipv4.conf.lan0.rp_filter", "0"}};
  facts.interfaces = {"lo", "lan0", "amt0"};
  facts.queues = " 5900   7680     0 2   192     0     0       36  1\n";
  const std::vector<Holder> daemon = {{42, "amtgated"}};
  facts.listeners = {{*Endpoint::parse("127.0.0.1:5899"), 7, daemon}, {*Endpoint::parse("[::1]:5899"), 8, daemon}};
  facts.queue_reader = {{}, 9, daemon};
  facts.daemon.pid = 42;
  facts.daemon.capabilities = 1U << 12;
  facts.routes = {{"192.0.2.1", {true, "lan0", ""}}, {"198.51.100.10", {true, "amt0", ""}}};
  return facts;
}

/// The names of the checks that failed, each with what it is about.
std::vector<std::string> failures(const config::Config& config, const Facts& facts) {
  std::vector<std::string> out;
  for (const Check& check : judge(config, facts)) {
    EXPECT_FALSE(check.text.empty()) << check.name;
    EXPECT_EQ(check.remedy.empty(), check.state != Check::State::Fail) << check.name;
    if (check.state == Check::State::Fail) out.push_back(check.name + (check.about.empty() ? "" : " " + check.about));
  }
  return out;
}

rules::TableState& table(Facts& facts, std::size_t family, std::string_view name) {
  for (rules::TableState& t : facts.families[family].state->backends[0].tables) {
    if (t.name == name) return t;
  }
  ADD_FAILURE() << name;
  static rules::TableState none;
  return none;
}

TEST(Doctor, FindsNothingOnAHealthyMachine) {
  config::Config config = sample_config();
  EXPECT_THAT(failures(config, healthy(config)), testing::IsEmpty());
  config.intercept.mode = config::InterceptMode::Redirect;
  EXPECT_THAT(failures(config, healthy(config)), testing::IsEmpty());
  config.intercept.mode = config::InterceptMode::Tproxy;
  config.intercept.classify = config::Classify::All;
  EXPECT_THAT(failures(config, healthy(config)), testing::IsEmpty());
}

struct Broken {
  const char* what;
  void (*breaks)(Facts&);
  const char* named;
};

const Broken kBroken[] = {
    {"no rights", [](Facts& f) { f.admin = false; }, "rights"},
    {"no daemon",
     [](Facts& f) {
       f.daemon = {{}, "no such file", {}};
       f.queue_reader.by.clear();  // whose they are is not known
       for (Held& held : f.listeners) held.by.clear();
     },
     "daemon"},
    {"no capability", [](Facts& f) { f.daemon.capabilities = 0; }, "capabilities"},
    {"no IPv4 listener", [](Facts& f) { f.listeners.erase(f.listeners.begin()); }, "listener IPv4"},
    {"no IPv6 listener", [](Facts& f) { f.listeners.pop_back(); }, "listener IPv6"},
    {"no queue reader", [](Facts& f) { f.queues = "  5901 1 0 2 192 0 0 36 1\n"; }, "queue"},
    {"no queues", [](Facts& f) { f.queues.reset(); }, "queue"},
    {"another program's queue",
     [](Facts& f) {
       f.queue_reader.by = {{77, "suricata"}};
     },
     "queue"},
    {"another program's port",
     [](Facts& f) {
       f.listeners[0].by = {{77, "nc"}};
     },
     "listener IPv4"},
    {"no TPROXY",
     [](Facts& f) {
       for (Facts::Family& family : f.families) {
         family.refusals = {{"TPROXY", "the kernel has no TPROXY target", "modprobe xt_TPROXY"}};
         family.state->backends[0].tables.clear();  // nothing could be put in place
       }
     },
     "extensions TPROXY"},
    {"chain gone", [](Facts& f) { table(f, 0, "mangle").chains.pop_back(); }, "chains IPv4"},
    {"rule gone", [](Facts& f) { table(f, 1, "raw").chains[0].rules.pop_back(); }, "chains IPv6"},
    {"jump gone", [](Facts& f) { table(f, 0, "raw").jumps.pop_back(); }, "jumps IPv4"},
    {"somebody marks first",
     [](Facts& f) { table(f, 0, "mangle").ahead = {"-A PREROUTING -i lan0 -j MARK --set-xmark 0x1/0xffffffff"}; },
     "order IPv4"},
    {"no policy rule", [](Facts& f) { f.families[0].state->rules.clear(); }, "policy-rule IPv4"},
    {"no policy route", [](Facts& f) { f.families[1].state->table_routes.clear(); }, "policy-route IPv6"},
    {"mark taken",
     [](Facts& f) {
       const auto more = rules::parse_rules("100:\tfrom all fwmark 0x5901/0xffff lookup 7 proto 0\n");
       f.families[0].state->rules.push_back(more[0]);
     },
     "marks"},
    {"interface gone", [](Facts& f) { std::erase(f.interfaces, "lan0"); }, "interfaces"},
    {"no forwarding", [](Facts& f) { f.sysctl["net.ipv4.ip_forward"] = "0"; }, "forwarding IPv4"},
    {"no IPv6 forwarding", [](Facts& f) { f.sysctl["net.ipv6.conf.all.forwarding"] = "0"; }, "forwarding IPv6"},
    {"marks in source checks", [](Facts& f) { f.sysctl["net.ipv4.conf.all.src_valid_mark"] = "1"; },
     "src_valid_mark"},
    {"no conntrack", [](Facts& f) { f.sysctl.erase("net.netfilter.nf_conntrack_max"); }, "conntrack"},
    {"conntrack full", [](Facts& f) { f.sysctl["net.netfilter.nf_conntrack_count"] = "65000"; }, "conntrack"},
    {"untracked", [](Facts& f) { table(f, 0, "raw").ahead = {"-A OUTPUT -o amt0 -j CT --notrack"}; }, "conntrack"},
    {"no way back",
     [](Facts& f) {
       f.routes["192.0.2.1"] = {false, "", "unreachable"};
     },
     "return-path pc1"},
    {"no way to the device",
     [](Facts& f) {
       f.routes["198.51.100.10"] = {false, "", "unreachable"};
     },
     "route pc1"},
    {"a name without address", [](Facts& f) { f.names["pc9.example"] = {}; }, "name pc9.example"},
};

TEST(Doctor, NamesEachThingThatIsBroken) {
  const config::Config config = sample_config();
  for (const Broken& row : kBroken) {
    SCOPED_TRACE(row.what);
    Facts facts = healthy(config);
    row.breaks(facts);
    EXPECT_THAT(failures(config, facts), testing::ElementsAre(row.named));
  }
}

TEST(Doctor, AWayBackElsewhereIsTwoFaultsWithAStrictCheck) {
  const config::Config config = sample_config();
  Facts facts = healthy(config);
  facts.routes["192.0.2.1"].device = "wan0";
  EXPECT_THAT(failures(config, facts), testing::ElementsAre("rp_filter", "return-path pc1"));
  facts.sysctl["net.ipv4.conf.lan0.rp_filter"] = "2";
  EXPECT_THAT(failures(config, facts), testing::ElementsAre("return-path pc1")) << "loose";
}

TEST(Doctor, AJumpHostNeedNotForward) {
  config::Config config = sample_config();
  config.intercept.interfaces.clear();
  Facts facts = healthy(config);
  facts.sysctl["net.ipv4.ip_forward"] = "0";
  EXPECT_THAT(failures(config, facts), testing::IsEmpty());
}

TEST(Doctor, AMarkRuleBehindOursDoesNoHarm) {
  const config::Config config = sample_config();
  Facts facts = healthy(config);
  facts.families[0].state->rules.push_back(rules::parse_rules("100:\tfrom all fwmark 0x5900 lookup 7 proto 0\n")[0]);
  facts.families[0].state->rules.push_back(
      rules::parse_rules("101:\tnot from all fwmark 0xca6c lookup 7 proto 0\n")[0]);
  EXPECT_THAT(failures(config, facts), testing::IsEmpty());
}

TEST(Doctor, CookiesNeedTracking) {
  config::Config config = sample_config();
  config.intercept.local = false;
  Facts facts = healthy(config);
  EXPECT_THAT(failures(config, facts), testing::IsEmpty());
  facts.sysctl["net.ipv4.tcp_syncookies"] = "2";
  EXPECT_THAT(failures(config, facts), testing::ElementsAre("syncookies"));
}

TEST(Doctor, ATargetsInterfaceMustBeThere) {
  config::Config config = sample_config();
  config.targets[0].interface = "untagged0";
  const Facts facts = healthy(config);
  EXPECT_THAT(failures(config, facts), testing::ElementsAre("route pc1"));
}

TEST(Doctor, RootWithoutTheCapabilityIsAContainersFault) {
  const config::Config config = sample_config();
  Facts facts = healthy(config);
  facts.admin = false;
  facts.root = true;
  facts.daemon = {{}, "no such file", {}};
  EXPECT_THAT(failures(config, facts),
              testing::ElementsAre("rights", "daemon", "capabilities", "listener IPv4", "listener IPv6", "queue"));
}

TEST(Doctor, AUnitMayTakeTheCapabilityAway) {
  const config::Config config = sample_config();
  Facts facts = healthy(config);
  facts.daemon = {};
  facts.daemon.problem = "no such file";
  facts.queue_reader.by.clear();
  for (Held& held : facts.listeners) held.by.clear();
  facts.daemon.unit_bounds = "cap_chown cap_setuid cap_net_admin\n";
  EXPECT_THAT(failures(config, facts), testing::ElementsAre("daemon"));
  facts.daemon.unit_bounds = "cap_chown cap_setuid\n";
  EXPECT_THAT(failures(config, facts), testing::ElementsAre("daemon", "capabilities"));
}

TEST(Doctor, ASocketThatIsAlsoAnothersIsTheDaemons) {
  const config::Config config = sample_config();
  Facts facts = healthy(config);
  facts.queue_reader.by = {{41, "amtgated"}, {42, "amtgated"}};
  facts.listeners.insert(facts.listeners.begin(), {*Endpoint::parse("127.0.0.1:5899"), 5, {{77, "nc"}}});
  EXPECT_THAT(failures(config, facts), testing::IsEmpty());
}

TEST(Doctor, FindsTheReaderOfAQueue) {
  const std::string queues =
      " 5900  12345     0 2   192     0     0       36  1\n    7  4294963199 0 2 192 0 0 1 1\n";
  EXPECT_EQ(parse_queue_reader(queues, 5900), 12345U);
  EXPECT_EQ(parse_queue_reader(queues, 7), 4294963199U);
  EXPECT_EQ(parse_queue_reader(queues, 36), std::nullopt);
  const std::string sockets =
      "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
      "00000000c0ffee00 0   12345      00000000 0        0        0     2        0        4001\n"
      "00000000c0ffee01 12  12345      00000000 0        0        0     2        0        4002\n";
  EXPECT_EQ(parse_netlink_inode(sockets, 12345), 4002U);
  EXPECT_EQ(parse_netlink_inode(sockets, 1), 0U);
}

TEST(Doctor, ReadsListeningSockets) {
  const std::vector<Held> got = parse_listeners(
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:170B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 451494 1\n"
      "   1: FE6433C6:889C 0A6433C6:170C 06 00000000:00000000 03:00001014 00000000     0        0 0 3\n"
      "   2: B80D0120000000000000000001000000:170B 00000000000000000000000000000000:0000 0A 0:0\n"
      "   3: zz:170B 0:0 0A\n   4: 01:1 0:0 0A\n");
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].at.to_string(), "127.0.0.1:5899");
  EXPECT_EQ(got[0].inode, 451494U);
  EXPECT_EQ(got[1].at.to_string(), "[2001:db8::1]:5899");
}

TEST(Doctor, TextNamesTheRemedyAndJsonIsAList) {
  const std::vector<Check> checks = {{"daemon", "", Check::State::Pass, "runs", ""},
                                     {"chains", "IPv4", Check::State::Fail, "gone", "amtgate-rules up"}};
  const std::string text = to_text(checks, false);
  EXPECT_THAT(text, HasSubstr("FAIL  chains (IPv4): gone\n      -> amtgate-rules up\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("daemon")));
  EXPECT_THAT(text, HasSubstr("1 passed, 1 failed, 0 skipped"));
  const auto json = nlohmann::json::parse(to_json(checks));
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[1]["check"], "chains");
  EXPECT_EQ(json[1]["state"], "fail");
}

TEST(Doctor, SamplesTheFirstHost) {
  EXPECT_EQ(sample(*Network::parse("10.0.0.0/8")).to_string(), "10.0.0.1");
  EXPECT_EQ(sample(*Network::parse("2001:db8::/64")).to_string(), "2001:db8::1");
  EXPECT_EQ(sample(*Network::parse("192.0.2.7")).to_string(), "192.0.2.7");
}

}  // namespace
}  // namespace amtgate::cli
