#include "amtgate/wsman/network.h"

#include <gtest/gtest.h>

#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

using Machine = test::WsmanMachine;
using Lines = std::vector<std::string>;

TEST(Network, IsRead) {
  for (const std::string_view profile : sim::profile_names()) {
    Machine m(profile);
    const Result<NetworkSettings> n = read_network(m);
    ASSERT_TRUE(n) << profile << ": " << n.error().detail;
    EXPECT_EQ(n->host_name + "." + n->domain, "pc.example.org");
    EXPECT_EQ(n->ping, true);
    const bool old = profile == "8" || profile == "9";
    ASSERT_EQ(n->ports.size(), old ? 1U : 2U) << profile;
    const NetworkPort& wired = n->ports.front();
    EXPECT_EQ(wired.mac, "02:00:5e:10:00:01");
    EXPECT_EQ(wired.address, "192.0.2.10");
    EXPECT_EQ(wired.dhcp, true);
    EXPECT_EQ(wired.ipv6, false);
    EXPECT_EQ(wired.addresses6, Lines{"fe80::5eff:fe10:1"});
    if (!old) {
      EXPECT_TRUE(n->ports.back().wireless);
      EXPECT_EQ(n->ports.back().link_preference, "host");
    }
  }
}

TEST(Network, HarmlessSettingsAreChangedOnce) {
  Machine m;
  NetworkWish wish;
  wish.ping = false;
  wish.idle_minutes = 20;
  wish.host_name = "lab7";
  wish.ipv6 = true;
  wish.link_preference = "me";
  const Lines want = {"ping: on -> off", "idle time-out: 65535 min -> 20 min", "host name: pc -> lab7",
                      "IPv6: off -> on", "wireless link: host -> me"};
  Result<NetworkChanges> done = set_network(m, wish, true);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(done->changes, want);
  EXPECT_EQ(read_network(m)->ping, true);
  done = set_network(m, wish, false);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(done->changes, want);
  EXPECT_TRUE(done->risks.empty());
  const Result<NetworkSettings> n = read_network(m);
  ASSERT_TRUE(n);
  EXPECT_EQ(n->ping, false);
  EXPECT_EQ(n->idle_minutes, 20U);
  EXPECT_EQ(n->host_name, "lab7");
  EXPECT_EQ(n->ports.front().ipv6, true);
  EXPECT_EQ(n->ports.back().link_preference, "me");
  EXPECT_TRUE(set_network(m, wish, false)->changes.empty());
}

TEST(Network, WhatMayLockOneOutWantsForce) {
  Machine m;
  NetworkWish wish;
  wish.dhcp = false;
  wish.address = "192.0.2.77";
  wish.mask = "255.255.255.0";
  wish.gateway = "192.0.2.1";
  wish.ping = false;
  const Result<NetworkChanges> refused = set_network(m, wish, false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Refused);
  EXPECT_TRUE(refused.error().detail.ends_with("--force does it all the same")) << refused.error().detail;
  EXPECT_EQ(read_network(m)->ping, true);  // nothing was changed
  EXPECT_EQ(set_network(m, wish, true)->risks.size(), 2U);
  wish.force = true;
  const Result<NetworkChanges> done = set_network(m, wish, false);
  ASSERT_TRUE(done) << done.error().detail;
  const Result<NetworkSettings> n = read_network(m);
  EXPECT_EQ(n->ports.front().dhcp, false);
  EXPECT_EQ(n->ports.front().address, "192.0.2.77");

  NetworkWish back;
  back.dhcp = true;
  EXPECT_FALSE(set_network(m, back, false));
  back.force = true;
  ASSERT_TRUE(set_network(m, back, false));
  EXPECT_EQ(read_network(m)->ports.front().dhcp, true);
}

TEST(Network, Ipv6IsNotTakenFromUnderOneself) {
  Machine m;
  NetworkWish on;
  on.ipv6 = true;
  ASSERT_TRUE(set_network(m, on, false));
  NetworkWish off;
  off.ipv6 = false;
  off.over_ipv6 = true;
  EXPECT_EQ(set_network(m, off, false).error().code, Errc::Refused);
  off.over_ipv6 = false;
  EXPECT_TRUE(set_network(m, off, false));
}

TEST(Network, WhatIsNotThereIsSaid) {
  Machine m("8");
  NetworkWish wish;
  wish.link_preference = "me";
  EXPECT_EQ(set_network(m, wish, false).error().code, Errc::Unsupported);
}

TEST(Network, ValuesHaveRules) {
  const auto wrong = [](auto set) {
    NetworkWish w;
    set(w);
    return !w.check();
  };
  EXPECT_TRUE(wrong([](NetworkWish& w) { w.host_name = ""; }));
  EXPECT_TRUE(wrong([](NetworkWish& w) { w.host_name = "a.b"; }));
  EXPECT_TRUE(wrong([](NetworkWish& w) { w.domain = std::string(192, 'a'); }));
  EXPECT_TRUE(wrong([](NetworkWish& w) { w.idle_minutes = 0; }));
  EXPECT_TRUE(wrong([](NetworkWish& w) { w.address = "192.0.2.1"; }));
  EXPECT_TRUE(wrong([](NetworkWish& w) { w.dhcp = false; }));
  EXPECT_TRUE(wrong([](NetworkWish& w) { w.dns = "2001:db8::1"; }));
  EXPECT_TRUE(wrong([](NetworkWish& w) { w.link_preference = "both"; }));
  const auto fixed = [&](const char* address, const char* mask, const char* gateway) {
    return !wrong([&](NetworkWish& w) {
      w.address = address;
      w.mask = mask;
      w.gateway = gateway;
    });
  };
  EXPECT_TRUE(fixed("192.0.2.7", "255.255.255.0", "192.0.2.1"));
  EXPECT_FALSE(fixed("192.0.2.7", "255.255.255.0", "192.0.3.1"));
  EXPECT_FALSE(fixed("192.0.2.7", "255.0.255.0", "192.0.2.1"));
  EXPECT_FALSE(fixed("192.0.2.7", "0.0.0.0", "192.0.2.1"));
  EXPECT_TRUE(wrong([](NetworkWish& w) {
    w.dhcp = true;
    w.dns = "192.0.2.1";
  }));
}

}  // namespace
}  // namespace amtgate::wsman
