#include "amtgate/rules/plan.h"

#include <gtest/gtest.h>

#include "amtgate/rules/steps.h"

namespace amtgate::rules {
namespace {

/// The plan as one readable text, as a clean machine would be told it.
std::string text(const config::Intercept& intercept, Ip ip) {
  const Result<Plan> p = plan(intercept, ip);
  if (!p) return p.error().detail;
  FamilyState clean;
  clean.ip = ip;
  clean.backends = {{ip == Ip::V4 ? "iptables" : "ip6tables", Flavour::Legacy, {}}};
  const Result<std::vector<Step>> steps = up_steps(*p, clean);
  return steps ? to_shell(*steps) : steps.error().detail;
}

config::Intercept lan() {
  config::Intercept intercept;
  intercept.interfaces = {"lan0"};
  return intercept;
}

TEST(Plan, TproxyWithTheQueueIsAsDocumented) {
  EXPECT_EQ(text(lan(), Ip::V4), R"(# IPv4: packets that carry the mark end at this host
ip -4 route replace local default dev lo table 5900 proto 159
# IPv4: the mark leads to that route
ip -4 rule add pref 59 fwmark 0x5900 lookup 5900 protocol 159
# IPv4: mangle
iptables-restore --wait 10 --noflush <<'END'
*mangle
:AMTGATE_PREROUTING - [0:0]
:AMTGATE_SOCKET - [0:0]
:AMTGATE_OUTPUT - [0:0]
-A AMTGATE_PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark 0x5900 -j CONNMARK --set-xmark 0x5902/0xffffffff
-A AMTGATE_PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark 0x5900 -j TPROXY --on-port 5899 --on-ip 127.0.0.1 --tproxy-mark 0x5900/0xffffffff
-A AMTGATE_PREROUTING -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m socket --transparent -j AMTGATE_SOCKET
-A AMTGATE_PREROUTING -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark 0x5900 -j TPROXY --on-port 5899 --on-ip 127.0.0.1 --tproxy-mark 0x5900/0xffffffff
-A AMTGATE_PREROUTING -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m connmark --mark 0x5902 -m conntrack --ctdir ORIGINAL -j TPROXY --on-port 5899 --on-ip 127.0.0.1 --tproxy-mark 0x5900/0xffffffff
-A AMTGATE_PREROUTING -p udp -m udp --dport 623 -m length --length 40 -m mark --mark 0x5900 -j TPROXY --on-port 5899 --on-ip 127.0.0.1 --tproxy-mark 0x5900/0xffffffff
-A AMTGATE_SOCKET -j MARK --set-xmark 0x5900/0xffffffff
-A AMTGATE_SOCKET -j ACCEPT
-A AMTGATE_OUTPUT -m mark --mark 0x5901 -j RETURN
-A AMTGATE_OUTPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m connmark --mark 0x5902 -m conntrack --ctdir ORIGINAL -j MARK --set-xmark 0x5900/0xffffffff
-A AMTGATE_OUTPUT -m mark --mark 0x5900 -j ACCEPT
-I PREROUTING -p tcp -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j AMTGATE_PREROUTING
-I PREROUTING -p udp -m udp --dport 623 -m length --length 40 -j AMTGATE_PREROUTING
-I OUTPUT -p tcp -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j AMTGATE_OUTPUT
-I OUTPUT -p udp -m udp --dport 623 -m length --length 40 -j AMTGATE_OUTPUT
COMMIT
END
# IPv4: raw
iptables-restore --wait 10 --noflush <<'END'
*raw
:AMTGATE_PREROUTING - [0:0]
:AMTGATE_OUTPUT - [0:0]
-A AMTGATE_PREROUTING -i lan0 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j NFQUEUE --queue-num 5900 --queue-bypass
-A AMTGATE_PREROUTING -i lan0 -p udp -m udp --dport 623 -m length --length 40 -j NFQUEUE --queue-num 5900 --queue-bypass
-A AMTGATE_OUTPUT -m mark --mark 0x5901 -j RETURN
-A AMTGATE_OUTPUT ! -d 127.0.0.0/8 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j NFQUEUE --queue-num 5900 --queue-bypass
-A AMTGATE_OUTPUT ! -d 127.0.0.0/8 -p udp -m udp --dport 623 -m length --length 40 -j NFQUEUE --queue-num 5900 --queue-bypass
-A PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j AMTGATE_PREROUTING
-A PREROUTING -p udp -m udp --dport 623 -m length --length 40 -j AMTGATE_PREROUTING
-A OUTPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j AMTGATE_OUTPUT
-A OUTPUT -p udp -m udp --dport 623 -m length --length 40 -j AMTGATE_OUTPUT
COMMIT
END
)");
}

TEST(Plan, ForwardedOnlyNeedsNoConnectionTracking) {
  config::Intercept intercept = lan();
  intercept.local = false;
  for (const Ip ip : {Ip::V4, Ip::V6}) {
    const std::string got = text(intercept, ip);
    EXPECT_EQ(got.find("conn"), std::string::npos) << got;
    EXPECT_EQ(got.find("OUTPUT"), std::string::npos) << got;
  }
}

TEST(Plan, RedirectUsesAddressTranslationAndNoPolicyRoute) {
  config::Intercept intercept = lan();
  intercept.mode = config::InterceptMode::Redirect;
  EXPECT_EQ(text(intercept, Ip::V6), R"(# IPv6: nat
ip6tables-restore --wait 10 --noflush <<'END'
*nat
:AMTGATE_PREROUTING - [0:0]
:AMTGATE_OUTPUT - [0:0]
-A AMTGATE_PREROUTING -p tcp -m mark --mark 0x5900 -j REDIRECT --to-ports 5899
-A AMTGATE_OUTPUT -m mark --mark 0x5901 -j RETURN
-A AMTGATE_OUTPUT -p tcp -m mark --mark 0x5900 -j REDIRECT --to-ports 5899
-I PREROUTING -p tcp -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j AMTGATE_PREROUTING
-I OUTPUT -p tcp -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j AMTGATE_OUTPUT
COMMIT
END
# IPv6: raw
ip6tables-restore --wait 10 --noflush <<'END'
*raw
:AMTGATE_PREROUTING - [0:0]
:AMTGATE_OUTPUT - [0:0]
-A AMTGATE_PREROUTING -i lan0 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j NFQUEUE --queue-num 5900 --queue-bypass
-A AMTGATE_OUTPUT -m mark --mark 0x5901 -j RETURN
-A AMTGATE_OUTPUT ! -d ::1/128 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j NFQUEUE --queue-num 5900 --queue-bypass
-A PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j AMTGATE_PREROUTING
-A OUTPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j AMTGATE_OUTPUT
COMMIT
END
)");
}

TEST(Plan, ClassifyAllNeedsNoQueue) {
  config::Intercept intercept = lan();
  intercept.classify = config::Classify::All;
  intercept.interfaces.clear();
  EXPECT_EQ(text(intercept, Ip::V6), R"(# IPv6: packets that carry the mark end at this host
ip -6 route replace local default dev lo table 5900 proto 159
# IPv6: the mark leads to that route
ip -6 rule add pref 59 fwmark 0x5900 lookup 5900 protocol 159
# IPv6: mangle
ip6tables-restore --wait 10 --noflush <<'END'
*mangle
:AMTGATE_PREROUTING - [0:0]
:AMTGATE_SOCKET - [0:0]
:AMTGATE_OUTPUT - [0:0]
-A AMTGATE_PREROUTING ! -i lo -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m addrtype ! --dst-type LOCAL -j MARK --set-xmark 0x5900/0xffffffff
-A AMTGATE_PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark 0x5900 -j CONNMARK --set-xmark 0x5902/0xffffffff
-A AMTGATE_PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark 0x5900 -j TPROXY --on-port 5899 --on-ip ::1 --tproxy-mark 0x5900/0xffffffff
-A AMTGATE_PREROUTING -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m socket --transparent -j AMTGATE_SOCKET
-A AMTGATE_PREROUTING -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark 0x5900 -j TPROXY --on-port 5899 --on-ip ::1 --tproxy-mark 0x5900/0xffffffff
-A AMTGATE_PREROUTING -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m connmark --mark 0x5902 -m conntrack --ctdir ORIGINAL -j TPROXY --on-port 5899 --on-ip ::1 --tproxy-mark 0x5900/0xffffffff
-A AMTGATE_SOCKET -j MARK --set-xmark 0x5900/0xffffffff
-A AMTGATE_SOCKET -j ACCEPT
-A AMTGATE_OUTPUT -m mark --mark 0x5901 -j RETURN
-A AMTGATE_OUTPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m addrtype ! --dst-type LOCAL -j MARK --set-xmark 0x5900/0xffffffff
-A AMTGATE_OUTPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m connmark --mark 0x5902 -m conntrack --ctdir ORIGINAL -j MARK --set-xmark 0x5900/0xffffffff
-A AMTGATE_OUTPUT -m mark --mark 0x5900 -j ACCEPT
-I PREROUTING -p tcp -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j AMTGATE_PREROUTING
-I PREROUTING -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m multiport --sports 623,664,5900,16992,16993,16994,16995 -j AMTGATE_PREROUTING
-I OUTPUT -p tcp -m multiport --dports 623,664,5900,16992,16993,16994,16995 -j AMTGATE_OUTPUT
COMMIT
END
)");
}

TEST(Plan, PresencePingsNeedTproxyAndTheQueue) {
  const auto catches = [](const config::Intercept& intercept) {
    return text(intercept, Ip::V6).find("--dport 623 -m length --length 60 ") != std::string::npos;
  };
  EXPECT_TRUE(catches(lan()));
  config::Intercept other = lan();
  other.mode = config::InterceptMode::Redirect;
  EXPECT_FALSE(catches(other));
  other = lan();
  other.classify = config::Classify::All;
  EXPECT_FALSE(catches(other));
  other = lan();
  std::erase(other.ports, Port{623});
  EXPECT_FALSE(catches(other));
}

TEST(Plan, FailClosedHasNoBypass) {
  config::Intercept intercept = lan();
  intercept.fail = config::FailMode::Closed;
  EXPECT_EQ(text(intercept, Ip::V4).find("bypass"), std::string::npos);
}

TEST(Plan, EveryInterfaceHasItsRule) {
  config::Intercept intercept = lan();
  intercept.interfaces = {"lan0", "br-office", "wg+"};
  const Result<Plan> p = plan(intercept, Ip::V4);
  ASSERT_TRUE(p);
  const Table& raw = p->tables.back();
  EXPECT_EQ(raw.name, "raw") << "what starts the catching comes last";
  ASSERT_EQ(raw.chains[0].rules.size(), 6U) << "for connections and for presence pings";
  EXPECT_NE(raw.chains[0].rules[1].find("-i br-office "), std::string::npos);
}

TEST(Plan, OnlyServedPortsAreCaught) {
  config::Intercept intercept = lan();
  intercept.ports = {Port{9971}, Port{16994}};
  const std::string got = text(intercept, Ip::V4);
  EXPECT_NE(got.find("--dports 16994 "), std::string::npos);
  EXPECT_EQ(got.find("9971"), std::string::npos);
  intercept.ports = {Port{4433}};
  EXPECT_NE(text(intercept, Ip::V4).find("none of them is served"), std::string::npos);
}

TEST(Plan, UnusableMarksAreRefused) {
  config::Intercept intercept = lan();
  intercept.mark = 0;
  EXPECT_FALSE(plan(intercept, Ip::V4));
  intercept.mark = 0xfffffffe;
  EXPECT_FALSE(plan(intercept, Ip::V4));
  intercept.mark = 0xfffffffd;
  EXPECT_TRUE(plan(intercept, Ip::V4));
}

}  // namespace
}  // namespace amtgate::rules
