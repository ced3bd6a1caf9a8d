#include "amtgate/gateway/local_address.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace amtgate::gateway {
namespace {

TEST(LocalAddress, LoopbackIsOursAndStrangersAreNot) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(is_local(*IpAddress::parse("127.9.9.9")));
    EXPECT_TRUE(is_local(*IpAddress::parse("::1")));
    EXPECT_FALSE(is_local(*IpAddress::parse("203.0.113.9")));
    EXPECT_FALSE(is_local(*IpAddress::parse("2001:db8::9")));
  }
}

TEST(LocalAddress, FollowsTheKernelAtOnce) {
  bool may = false;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) != 0) return;
    may = true;
    const auto ip = [](const char* command) { return std::system(command) == 0; };
    const IpAddress v4 = *IpAddress::parse("198.51.100.7");
    const IpAddress v6 = *IpAddress::parse("2001:db8::7");
    EXPECT_FALSE(is_local(v4));
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(ip("ip addr add 198.51.100.7/32 dev lo"));
      EXPECT_TRUE(is_local(v4));
      EXPECT_TRUE(is_local(v4));
      ASSERT_TRUE(ip("ip addr add 2001:db8::7/128 dev lo nodad"));
      // The kernel tells of an IPv6 address from a work queue of its own.
      for (int tries = 0; !is_local(v6) && tries < 1000; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      EXPECT_TRUE(is_local(v6));
      ASSERT_TRUE(ip("ip addr del 198.51.100.7/32 dev lo"));
      EXPECT_FALSE(is_local(v4));
      EXPECT_TRUE(is_local(v6));
      ASSERT_TRUE(ip("ip addr del 2001:db8::7/128 dev lo"));
      EXPECT_FALSE(is_local(v6));
    }
    // More changes than the socket holds.
    ASSERT_TRUE(ip(
        "for i in $(seq 1 250); do for j in 1 2 3 4; do echo addr add 198.18.$i.$j/32 dev lo; done; done | ip -b -"));
    EXPECT_TRUE(is_local(*IpAddress::parse("198.18.250.4")));
    EXPECT_FALSE(is_local(v4));
  }).join();
  if (!may) GTEST_SKIP() << "needs to make a network namespace";
}

}  // namespace
}  // namespace amtgate::gateway
