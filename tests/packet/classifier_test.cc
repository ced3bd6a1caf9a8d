#include "amtgate/packet/classifier.h"

#include <gtest/gtest.h>

#include "tests/support/feed.h"

namespace amtgate::packet {
namespace {

IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}
std::vector<Network> nets(std::initializer_list<std::string_view> texts) {
  std::vector<Network> out;
  for (const auto text : texts) out.push_back(*Network::parse(text));
  return out;
}
std::string why(const Decision& d) {
  return std::string(name(d.reason)) + " " + std::to_string(d.target);
}

Classifier sample() {
  return Classifier({
      {nets({"192.0.2.10", "2001:db8::10"}),
       nets({"192.0.2.0/24", "2001:db8::/64"}),
       Denied::Refuse,
       {Port{5900}, Port{16994}},
       1},
      {nets({"10.0.0.0/8"}), nets({"0.0.0.0/0"}), Denied::Refuse, {Port{5900}}, 2},
      {nets({"10.1.0.0/16", "2001:db8:1::/48"}), nets({"10.1.0.0/16"}), Denied::Pass, {Port{5900}}, 3},
      {nets({"10.1.2.3"}), {}, Denied::Refuse, {Port{5900}}, 4},
      {nets({"10.1.2.3"}), nets({"0.0.0.0/0"}), Denied::Refuse, {Port{5900}}, 5},
  });
}

TEST(Classifier, EmptyTablePassesEverything) {
  EXPECT_EQ(Classifier().decide(ip("192.0.2.1"), ip("192.0.2.10"), Port{5900}, Origin::Local).verdict(),
            Verdict::Pass);
  EXPECT_FALSE(Classifier().lookup(ip("192.0.2.10"), Port{5900}));
}

TEST(Classifier, CatchesATargetForThoseWhomAllowNames) {
  const Classifier c = sample();
  const Decision d = c.decide(ip("192.0.2.1"), ip("192.0.2.10"), Port{5900}, Origin::Forwarded);
  EXPECT_EQ(why(d), "allowed 1");
  EXPECT_EQ(d.verdict(), Verdict::Catch);
  EXPECT_EQ(why(c.decide(ip("2001:db8::1"), ip("2001:db8::10"), Port{16994}, Origin::Forwarded)), "allowed 1");
}

TEST(Classifier, StrangersAndOtherPortsPass) {
  const Classifier c = sample();
  EXPECT_EQ(why(c.decide(ip("192.0.2.1"), ip("192.0.2.11"), Port{5900}, Origin::Forwarded)), "no_target 0");
  const Decision d = c.decide(ip("192.0.2.1"), ip("192.0.2.10"), Port{623}, Origin::Forwarded);
  EXPECT_EQ(why(d), "not_served 1");
  EXPECT_EQ(d.verdict(), Verdict::Pass);
}

TEST(Classifier, DeniedSourcesAreCaughtToBeToldOrPass) {
  const Classifier c = sample();
  const Decision told = c.decide(ip("198.51.100.1"), ip("192.0.2.10"), Port{5900}, Origin::Forwarded);
  EXPECT_EQ(why(told), "denied_refuse 1");
  EXPECT_EQ(told.verdict(), Verdict::Catch);
  const Decision passed = c.decide(ip("198.51.100.1"), ip("10.1.0.1"), Port{5900}, Origin::Forwarded);
  EXPECT_EQ(why(passed), "denied_pass 3");
  EXPECT_EQ(passed.verdict(), Verdict::Pass);
}

TEST(Classifier, EmptyAllowLetsOnlyThisHostIn) {
  const Classifier c = sample();
  EXPECT_EQ(why(c.decide(ip("10.1.2.1"), ip("10.1.2.3"), Port{5900}, Origin::Forwarded)), "denied_refuse 4");
  EXPECT_EQ(why(c.decide(ip("10.1.2.1"), ip("10.1.2.3"), Port{5900}, Origin::Local)), "allowed 4");
}

TEST(Classifier, AWrittenAllowBindsThisHostToo) {
  EXPECT_EQ(why(sample().decide(ip("198.51.100.1"), ip("192.0.2.10"), Port{5900}, Origin::Local)), "denied_refuse 1");
}

TEST(Classifier, TheLongestPrefixWinsAndOfEqualsTheFirst) {
  const Classifier c = sample();
  EXPECT_EQ(c.lookup(ip("10.200.0.1"), Port{5900}), 2U);
  EXPECT_EQ(c.lookup(ip("10.1.0.1"), Port{5900}), 3U);
  EXPECT_EQ(c.lookup(ip("10.1.2.3"), Port{5900}), 4U);
  EXPECT_EQ(c.lookup(ip("2001:db8:1:2::3"), Port{5900}), 3U);
  EXPECT_FALSE(c.lookup(ip("2001:db8:2::3"), Port{5900}));
  EXPECT_FALSE(c.lookup(ip("10.1.2.3"), Port{16994})) << "a shorter prefix does not step in for a port";
}

TEST(Classifier, HostBitsOfANetworkDoNotMatter) {
  const Classifier c({{{Network{ip("10.1.2.3"), 16}}, nets({"0.0.0.0/0"}), Denied::Refuse, {Port{5900}}, 7}});
  EXPECT_EQ(c.lookup(ip("10.1.200.1"), Port{5900}), 7U);
}

TEST(Classifier, ANetworkOfEverythingIsANetwork) {
  const Classifier c({{nets({"0.0.0.0/0"}), nets({"0.0.0.0/0"}), Denied::Refuse, {Port{5900}}, 7}});
  EXPECT_EQ(c.lookup(ip("10.1.200.1"), Port{5900}), 7U);
  EXPECT_FALSE(c.lookup(ip("2001:db8::1"), Port{5900}));
}

TEST(Classifier, ThousandsOfTargetsAreAllFound) {
  std::vector<Entry> entries;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const IpAddress a =
        IpAddress::v4({10, 77, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i & 0xff)});
    entries.push_back({{Network{a, 32}}, nets({"0.0.0.0/0"}), Denied::Refuse, {Port{5900}}, i});
  }
  const Classifier c(std::move(entries));
  EXPECT_EQ(c.lookup(ip("10.77.0.0"), Port{5900}), 0U);
  EXPECT_EQ(c.lookup(ip("10.77.19.135"), Port{5900}), 4999U);
  EXPECT_FALSE(c.lookup(ip("10.77.19.136"), Port{5900}));
}

