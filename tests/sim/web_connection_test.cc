#include "amtgate/sim/web_connection.h"

#include <gtest/gtest.h>

#include "amtgate/auth/digest.h"
#include "amtgate/wsman/request.h"
#include "tests/support/counting_random.h"

namespace amtgate::sim {
namespace {

class Web {
 public:
  explicit Web(std::string_view profile = "12") : state(options(profile), random, now) {}

  static Options options(std::string_view profile) {
    Options o;
    o.profile = *find_profile(profile);
    return o;
  }
  /// What comes back for `request`, sent on a connection of its own, byte by byte if asked.
  std::string ask(const std::string& request, bool drip = false) {
    WebConnection c(state, now);
    if (drip) {
      for (const char b : request) EXPECT_TRUE(c.receive(as_bytes({&b, 1}), now));
    } else {
      EXPECT_TRUE(c.receive(as_bytes(request), now));
    }
    closed.clear();
    rebooted = false;
    while (const auto e = c.next_event()) {
      if (const auto* close = std::get_if<MachineSide::Close>(&*e)) closed = close->reason;
      if (std::holds_alternative<MachineSide::Reboot>(*e)) rebooted = true;
    }
    return std::string(as_text(c.output()));
  }
  std::string post(const std::string& body, const std::string& authorization = "") {
    return "POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           (authorization.empty() ? "" : "Authorization: " + authorization + "\r\n") + "\r\n" + body;
  }
  std::string login(const std::string& password = "P@ssw0rd1!", std::string nonce = "") {
    if (nonce.empty()) nonce = state.new_nonce();
    const std::string response = auth::digest_response(auth::ha1("admin", state.realm(), password),
                                                       {nonce, "00000001", "c", "auth", "POST", "/wsman"});
    return "Digest username=\"admin\", realm=\"" + state.realm() + "\", nonce=\"" + nonce +
           "\", uri=\"/wsman\", cnonce=\"c\", nc=00000001, qop=auth, response=\"" + response + "\"";
  }

  test::CountingRandom random;
  TimePoint now{};
  MachineState state;
  std::string closed;
  bool rebooted = false;
};

TEST(WebConnection, ChallengesAsAmtDoes) {
  Web web;
  const std::string answer = web.ask(web.post(""));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"" +
                                 web.state.realm() + "\", nonce=\""))
      << answer;
  EXPECT_NE(answer.find("\",stale=\"false\",qop=\"auth\"\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_EQ(web.closed, "unauthorized");
}

TEST(WebConnection, AnswersInChunksOfItsOwnKind) {
  Web web;
  const std::string answer = web.ask(web.post(to_xml(wsman::get("AMT_GeneralSettings")), web.login()), true);
  ASSERT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  std::string_view rest = answer;
  rest.remove_prefix(answer.find("\r\n\r\n") + 4);
  EXPECT_TRUE(rest.starts_with("02FA\r\n<a:Envelope"));
  EXPECT_TRUE(rest.ends_with("\r\n0\r\n\r\n"));
  EXPECT_EQ(web.closed, "");
}

TEST(WebConnection, KnowsAWrongPasswordAndAnOldNonce) {
  Web web;
  std::string answer = web.ask(web.post("<x/>", web.login("wrong")));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
  EXPECT_NE(answer.find("stale=\"false\""), std::string::npos);
  EXPECT_EQ(web.state.counters().failed_logins, 1U);
  answer = web.ask(web.post("<x/>", web.login("P@ssw0rd1!", "made-up")));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401")) << answer;
  EXPECT_NE(answer.find("stale=\"true\""), std::string::npos);
  EXPECT_EQ(web.state.counters().failed_logins, 1U);
}

TEST(WebConnection, TakesSeveralRequestsInOneGo) {
  Web web;
  const std::string one = web.post(to_xml(wsman::get("CIM_Chip")), web.login());
  const std::string answer = web.ask(one + one + one);
  std::size_t n = 0;
  for (std::size_t at = 0; (at = answer.find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++n;
  EXPECT_EQ(n, 3U);
}

TEST(WebConnection, HasItsPages) {
  Web web;
  const auto get = [&](std::string path) { return web.ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"); };
  EXPECT_TRUE(get("/").starts_with("HTTP/1.1 303 See Other\r\nLocation: /logon.htm\r\n"));
  EXPECT_TRUE(get("/logon.htm").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(get("/index.htm").starts_with("HTTP/1.1 401"));
  EXPECT_TRUE(get("/elsewhere").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(get("/wsman").starts_with("HTTP/1.1 405"));
}

TEST(WebConnection, RefusesWhatIsNoRequest) {
  struct Row {
    const char* name;
    std::string request, status;
  };
  const Row rows[] = {
      {"junk", "hello\r\n\r\n", "HTTP/1.1 400"},
      {"other_protocol", "GET / FTP/1.1\r\n\r\n", "HTTP/1.1 400"},
      {"no_colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", "HTTP/1.1 400"},
      {"huge_body", "POST /wsman HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", "HTTP/1.1 413"},
      {"overflowing_body", "POST /wsman HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "HTTP/1.1 400"},
      {"negative_body", "POST /wsman HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400"},
      {"chunks", "POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400"},
      {"endless_head", std::string(WebConnection::kMaxHead + 1, 'x'), "HTTP/1.1 431"},
  };
  for (const Row& row : rows) {
    Web web;
    EXPECT_TRUE(web.ask(row.request).starts_with(row.status)) << row.name;
    EXPECT_NE(web.closed, "") << row.name;
  }
}

TEST(WebConnection, EndsWhenNothingIsAsked) {
  Web web;
  WebConnection c(web.state, web.now);
  ASSERT_TRUE(c.deadline());
  ASSERT_TRUE(c.tick(*c.deadline()));
  const auto e = c.next_event();
  ASSERT_TRUE(e && std::holds_alternative<MachineSide::Close>(*e));
}

TEST(WebConnection, RestartsTheMachine) {
  Web web;
  wsman::Instance in("CIM_PowerManagementService");
  in.add("PowerState", "10");
  in.add("ManagedElement", wsman::Reference{"CIM_ComputerSystem", {{"Name", "ManagedSystem"}}});
  WebConnection other(web.state, web.now);
  const std::string answer = web.ask(web.post(to_xml(wsman::invoke("RequestPowerStateChange", in)), web.login()));
  EXPECT_NE(answer.find("<g:ReturnValue>0</g:ReturnValue>"), std::string::npos);
  EXPECT_TRUE(web.rebooted);
  EXPECT_EQ(web.state.boots(), 1U);
  ASSERT_TRUE(other.tick(web.now));
  EXPECT_TRUE(other.next_event());
}

}  // namespace
}  // namespace amtgate::sim
