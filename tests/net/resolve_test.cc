#include "amtgate/net/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "amtgate/sys/file.h"
#include "amtgate/sys/log.h"
#include "loop_fixture.h"
#include "name_server.h"

namespace amtgate::net {
namespace {

using test::address_record;
using test::dns_answer;
using test::DnsQuestion;
using test::NameServer;
using test::Octets;
using test::Record;
using testing::ElementsAre;

using Texts = std::vector<std::string>;
constexpr std::uint16_t kA = 1;
constexpr std::uint16_t kCname = 5;
constexpr std::uint16_t kAaaa = 28;

/// A resolver with files and a name server of its own.
class ResolverCase : public test::LoopTest {
 protected:
  ResolverCase() {
    char name[] = "/tmp/amtgate-resolve-test.XXXXXX";
    folder_ = ::mkdtemp(name);
    write_hosts("192.0.2.77 listed.example\n");
    write_servers("nameserver 127.0.0.1\n");
    log::set_sink([this](log::Level, std::string_view text) { lines.emplace_back(text); });
  }
  ~ResolverCase() override {
    log::set_sink({});
    std::filesystem::remove_all(folder_);
  }

  void write_hosts(const std::string& text) { ASSERT_TRUE(sys::write_file(folder_ + "/hosts", text, 0644)); }
  void write_servers(const std::string& text) { ASSERT_TRUE(sys::write_file(folder_ + "/resolv.conf", text, 0644)); }

  /// Fast enough for a test; the least and the most say what is tested.
  ResolverOptions options(Port port) const {
    ResolverOptions o;
    o.lookup = {.hosts = folder_ + "/hosts",
                .resolv_conf = folder_ + "/resolv.conf",
                .port = port,
                .first_wait = milliseconds(100),
                .rounds = 2};
    o.least = milliseconds(20);
    o.retry_first = milliseconds(10);
    o.retry_most = milliseconds(40);
    return o;
  }

  void resolve(const ResolverOptions& o, const std::vector<std::string>& names) {
    resolver.emplace(*loop, o, [this](const std::string& name, const std::vector<IpAddress>& addresses) {
      EXPECT_EQ(resolver->addresses(name), addresses);
      ++changes;
    });
    resolver->set_names(names);
  }

  Texts addresses(const std::string& name) const {
    Texts out;
    for (const IpAddress& a : resolver->addresses(name)) out.push_back(a.to_string());
    return out;
  }

  int logged(std::string_view event) const {
    return static_cast<int>(std::ranges::count_if(lines, [&](const std::string& l) { return l.starts_with(event); }));
  }

  /// From one question for IPv4 addresses to the next.
  Duration time_between_questions(const NameServer& server) {
    EXPECT_TRUE(run_until([&] { return server.asked() == 1; }));
    const TimePoint first = sys::now();
    EXPECT_TRUE(run_until([&] { return server.asked() == 2; }));
    return sys::now() - first;
  }