TEST(Classifier, DecidesOnPackets) {
  const Classifier c = sample();
  const std::string ips = "4500 0028 0001 4000 4006 0000 c0000201 c000020a ";
  const std::string syn = ips + "c350 170c 00000001 00000000 5002 ffff 0000 0000";
  const std::string ack = ips + "c350 170c 00000001 00000000 5010 ffff 0000 0000";
  EXPECT_EQ(why(c.decide(test::hex(syn), Origin::Forwarded)), "allowed 1");
  EXPECT_EQ(why(c.decide(test::hex(ack), Origin::Forwarded)), "not_opening 0");
  EXPECT_EQ(why(c.decide(test::hex("45"), Origin::Forwarded)), "unread 0");
  EXPECT_EQ(why(c.decide({}, Origin::Forwarded)), "unread 0");
}

/// IPv4, UDP, from 192.0.2.1 port 40000.
std::string udp(const char* to, const char* port, const char* payload) {
  return std::string("4500 0028 0001 0000 40 11 0000  c0000201 ") + to + " 9c40 " + port + " 0014 0000 " + payload;
}

TEST(Classifier, PresencePingsAreCaughtWhereTheyAreServed) {
  const char* const ping = "06000006 000011be 80070000";
  const Classifier c({{nets({"192.0.2.10"}), nets({"192.0.2.0/24"}), Denied::Refuse, {}, 1, true},
                      {nets({"192.0.2.11"}), nets({"192.0.2.0/24"}), Denied::Refuse, {Port{623}}, 2},
                      {nets({"192.0.2.12"}), nets({"198.51.100.0/24"}), Denied::Refuse, {}, 3, true},
                      {nets({"192.0.2.13"}), nets({"198.51.100.0/24"}), Denied::Pass, {}, 4, true}});
  const struct {
    const char* name;
    std::string packet;
    const char* want;
  } rows[] = {
      {"served", udp("c000020a", "026f", ping), "allowed 1"},
      {"not served", udp("c000020b", "026f", ping), "not_served 2"},
      {"denied", udp("c000020c", "026f", ping), "denied_refuse 3"},
      {"denied, passes", udp("c000020d", "026f", ping), "denied_pass 4"},
      {"a stranger", udp("c0000263", "026f", ping), "no_target 0"},
      {"another port", udp("c000020a", "0270", ping), "not_opening 0"},
      {"ipmi of the same length", udp("c000020a", "026f", "0600ff07 00000000 00000000"), "not_opening 0"},
      {"cut", udp("c000020a", "026f", "06000006 000011be 8007"), "not_opening 0"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(why(c.decide(test::hex(row.packet), Origin::Forwarded)), row.want) << row.name;
  }
  EXPECT_EQ(why(c.decide_ping(ip("192.0.2.1"), ip("192.0.2.10"), Origin::Forwarded)), "allowed 1");
}

}  // namespace
}  // namespace amtgate::packet
