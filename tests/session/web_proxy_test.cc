#include "amtgate/session/web_proxy.h"

#include <gtest/gtest.h>

#include "amtgate/auth/digest.h"
#include "amtgate/wsman/request.h"
#include "tests/support/counting_random.h"

namespace amtgate::session {
namespace {

const Endpoint kDevice = *Endpoint::parse("10.0.0.9:16992");
constexpr std::string_view kMachineRealm = "Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0";

/// A client, the proxy and a machine, joined in memory. The machine answers as AMT does: it challenges, closes then,
/// and sends chunks.
struct WebProxyTest : testing::Test {
  void open(WebOptions options) {
    options.machine = "pc1";
    options.credentials = {"admin", password};
    proxy.emplace(std::move(options), challenger, random, now);
  }

  void client(std::string_view bytes) {
    proxy->receive_client(as_bytes(bytes), now);
    settle();
  }

  void settle() {
    bool more = true;
    while (more) {
      more = false;
      while (auto event = proxy->next_event()) {
        more = true;
        handle(*event);
      }
      if (!proxy->client_output().empty()) {
        answer += as_text(proxy->client_output());
        proxy->client_sent(proxy->client_output().size(), now);
        more = true;
      }
      if (!proxy->device_output().empty()) {
        const std::string request(as_text(proxy->device_output()));
        proxy->device_sent(request.size());
        to_machine += request;
        if (machine_answers) machine(request);
        more = true;
      }
    }
  }

  void handle(WebProxy::Event& event) {
    if (std::holds_alternative<WebProxy::NeedDevice>(event)) {
      ++connections;
      if (unreachable) {
        proxy->device_failed({Errc::Unreachable, "pc1 cannot be reached"}, now);
      } else {
        proxy->device_opened(kDevice, false, now);
      }
    } else if (std::holds_alternative<WebProxy::AskLogin>(event)) {
      ++logins;
      if (held) {
        proxy->login_held({Errc::AuthFailed, "the next login waits 5 s"}, now);
      } else {
        proxy->login_granted(now);
      }
    } else if (const auto* judged = std::get_if<WebProxy::LoginJudged>(&event)) {
      judgements += "aru"[static_cast<int>(judged->how)];
    } else if (const auto* served = std::get_if<WebProxy::Served>(&event)) {
      log += std::string(wsman::name(served->request.kind)) + " " + std::to_string(served->status) + "; ";
    } else if (const auto* opened = std::get_if<WebProxy::Opened>(&event)) {
      who = opened->method + ":" + opened->user;
    } else if (auto* end = std::get_if<WebProxy::End>(&event)) {
      ended = *end;
    }
  }