  std::string folder_;
  std::optional<Resolver> resolver;
  int changes = 0;
  Texts lines;
};

/// An A record, and no IPv6 address.
NameServer::Answer always(const std::string& address, std::uint32_t ttl) {
  return [=](const DnsQuestion& q) {
    return dns_answer(q, q.type == kA ? std::vector{address_record(q.name, ttl, address)} : std::vector<Record>{});
  };
}

// --- when it is asked again

TEST_F(ResolverCase, AsksAgainWhenTheAnswerExpires) {
  NameServer server(*loop, always("192.0.2.1", 1));
  resolve(options(server.port()), {"pc.example"});
  const Duration time = time_between_questions(server);
  EXPECT_GE(time, milliseconds(990));
  EXPECT_LT(time, seconds(5));
  EXPECT_THAT(addresses("pc.example"), ElementsAre("192.0.2.1"));
  EXPECT_EQ(changes, 1) << "asked again, and the same";
}

TEST_F(ResolverCase, TheShortestTimeCounts) {
  NameServer server(*loop, [](const DnsQuestion& q) {
    return dns_answer(q, {{q.name, kCname, q.type == kA ? 1U : 3600U, test::labels("other.example")},
                          address_record("other.example", 3600, q.type == kA ? "192.0.2.1" : "2001:db8::1"),
                          address_record("other.example", 3000, q.type == kA ? "192.0.2.2" : "2001:db8::2")});
  });
  resolve(options(server.port()), {"pc.example"});
  EXPECT_LT(time_between_questions(server), seconds(5));
  EXPECT_THAT(addresses("pc.example"), ElementsAre("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"));
}

TEST_F(ResolverCase, NoTimeAtAllIsRaisedToTheLeast) {
  for (const std::uint32_t ttl : {0U, 0x80000001U}) {
    NameServer server(*loop, always("192.0.2.1", ttl));
    ResolverOptions o = options(server.port());
    o.least = milliseconds(300);
    resolve(o, {"pc.example"});
    const Duration time = time_between_questions(server);
    EXPECT_GE(time, milliseconds(290)) << ttl;
    EXPECT_LT(time, seconds(5)) << ttl;
  }
}

TEST_F(ResolverCase, ALongTimeIsCutToTheMost) {
  NameServer server(*loop, always("192.0.2.1", 86400));
  ResolverOptions o = options(server.port());
  o.most = milliseconds(50);
  resolve(o, {"pc.example"});
  EXPECT_LT(time_between_questions(server), seconds(5));
}

TEST_F(ResolverCase, AChangedAnswerIsTold) {
  NameServer server(*loop, [](const DnsQuestion& q) {
    return dns_answer(
        q, q.type == kA ? std::vector{address_record(q.name, 0, "192.0.2.2"), address_record(q.name, 0, "192.0.2.1")}
                        : std::vector<Record>{});
  });
  resolve(options(server.port()), {"pc.example"});
  ASSERT_TRUE(run_until([&] { return changes == 1; }));
  EXPECT_THAT(addresses("pc.example"), ElementsAre("192.0.2.1", "192.0.2.2"));
  const int before = server.asked();
  server.say([](const DnsQuestion& q) {
    return dns_answer(
        q, q.type == kA ? std::vector{address_record(q.name, 0, "192.0.2.1"), address_record(q.name, 0, "192.0.2.2")}
                        : std::vector<Record>{});
  });
  ASSERT_TRUE(run_until([&] { return server.asked() >= before + 3; }));
  EXPECT_EQ(changes, 1) << "another order is no change";
  server.say([](const DnsQuestion& q) {
    return dns_answer(q, {address_record(q.name, 0, q.type == kA ? "192.0.2.3" : "2001:db8::3")});
  });
  ASSERT_TRUE(run_until([&] { return addresses("pc.example") == Texts{"192.0.2.3", "2001:db8::3"}; }));
  EXPECT_GE(changes, 2);
}

// --- the hosts file

TEST_F(ResolverCase, TheHostsFileComesFirst) {
  NameServer server(*loop, always("192.0.2.1", 0));
  ResolverOptions o = options(server.port());
  o.hosts_refresh = milliseconds(10);
  resolve(o, {"Listed.Example"});
  ASSERT_TRUE(run_until([&] { return changes == 1; }));
  EXPECT_THAT(addresses("Listed.Example"), ElementsAre("192.0.2.77"));
  write_hosts("192.0.2.78 listed.example\n2001:db8::78 listed.example\n");
  ASSERT_TRUE(run_until([&] { return changes == 2; }));
  EXPECT_THAT(addresses("Listed.Example"), ElementsAre("192.0.2.78", "2001:db8::78"));
  EXPECT_EQ(server.asked(), 0);
  write_hosts("");
  ASSERT_TRUE(run_until([&] { return changes == 3; }));
  EXPECT_THAT(addresses("Listed.Example"), ElementsAre("192.0.2.1")) << "from the name server now";
}

// --- name servers that fail

struct Bad {
  const char* name;
  NameServer::Answer answer;
};
void PrintTo(const Bad& bad, std::ostream* out) {
  *out << bad.name;
}

Octets cut(Octets in, std::size_t n) {
  in.resize(in.size() - n);
  return in;
}

const Bad kBad[] = {
    {"servfail", [](const DnsQuestion& q) { return dns_answer(q, {}, 2); }},
    {"no_such_name", [](const DnsQuestion& q) { return dns_answer(q, {}, 3); }},
    {"refused", [](const DnsQuestion& q) { return dns_answer(q, {}, 5); }},
    {"no_address", [](const DnsQuestion& q) { return dns_answer(q, {}); }},
    {"silent", [](const DnsQuestion&) { return std::nullopt; }},
    {"empty", [](const DnsQuestion&) { return Octets{}; }},
    {"garbage", [](const DnsQuestion&) { return Octets(300, 0xa5); }},
    {"header_only",
     [](const DnsQuestion& q) { return cut(q.header_and_question, q.header_and_question.size() - 12); }},
    {"cut_short",
     [](const DnsQuestion& q) { return cut(dns_answer(q, {address_record(q.name, 1, "192.0.2.66")}), 3); }},
    {"more_records_than_there_are",
     [](const DnsQuestion& q) {
       Octets out = dns_answer(q, {address_record(q.name, 1, "192.0.2.66")});
       out[6] = out[7] = 0xff;
       return out;
     }},
    {"name_points_to_itself",
     [](const DnsQuestion& q) {
       Octets out = dns_answer(q, {});
       out[7] = 1;
       const auto at = static_cast<std::uint8_t>(out.size());
       for (const int b : {0xc0, int{at}, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 66})
         out.push_back(static_cast<std::uint8_t>(b));
       return out;
     }},
    {"alias_loop",
     [](const DnsQuestion& q) {
       return dns_answer(
           q, {{q.name, kCname, 1, test::labels("b.example")}, {"b.example", kCname, 1, test::labels(q.name)}});
     }},
    {"another_name",
     [](const DnsQuestion& q) { return dns_answer(q, {address_record("other.example", 1, "192.0.2.66")}); }},
    {"another_question",
     [](DnsQuestion q) {
       q.header_and_question[13] ^= 1U;
       return dns_answer(q, {address_record(q.name, 1, "192.0.2.66")});
     }},
    {"another_id",
     [](DnsQuestion q) {
       q.header_and_question[0] ^= 1U;
       return dns_answer(q, {address_record(q.name, 1, "192.0.2.66")});
     }},
    {"address_of_a_wrong_size",
     [](const DnsQuestion& q) {
       return dns_answer(q, {{q.name, q.type, 1, Octets(7, 66)}});
     }},
    {"truncated_and_silent_over_tcp", [](const DnsQuestion& q) { return dns_answer(q, {}, 0, true); }},
};

class BadServer : public ResolverCase, public testing::WithParamInterface<Bad> {};

TEST_P(BadServer, TheLastGoodAnswerStays) {
  NameServer server(*loop, always("192.0.2.1", 0));
  resolve(options(server.port()), {"pc.example"});
  ASSERT_TRUE(run_until([&] { return changes == 1; }));
  server.say(GetParam().answer);
  ASSERT_TRUE(run_until([&] { return logged("resolve.failed") == 1; }));
  const int before = server.asked();
  ASSERT_TRUE(run_until([&] { return server.asked() >= before + 4; }));
  EXPECT_THAT(addresses("pc.example"), ElementsAre("192.0.2.1"));
  EXPECT_EQ(logged("resolve.failed name=pc.example"), 1);
  EXPECT_TRUE(lines[0].ends_with("kept=1")) << lines[0];
  server.say(always("192.0.2.2", 0));
  ASSERT_TRUE(run_until([&] { return changes == 2; }));
  EXPECT_THAT(addresses("pc.example"), ElementsAre("192.0.2.2"));
  EXPECT_EQ(logged("resolve.recovered"), 1);
}
INSTANTIATE_TEST_SUITE_P(Answers, BadServer, testing::ValuesIn(kBad),
                         [](const auto& i) { return std::string(i.param.name); });

TEST_F(ResolverCase, PausesGrow) {
  NameServer server(*loop, [](const DnsQuestion& q) { return dns_answer(q, {}, 3); });
  ResolverOptions o = options(server.port());
  o.retry_first = milliseconds(100);
  o.retry_most = milliseconds(200);
  resolve(o, {"pc.example"});
  const TimePoint start = sys::now();
  ASSERT_TRUE(run_until([&] { return server.asked() == 4; }));
  EXPECT_GE(sys::now() - start, milliseconds(490)) << "100, 200 and 200 again";
  EXPECT_EQ(changes, 0);
}

TEST_F(ResolverCase, OneFamilyThatFailsKeepsItsOwnAnswer) {
  NameServer server(*loop, [](const DnsQuestion& q) {
    return dns_answer(q, {address_record(q.name, 0, q.type == kA ? "192.0.2.1" : "2001:db8::1")});
  });
  resolve(options(server.port()), {"pc.example"});
  ASSERT_TRUE(run_until([&] { return changes == 1; }));
  server.say([](const DnsQuestion& q) {
    return q.type == kA ? dns_answer(q, {address_record(q.name, 0, "192.0.2.2")}) : dns_answer(q, {}, 2);
  });
  ASSERT_TRUE(run_until([&] { return changes == 2; }));
  EXPECT_THAT(addresses("pc.example"), ElementsAre("192.0.2.2", "2001:db8::1"));
  const int before = server.asked();
  ASSERT_TRUE(run_until([&] { return server.asked() >= before + 3; }));
  EXPECT_EQ(changes, 2);
  server.say(always("192.0.2.2", 0));
  ASSERT_TRUE(run_until([&] { return changes == 3; }));
  EXPECT_THAT(addresses("pc.example"), ElementsAre("192.0.2.2")) << "it was said that there is none";
}

TEST_F(ResolverCase, ALongAnswerComesOverTcpAndIsCut) {
  NameServer server(*loop, [](const DnsQuestion& q) { return dns_answer(q, {}, 0, true); });
  server.say_over_tcp([](const DnsQuestion& q) {
    std::vector<Record> records;
    for (int i = 0; q.type == kA && i < 1000; ++i) {
      records.push_back(
          address_record(q.name, 60, "10.0." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250)));
    }
    return dns_answer(q, records);
  });
  resolve(options(server.port()), {"pc.example"});
  ASSERT_TRUE(run_until([&] { return changes == 1; }));
  EXPECT_EQ(addresses("pc.example").size(), kMaxAddresses);
  EXPECT_GE(server.asked_over_tcp(), 1);
}

TEST_F(ResolverCase, ADeadNameServerIsPassedOver) {
  NameServer live(*loop, always("192.0.2.1", 60));
  NameServer dead(
      *loop, [](const DnsQuestion&) { return std::nullopt; }, "127.0.0.2", live.port());
  write_servers("nameserver 127.0.0.2\nnameserver 127.0.0.1\n");
  resolve(options(live.port()), {"pc.example"});
  ASSERT_TRUE(run_until([&] { return changes == 1; }));
  EXPECT_EQ(dead.asked(), 1);
  EXPECT_EQ(logged("resolve.failed"), 0);
}

TEST_F(ResolverCase, QuestionsAreFewAtATime) {
  NameServer server(*loop, [](const DnsQuestion&) { return std::nullopt; });
  ResolverOptions o = options(server.port());
  o.lookup.first_wait = milliseconds(200);
  o.lookup.rounds = 1;
  o.retry_first = seconds(60);
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("pc" + std::to_string(i) + ".example");
  const TimePoint start = sys::now();
  resolve(o, names);
  ASSERT_TRUE(run_until([&] { return server.asked() == static_cast<int>(NameLookup::kMaxAsked); }));
  ASSERT_TRUE(run_until([&] { return server.asked() == 100; })) << "then the others";
  EXPECT_GE(sys::now() - start, milliseconds(190));
  ASSERT_TRUE(run_until([&] { return logged("resolve.failed") == 100; }));
}

// --- resolv.conf

TEST_F(ResolverCase, OtherServersAreTakenFromResolvConf) {
  NameServer live(*loop, always("192.0.2.1", 60));
  NameServer dead(
      *loop, [](const DnsQuestion&) { return std::nullopt; }, "127.0.0.2", live.port());
  write_servers("nameserver 127.0.0.2\n");
  ResolverOptions o = options(live.port());
  o.lookup.first_wait = seconds(60);
  resolve(o, {"pc1.example"});
  ASSERT_TRUE(run_until([&] { return dead.asked() == 1; }));
  write_servers("nameserver 127.0.0.1\n");
  resolver->set_names({"pc1.example", "pc2.example"});
  ASSERT_TRUE(run_until([&] { return changes == 2; })) << "the question that was open is asked again";
  EXPECT_THAT(addresses("pc1.example"), ElementsAre("192.0.2.1"));
  EXPECT_EQ(dead.asked(), 1);
}

TEST_F(ResolverCase, TheSearchListLeadsToOneMachine) {
  NameServer server(*loop, [](const DnsQuestion& q) {
    if (q.type == kA && q.name == "pc.a.example") return dns_answer(q, {address_record(q.name, 60, "192.0.2.1")});
    if (q.type == kAaaa && q.name == "pc.b.example")
      return dns_answer(q, {address_record(q.name, 60, "2001:db8::1")});
    return dns_answer(q, {}, 3);
  });
  write_servers("nameserver 127.0.0.1\nsearch a.example b.example\n");
  resolve(options(server.port()), {"pc"});
  ASSERT_TRUE(run_until([&] { return changes == 1; }));
  EXPECT_THAT(addresses("pc"), ElementsAre("192.0.2.1"));
}

// --- names that come and go

TEST_F(ResolverCase, DroppedNamesAreForgotten) {
  NameServer server(*loop, [](const DnsQuestion&) { return std::nullopt; });
  ResolverOptions o = options(server.port());
  o.lookup.first_wait = seconds(60);
  resolve(o, {"pc1.example", "listed.example"});
  ASSERT_TRUE(run_until([&] { return server.asked() == 1 && changes == 1; }));
  resolver->set_names({"listed.example"});
  EXPECT_THAT(addresses("listed.example"), ElementsAre("192.0.2.77"));
  server.say(always("192.0.2.1", 60));
  write_servers("nameserver 127.0.0.1\n# so that what is open is asked again\n");
  resolver->set_names({"listed.example", "pc2.example"});
  ASSERT_TRUE(run_until([&] { return changes == 2 && server.asked() == 3; })) << "pc1 too, since it was open";
  EXPECT_THAT(addresses("pc1.example"), ElementsAre());
  EXPECT_THAT(addresses("pc2.example"), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverCase, WhatIsNoNameFailsAlone) {
  NameServer server(*loop, always("192.0.2.1", 60));
  // A label has at most 63 characters.
  resolve(options(server.port()), {std::string(64, 'x') + ".example", "pc.example"});
  ASSERT_TRUE(run_until([&] { return changes == 1 && logged("resolve.failed") == 1; }));
  EXPECT_EQ(server.asked(), 1);
}

TEST_F(ResolverCase, DestroyedWithQuestionsOpen) {
  NameServer server(*loop, [](const DnsQuestion&) { return std::nullopt; });
  for (int i = 0; i < 20; ++i) {
    resolve(options(server.port()), {"listed.example", "pc1.example", "pc2.example"});
    if (i % 2 == 0) loop->run_once(milliseconds(1));
    resolver.reset();
  }
  run_for(milliseconds(20));
}

// --- those that wait

TEST_F(ResolverCase, LookUpNowWaits) {
  Port port;
  {
    const NameServer gone(*loop, always("192.0.2.1", 60));
    port = gone.port();
  }
  const auto found = look_up_now({"listed.example", "pc.example"}, options(port).lookup);
  ASSERT_TRUE(found);
  EXPECT_THAT(found->at("listed.example"), ElementsAre(*IpAddress::parse("192.0.2.77")));
  EXPECT_TRUE(found->at("pc.example").empty());
}

TEST(Resolve, NumbersAreNames) {
  const auto r = resolve_now("192.0.2.1");
  ASSERT_TRUE(r);
  EXPECT_EQ(*r, std::vector<IpAddress>{*IpAddress::parse("192.0.2.1")});
  EXPECT_FALSE(resolve_now(std::string(64, 'x')));
}

}  // namespace
}  // namespace amtgate::net
