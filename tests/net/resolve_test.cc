#include "amtgate/net/resolve.h"

#include <gtest/gtest.h>

#include "amtgate/sys/log.h"
#include "loop_fixture.h"

namespace amtgate::net {
namespace {

class ResolverCase : public test::LoopTest {};

TEST_F(ResolverCase, TellsAddressesOnceAndKeepsThem) {
  int calls = 0;
  Resolver resolver(*loop, {.refresh = milliseconds(10)}, [&](const std::string& name, const auto& addresses) {
    EXPECT_EQ(name, "localhost");
    EXPECT_FALSE(addresses.empty());
    ++calls;
  });
  resolver.set_names({"localhost"});
  EXPECT_TRUE(resolver.addresses("localhost").empty());
  ASSERT_TRUE(run_until([&] { return calls == 1; }));
  run_for(milliseconds(60));
  EXPECT_EQ(calls, 1) << "asked again, and the same";
  ASSERT_FALSE(resolver.addresses("localhost").empty());
  EXPECT_TRUE(resolver.addresses("localhost")[0].is_loopback());
  resolver.set_names({});
  EXPECT_TRUE(resolver.addresses("localhost").empty());
}

TEST_F(ResolverCase, AFailureIsSaidOnce) {
  std::vector<std::string> lines;
  log::set_sink([&](log::Level, std::string_view text) { lines.emplace_back(text); });
  {
    Resolver resolver(*loop, {.retry_first = milliseconds(1), .retry_most = milliseconds(2)},
                      [](const std::string&, const auto&) { FAIL(); });
    // A label of 64 characters is not a name: no server is asked.
    resolver.set_names({std::string(64, 'x')});
    ASSERT_TRUE(run_until([&] { return !lines.empty(); }));
    run_for(milliseconds(30));
  }
  log::set_sink({});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].starts_with("resolve.failed name=xxx")) << lines[0];
}

TEST_F(ResolverCase, DestroyedWithQuestionsInFlight) {
  for (int i = 0; i < 20; ++i) {
    Resolver resolver(*loop, {}, [](const std::string&, const auto&) {});
    resolver.set_names({"localhost", std::string(64, 'x')});
  }
  run_for(milliseconds(20));
}

TEST(Resolve, NumbersAreNames) {
  const auto r = resolve_now("192.0.2.1");
  ASSERT_TRUE(r);
  EXPECT_EQ(*r, std::vector<IpAddress>{*IpAddress::parse("192.0.2.1")});
  EXPECT_FALSE(resolve_now(std::string(64, 'x')));
}

}  // namespace
}  // namespace amtgate::net