  void machine(const std::string& request) {
    requests.receive(as_bytes(request));
    auto next = requests.next();
    ASSERT_TRUE(next) << next.error().detail;
    if (!*next) return;
    const http::Request& r = **next;
    last = r;
    const std::string* field = r.fields.find("Authorization");
    const auto said =
        field ? http::parse_digest_answer(*field) : Result<http::DigestAnswer>(Error{Errc::BadValue, ""});
    const bool good = said && said->nonce == nonce &&
                      http::proves(*said, auth::ha1("admin", kMachineRealm, "right"), r.method, r.body);
    if (!good) {
      say("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: " +
          http::digest_challenge(kMachineRealm, nonce, false, "auth-int, auth") +
          "\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
      return;
    }
    say(reply);
  }

  void say(std::string_view bytes) { proxy->receive_device(as_bytes(bytes), now); }

  static std::string post(std::string_view body, std::string_view fields = "") {
    return "POST /wsman HTTP/1.1\r\nHost: pc:16992\r\n" + std::string(fields) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }

  std::string password = "right";
  std::string nonce = "AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM";
  std::string reply =
      "HTTP/1.1 200 OK\r\nServer: AMT\r\nTransfer-Encoding: chunked\r\nConnection: "
      "keep-alive\r\n\r\n0003\r\nabc\r\n0002\r\nde"
      "\r\n0\r\n\r\n";
  bool unreachable = false, held = false, machine_answers = true;
  unsigned connections = 0, logins = 0;
  std::string answer, to_machine, judgements, log, who;
  std::optional<WebProxy::End> ended;
  http::Request last;
  http::RequestReader requests;
  test::CountingRandom random;
  TimePoint now{};
  http::Challenger challenger{random, now};
  std::optional<WebProxy> proxy;
  const std::string look = wsman::to_xml(wsman::get("AMT_GeneralSettings"));
};

TEST_F(WebProxyTest, LogsInForTheClientAndKeepsTheConnections) {
  open({});
  for (int i = 0; i < 3; ++i)
    client(post(look, "Authorization: Digest stale\r\nExpect: x\r\nOrigin: http://pc:16992\r\n"));
  EXPECT_EQ(connections, 2U) << "AMT closes after its challenge";
  EXPECT_EQ(logins, 1U);
  EXPECT_EQ(judgements, "a");
  EXPECT_EQ(log, "read 200; read 200; read 200; ");
  EXPECT_EQ(last.body, look);
  EXPECT_EQ(*last.fields.find("Host"), "10.0.0.9:16992");
  EXPECT_EQ(to_machine.find("stale"), std::string::npos);
  EXPECT_EQ(to_machine.find("Origin"), std::string::npos);
  EXPECT_NE(to_machine.find("nc=00000003"), std::string::npos);
  const std::string one =
      "HTTP/1.1 200 OK\r\nServer: AMT\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n";
  EXPECT_EQ(answer, one + one + one);
  EXPECT_FALSE(ended);
  EXPECT_EQ(who, "none:");
}

TEST_F(WebProxyTest, AnswersOldClientsWithoutChunks) {
  open({});
  client("GET /index.htm HTTP/1.0\r\n\r\n");
  EXPECT_EQ(answer, "HTTP/1.1 200 OK\r\nServer: AMT\r\nConnection: close\r\n\r\nabcde");
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->quiet);
}

TEST_F(WebProxyTest, ChallengesOnlyWhoWaitsForIt) {
  open({});
  client(post(""));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Digest:")) << answer;
  EXPECT_EQ(connections, 0U);
  answer.clear();
  client(post(look, "Authorization: Digest anything\r\n"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
}

TEST_F(WebProxyTest, WrongCredentialsAreTriedOnce) {
  password = "wrong";
  open({});
  client(post(look));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n")) << answer;
  EXPECT_NE(answer.find("refused user 'admin'"), std::string::npos);
  EXPECT_EQ(answer.find("WWW-Authenticate"), std::string::npos);
  EXPECT_EQ(judgements, "r");
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->error.code, Errc::AuthFailed);
}

TEST_F(WebProxyTest, WhatGoesWrongIsSaid) {
  unreachable = true;
  open({});
  client(post(look));
  EXPECT_NE(answer.find("502 Bad Gateway"), std::string::npos);
  EXPECT_NE(answer.find("amtgate: pc1 cannot be reached\n"), std::string::npos);
  held = true;
  unreachable = false;
  answer.clear();
  open({});
  client(post(look));
  EXPECT_NE(answer.find("amtgate: the next login waits 5 s\n"), std::string::npos);
}

TEST_F(WebProxyTest, ALostConnectionIsRetriedForLooksOnly) {
  const std::string change = wsman::to_xml(wsman::invoke("Reset", wsman::Instance("AMT_X")));
  for (const bool looks : {true, false}) {
    open({});
    connections = 0;
    answer.clear();
    client(post(look));
    machine_answers = false;
    client(post(looks ? look : change));
    const unsigned before = connections;
    proxy->device_closed({Errc::Closed, "pc1 closed"}, now);
    machine_answers = true;
    settle();
    EXPECT_EQ(connections, before + (looks ? 1 : 0));
    EXPECT_EQ(answer.find("502") == std::string::npos, looks) << answer;
    EXPECT_EQ(answer.find("is not known") == std::string::npos, looks);
  }
}

TEST_F(WebProxyTest, HalfAnAnswerIsNotTakenForWhole) {
  open({});
  client(post(look));
  machine_answers = false;
  client(post(look));
  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
  proxy->device_closed({Errc::Closed, "pc1 closed"}, now);
  settle();
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->cut);
}

TEST_F(WebProxyTest, LooksOnlyWhereNothingMayChange) {
  WebOptions options;
  options.read_only = true;
  open(std::move(options));
  client(post(look));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  answer.clear();
  to_machine.clear();
  client(
      post(wsman::to_xml(wsman::invoke("RequestPowerStateChange", wsman::Instance("CIM_PowerManagementService")))));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << answer;
  EXPECT_NE(answer.find("e:AccessDenied"), std::string::npos);
  EXPECT_NE(answer.find("wsman_only = read"), std::string::npos);
  client("PUT /amt-storage/x HTTP/1.1\r\nHost: pc\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_NE(answer.find("HTTP/1.1 403 Forbidden\r\n"), std::string::npos);
  EXPECT_EQ(to_machine, "");
  EXPECT_EQ(log, "read 200; power 400; change 403; ");
}

TEST_F(WebProxyTest, UsersLogInAtTheGateway) {
  const auth::SingleUser users({"ann", "pw"});
  WebOptions options;
  options.login = WebLogin::Users;
  options.users = &users;
  options.realm = "Digest:00000000000000000000000000000000";
  open(std::move(options));
  client(post(look));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 ")) << answer;
  const std::size_t at = answer.find("Digest realm");
  const auto asked = http::parse_digest_challenge(answer.substr(at, answer.find('\r', at) - at));
  ASSERT_TRUE(asked);
  EXPECT_EQ(to_machine, "");
  answer.clear();
  client(
      post(look, "Authorization: " + http::digest_answer(*asked, {"ann", "pw"}, "POST", "/wsman", 1, "0a") + "\r\n"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_EQ(who, "digest:ann");
  EXPECT_EQ(to_machine.find("ann"), std::string::npos);
}

TEST_F(WebProxyTest, PassthroughTouchesNoLogin) {
  WebOptions options;
  options.login = WebLogin::Passthrough;
  open(std::move(options));
  client(post(look));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 ")) << answer;
  EXPECT_NE(answer.find(nonce), std::string::npos);
  EXPECT_EQ(answer.find("Connection: close"), std::string::npos);
  const auto asked = http::parse_digest_challenge(http::digest_challenge(kMachineRealm, nonce, false, "auth"));
  const auto login = [&](const char* with) {
    answer.clear();
    client(post(
        look, "Authorization: " + http::digest_answer(*asked, {"admin", with}, "POST", "/wsman", 1, "0a") + "\r\n"));
  };
  login("no");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 ")) << answer;
  login("right");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_EQ(judgements, "ra");
  EXPECT_EQ(who, "passthrough:admin");
}

TEST_F(WebProxyTest, TheMachinesAddressBecomesTheClients) {
  reply = "HTTP/1.1 303 See Other\r\nLocation: http://10.0.0.9:16992/logon.htm\r\nContent-Length: 0\r\n\r\n";
  WebOptions options;
  options.tls = true;
  open(std::move(options));
  client("GET / HTTP/1.1\r\nHost: pc.example\r\nReferer: https://pc.example/x\r\n\r\n");
  EXPECT_NE(answer.find("Location: https://pc.example/logon.htm\r\n"), std::string::npos) << answer;
  EXPECT_NE(to_machine.find("Referer: http://10.0.0.9:16992/x\r\n"), std::string::npos) << to_machine;
}

TEST_F(WebProxyTest, RefusesWhatIsNotForIt) {
  for (const auto& [request, status] : std::initializer_list<std::pair<const char*, const char*>>{
           {"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
           {"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", "405"},
           {"GET / HTTP/1.1\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://evil\r\n\r\n", "403"},
           {"GET / HTTP/1.1\r\nHost: a\r\nOrigin: null\r\n\r\n", "403"},
           {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", "501"},
           {"nonsense\r\n\r\n", "400"}}) {
    answer.clear();
    open({});
    client(request);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::string(status))) << request << answer;
  }
  EXPECT_EQ(to_machine, "");
}

TEST_F(WebProxyTest, ANameThatMayBeAnybodysIsNoPageOfTheMachines) {
  const auto asks = [&](const std::string& host, WebLogin login = WebLogin::None) {
    WebOptions options;
    options.names = {"pc1.example.org", "Lab.PC1"};
    options.login = login;
    answer.clear();
    open(std::move(options));
    client("POST /wsman HTTP/1.1\r\nHost: " + host + "\r\nOrigin: http://" + host +
           "\r\nContent-Length: " + std::to_string(std::string_view(look).size()) + "\r\n\r\n" + std::string(look));
    return answer.substr(9, 3);
  };
  for (const char* own :
       {"10.0.0.9:16992", "[fd00::9]:16992", "pc1", "PC1.example.ORG:16992", "pc1.example.org.", "lab.pc1:16992"}) {
    EXPECT_EQ(asks(own), "200") << own;
  }
  for (const char* other : {"evil.example", "evil.example:16992", "pc1.example.org.evil.example",
                            "10.0.0.9.evil.example", "xpc1.example.org"}) {
    EXPECT_EQ(asks(other), "403") << other;
  }
  EXPECT_EQ(asks("evil.example", WebLogin::Passthrough), "401") << "it has no login to misuse";
}

TEST_F(WebProxyTest, ManyRequestsAtOnceAreAnsweredInOrderWithoutDeepStacks) {
  open({});
  std::string many;
  for (int i = 0; i < 20000; ++i) many += "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n";
  client(many);
  std::size_t n = 0;
  for (std::size_t at = answer.find("HTTP/1.1 405"); at != std::string::npos;
       at = answer.find("HTTP/1.1 405", at + 1))
    ++n;
  EXPECT_EQ(n, 20000U);
}

TEST_F(WebProxyTest, ASlowClientPausesTheMachine) {
  open({});
  client(post(look));
  machine_answers = false;
  client(post(look));
  say("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  while (proxy->wants_device()) say(std::string(10000, 'x'));
  EXPECT_LT(proxy->client_output().size(), WebProxy::kHighMark + 20000);
  now += WebProxy::kStall;
  proxy->tick(now);
  settle();
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->cut);
  EXPECT_EQ(ended->error.detail, "the client takes no bytes");
}

TEST_F(WebProxyTest, EveryWaitHasAnEnd) {
  open({});
  client("POST /wsman HTTP/1.1\r\n");
  now += seconds(20);
  client("Host: x\r\n");
  now += seconds(10);
  proxy->tick(now);
  settle();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_TRUE(ended);

  ended.reset();
  answer.clear();
  machine_answers = false;
  open({});
  client(post(look));
  now += WebProxy::kAnswer;
  proxy->tick(now);
  settle();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502 ")) << answer;

  ended.reset();
  open({});
  now += WebProxy::kIdle;
  proxy->tick(now);
  settle();
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->quiet);
}

TEST_F(WebProxyTest, TheEndIsSaidToWhoWaits) {
  machine_answers = false;
  open({});
  client(post(look));
  proxy->fail({Errc::Closed, "the gateway is stopping"}, now);
  settle();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_NE(answer.find("amtgate: the gateway is stopping"), std::string::npos);
}

}  // namespace
}  // namespace amtgate::session
