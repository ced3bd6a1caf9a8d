#include "amtgate/net/hosts_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace amtgate::net {
namespace {

std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> out;
  for (const IpAddress& a : addresses) out.push_back(a.to_string());
  return out;
}
using Texts = std::vector<std::string>;

TEST(Hosts, LinesOfAllKinds) {
  auto names = parse_hosts(
      "127.0.0.1\tlocalhost\n"
      "# 192.0.2.9 commented\n"
      "  192.0.2.1  One.example one # tail\r\n"
      "2001:db8::1 one.example\n"
      "192.0.2.2 one\n"
      "192.0.2.3\n"
      "fe80::1%eth0 zone\n"
      "nonsense name\n"
      "\n"
      "192.0.2.4 last");
  EXPECT_EQ(texts(names["localhost"]), Texts{"127.0.0.1"});
  EXPECT_EQ(texts(names["one.example"]), (Texts{"192.0.2.1", "2001:db8::1"}));
  EXPECT_EQ(texts(names["one"]), (Texts{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(texts(names["last"]), Texts{"192.0.2.4"});
  EXPECT_EQ(names.size(), 4U) << "no others";
  EXPECT_TRUE(parse_hosts("").empty());
}

TEST(Hosts, TheFileIsReadAgainWhenItIsAnother) {
  char name[] = "/tmp/amtgate-hosts-test.XXXXXX";
  const std::string path = std::string(::mkdtemp(name)) + "/hosts";
  HostsFile hosts(path);
  EXPECT_TRUE(hosts.find("pc1").empty()) << "no file yet";
  ASSERT_TRUE(sys::write_file(path, "192.0.2.1 pc1\n", 0644));
  EXPECT_EQ(texts(hosts.find("PC1")), Texts{"192.0.2.1"});
  ASSERT_TRUE(sys::write_file(path, "192.0.2.2 pc1\n", 0644));
  EXPECT_EQ(texts(hosts.find("pc1")), Texts{"192.0.2.2"});
  std::filesystem::remove_all(name);
  EXPECT_TRUE(hosts.find("pc1").empty());
}

}  // namespace
}  // namespace amtgate::net
