#include "amtgate/base/inet.h"

#include <gtest/gtest.h>

namespace amtgate {
namespace {

TEST(IpAddress, FoldsMappedV4) {
  EXPECT_EQ(*IpAddress::parse("::ffff:192.0.2.1"), *IpAddress::parse("192.0.2.1"));
}

TEST(IpAddress, RefusesWhatIsNone) {
  for (const char* text : {"", "192.0.2", "192.0.2.256", "2001:db8::g", "pc1", "192.0.2.1 "}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
}

TEST(Network, ContainsByPrefix) {
  const Network n = *Network::parse("192.0.2.129/25");
  EXPECT_EQ(n.to_string(), "192.0.2.128/25");
  EXPECT_TRUE(n.contains(*IpAddress::parse("192.0.2.255")));
  EXPECT_FALSE(n.contains(*IpAddress::parse("192.0.2.127")));
  EXPECT_FALSE(n.contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_TRUE(Network::parse("0.0.0.0/0")->contains(*IpAddress::parse("255.1.2.3")));
  EXPECT_TRUE(Network::parse("2001:db8::/33")->contains(*IpAddress::parse("2001:db8:7fff::1")));
  EXPECT_FALSE(Network::parse("2001:db8::/33")->contains(*IpAddress::parse("2001:db8:8000::1")));
}

TEST(Network, RefusesBadPrefix) {
  for (const char* text : {"192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "192.0.2.0/8x", "::/129"}) {
    EXPECT_FALSE(Network::parse(text)) << text;
  }
}

TEST(Endpoint, RoundTripsThroughSockaddr) {
  for (const char* text : {"192.0.2.1:5900", "[2001:db8::1]:16994"}) {
    const Endpoint e = *Endpoint::parse(text);
    sockaddr_storage storage;
    e.to_sockaddr(storage);
    EXPECT_EQ(Endpoint::from_sockaddr(storage), e);
    EXPECT_EQ(e.to_string(), text);
  }
  for (const char* text : {"192.0.2.1", "2001:db8::1:80", "192.0.2.1:0", "192.0.2.1:65536", "[::1]"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

}  // namespace
}  // namespace amtgate
