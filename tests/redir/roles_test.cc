// Both roles joined in memory, and each of them against bytes of other implementations.
#include <gtest/gtest.h>

#include "amtgate/auth/digest.h"
#include "amtgate/base/hex.h"
#include "amtgate/redir/client_role.h"
#include "amtgate/redir/server_role.h"
#include "tests/support/counting_random.h"
#include "tests/support/feed.h"
#include "tests/support/pump.h"

namespace amtgate::redir {
namespace {

using test::hex;

const TimePoint kStart{};
const auth::SingleUser kStore({"admin", "P@ssw0rd1!"});
constexpr std::string_view kRealm = "Digest:A3F0C9D1E2B4567890ABCDEF12345678";
constexpr std::string_view kNonce = "qYQAAJ4AAAAvkZ6m3sZp0WJmV1sQyQ7d";

std::string word(const ClientRole::Event& e) {
  if (std::holds_alternative<ClientRole::Started>(e)) return "started";
  if (const auto* a = std::get_if<ClientRole::Authenticated>(&e)) return "authenticated:" + method_name(a->method);
  if (std::holds_alternative<ClientRole::Open>(e)) return "open";
  const auto& f = std::get<ClientRole::Failed>(e);
  return std::string("failed:") + name(f.stage) + ":" + amtgate::name(f.code) + ":" + std::to_string(f.status);
}

std::string word(const ServerRole::Event& e) {
  if (const auto* s = std::get_if<ServerRole::Start>(&e)) {
    return "start:" + std::string(s->service ? name(*s->service) : "?");
  }
  if (const auto* a = std::get_if<ServerRole::Authenticated>(&e)) {
    return "authenticated:" + a->user + ":" + method_name(a->method);
  }
  if (const auto* f = std::get_if<ServerRole::AuthFailed>(&e)) {
    return "auth-failed:" + f->user + ":" + f->reason + (f->final ? ":final" : "");
  }
  if (std::holds_alternative<ServerRole::OpenRequested>(e)) return "open-requested";
  if (std::holds_alternative<ServerRole::HandOff>(e)) return "hand-off";
  return "ended";
}

template <class M>
std::string words(M& m) {
  std::string out;
  for (const auto& e : test::events(m)) out += (out.empty() ? "" : " ") + word(e);
  return out;
}

/// An owner that says yes to everything (or `refusal`), and a client role joined to it.
struct Pair {
  explicit Pair(ClientRole::Options c, ServerRole::Options s = verify(), std::size_t chunk_size = 1U << 20)
      : client(std::move(c), random, kStart), server(std::move(s), random, kStart), chunk(chunk_size) {}

  static ServerRole::Options verify() {
    ServerRole::Options o;
    o.policy = Verify{&kStore};
    o.realm = kRealm;
    o.strict_uri = o.strict_nc = o.require_query = true;
    return o;
  }

  void run() {
    for (int i = 0; i < 10; ++i) {
      for (const Error& e : test::pump(client, server, kStart, chunk)) server_words += " error:" + e.detail;
      for (const auto& e : test::events(server)) {
        server_words += " " + word(e);
        if (std::holds_alternative<ServerRole::Start>(e)) {
          if (refusal == StartStatus::Success) {
            EXPECT_TRUE(server.accept(kStart, oem));
          } else {
            server.reject(refusal);
          }
        }
        if (std::holds_alternative<ServerRole::OpenRequested>(e)) server.confirm_open(open_status);
      }
    }
    client_words = words(client);
  }

  test::CountingRandom random;
  ClientRole client;
  ServerRole server;
  std::size_t chunk;
  StartStatus refusal = StartStatus::Success;
  std::uint8_t open_status = 0;
  Buffer oem;
  std::string client_words, server_words;
};

ClientRole::Options options(Service service, const char* password = "P@ssw0rd1!") {
  ClientRole::Options o;
  o.service = service;
  o.credentials = {"admin", password};
  o.device = "pc1";
  return o;
}

TEST(Roles, OpenEachService) {
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{5}, std::size_t{1} << 20}) {
    for (const Service service : {Service::Sol, Service::Ider, Service::Vnc}) {
      Pair p(options(service), Pair::verify(), chunk);
      p.oem = {1, 2, 3, 4};
      p.run();
      EXPECT_EQ(p.client_words, "started authenticated:digest open");
      EXPECT_EQ(p.server_words, " start:" + std::string(name(service)) + " authenticated:admin:digest" +
                                    (service == Service::Vnc ? " open-requested hand-off" : " hand-off"));
      EXPECT_TRUE(p.client.open());
      EXPECT_TRUE(p.server.handed_off());
      EXPECT_FALSE(p.client.deadline());
      EXPECT_FALSE(p.server.deadline());
    }
  }
}

TEST(Roles, FallBackToTheMethodsOffered) {
  ServerRole::Options s = Pair::verify();
  s.methods = {AuthMethod::Password, AuthMethod::DigestOld};
  Pair old(options(Service::Sol), s);
  old.run();
  EXPECT_EQ(old.client_words, "started authenticated:digest-old open");

  s.methods = {AuthMethod::Password};
  Pair refused(options(Service::Sol), s);
  refused.run();
  EXPECT_EQ(refused.client_words, "started failed:authentication query:unsupported:0");

  ClientRole::Options c = options(Service::Sol);
  c.allow_plaintext = true;
  Pair plain(c, s);
  plain.run();
  EXPECT_EQ(plain.client_words, "started authenticated:password open");
  EXPECT_EQ(plain.server_words, " start:sol authenticated:admin:password hand-off");
}

TEST(Roles, SayWhenThePasswordIsWrong) {
  for (const auto style : {ServerRole::FailureStyle::Empty, ServerRole::FailureStyle::FreshChallenge}) {
    for (const unsigned failures : {1U, 3U}) {
      ServerRole::Options s = Pair::verify();
      s.failure_style = style;
      s.max_failures = failures;
      Pair p(options(Service::Vnc, "wrong"), s);
      p.run();
      // One response and no more, however many tries the device would grant.
      EXPECT_EQ(p.client_words, "started failed:authentication:auth_failed:1");
      EXPECT_EQ(p.server_words,
                " start:vnc auth-failed:admin:wrong user or password" + std::string(failures == 1 ? ":final" : ""));
    }
  }
  ServerRole::Options s = Pair::verify();
  s.failure_style = ServerRole::FailureStyle::Silent;
  Pair p(options(Service::Sol, "wrong"), s);
  p.run();
  EXPECT_EQ(p.client_words, "started");
  p.client.closed();
  EXPECT_EQ(words(p.client), "failed:authentication:auth_failed:0");
}

TEST(Roles, CarryRefusals) {
  const std::pair<StartStatus, const char*> rows[] = {
      {StartStatus::UnknownType, "failed:session start:refused:1"},
      {StartStatus::Busy, "failed:session start:busy:2"},
      {StartStatus::Unsupported, "failed:session start:unsupported:3"},
      {StartStatus::ConsentRequired, "failed:session start:refused:5"},
      {StartStatus::Error, "failed:session start:refused:255"},
  };
  for (const auto& [status, want] : rows) {
    for (const std::size_t chunk : {std::size_t{1}, std::size_t{100}}) {
      Pair p(options(Service::Ider), Pair::verify(), chunk);
      p.refusal = status;
      p.run();
      EXPECT_EQ(p.client_words, want);
    }
  }
  Pair p(options(Service::Vnc));
  p.open_status = 7;
  p.run();
  EXPECT_EQ(p.client_words, "started authenticated:digest failed:KVM open:refused:7");
}

TEST(Roles, StopWhereTheOwnersTakeOver) {
  ClientRole::Options c = options(Service::Vnc);
  c.goal = ClientRole::Goal::Started;
  ServerRole::Options s = Pair::verify();
  s.policy = StartOnly{};
  Pair p(c, s);
  p.run();
  EXPECT_EQ(p.client_words, "started open");
  EXPECT_EQ(p.server_words, " start:vnc hand-off");

  c.goal = ClientRole::Goal::Authenticated;
  s = Pair::verify();
  s.kvm_open = false;
  Pair q(c, s);
  q.run();
  EXPECT_EQ(q.client_words, "started authenticated:digest open");
  EXPECT_EQ(q.server_words, " start:vnc authenticated:admin:digest hand-off");
}

// --- the client role against a device's bytes --------------------------------------------------------------

constexpr const char* kStartReply = "11000000 0000000000000000 00";
constexpr const char* kMethods = "14 00 00 00 00 02 00 00 00 01 04";
constexpr const char* kChallenge =
    "14 01 00 00 04 4e 00 00 00 27 44 69 67 65 73 74 3a 41 33 46 30 43 39 44 31 45 32 42 34 35"
    "36 37 38 39 30 41 42 43 44 45 46 31 32 33 34 35 36 37 38 20 71 59 51 41 41 4a 34 41 41 41"
    "41 76 6b 5a 36 6d 33 73 5a 70 30 57 4a 6d 56 31 73 51 79 51 37 64 04 61 75 74 68";
constexpr const char* kSuccess = "14 00 00 00 04 00 00 00 00";

TEST(ClientRole, SendsWhatStockClientsSend) {
  test::CountingRandom random;
  ClientRole m(options(Service::Vnc), random, kStart);
  std::vector<std::string> sent;
  const auto step = [&](const char* from_device) {
    for (const Buffer& b : test::sent_messages(m)) sent.push_back(to_hex(b));
    EXPECT_TRUE(m.receive(hex(from_device), kStart));
  };
  for (const char* message : {kStartReply, kMethods, kChallenge, kSuccess, "4100000000000000 524642"}) step(message);
  EXPECT_EQ(words(m), "started authenticated:digest open");
  ASSERT_EQ(sent.size(), 5u);
  EXPECT_EQ(sent[0], "100100004b564d52");
  EXPECT_EQ(sent[1], "130000000000000000");
  EXPECT_EQ(sent[2],
            to_hex(hex("13 00 00 00 04 20 00 00 00 05 61 64 6d 69 6e 00 00 13 2f 52 65 64 69 72 65 63 74 69 6f 6e"
                       "53 65 72 76 69 63 65 00 00 00 00")));
  EXPECT_EQ(sent[4], "4000000000000000");
  const Buffer response = hex(sent[3]);
  const auto d = parse_digest(AuthMethod::Digest, Bytes(response).subspan(9));
  ASSERT_TRUE(d);
  EXPECT_EQ(d->nc, "00000001");
  EXPECT_EQ(d->cnonce, "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(d->response,
            auth::redirection_response("a8af8f58a3fbee8354e32957001d8dab", kNonce, d->nc, d->cnonce, "auth"));
  EXPECT_EQ(to_hex(m.take_rest()), "524642");
  EXPECT_TRUE(m.take_rest().empty());
}

TEST(ClientRole, KeepsBytesGluedBehindTheLastMessage) {
  Buffer all;
  for (const char* part : {kStartReply, kMethods, kChallenge, kSuccess, "2100 2a00"}) append(all, hex(part));
  test::feed_all_ways(all, [](const std::vector<Bytes>& chunks) {
    test::CountingRandom random;
    ClientRole m(options(Service::Sol), random, kStart);
    for (const Bytes chunk : chunks) EXPECT_TRUE(m.receive(chunk, kStart));
    const std::string w = words(m);
    return w + " " + to_hex(m.take_rest());
  });
}

TEST(ClientRole, UnderstandsOddDevices) {
  struct Row {
    const char* name;
    std::vector<const char*> device;
    const char* want;
  };
  // realm "r", nonce "n" and a list of qops with blanks.
  const char* list = "14 01 00 00 04 13 00 00 00 01 72 01 6e 0e 61 75 74 68 2d 69 6e 74 2c 20 61 75 74 68";
  const Row rows[] = {
      {"qop_list",
       {kStartReply, kMethods, "14010000 04 13000000 0172 016e 0e617574682d696e742c2061757468", kSuccess},
       "started authenticated:digest open"},
      {"qop_list_as_sent", {kStartReply, kMethods, list, kSuccess}, "started authenticated:digest open"},
      {"qop_int_only",
       {kStartReply, kMethods, "14010000 04 0d000000 0172 016e 08617574682d696e74"},
       "started failed:authentication challenge:unsupported:1"},
      {"method_not_supported",
       {kStartReply, kMethods, "14020000 04 00000000"},
       "started failed:authentication challenge:unsupported:2"},
      {"no_challenge",
       {kStartReply, kMethods, "14010000 04 00000000"},
       "started failed:authentication challenge:auth_failed:1"},
      {"bad_challenge",
       {kStartReply, kMethods, "14010000 04 02000000 ff61"},
       "started failed:authentication challenge:bad_value:1"},
      {"other_method",
       {kStartReply, kMethods, "14010000 03 00000000"},
       "started failed:authentication challenge:bad_value:1"},
      {"huge_challenge",
       {kStartReply, kMethods, "14010000 04 ffffffff"},
       "started failed:authentication challenge:too_large:0"},
      {"no_methods", {kStartReply, "14000000 00 00000000"}, "started failed:authentication query:unsupported:0"},
      {"kerberos_only",
       {kStartReply, "14000000 00 01000000 02"},
       "started failed:authentication query:unsupported:0"},
      {"query_refused", {kStartReply, "14010000 00 00000000"}, "started failed:authentication query:unsupported:1"},
      {"rfb", {"524642"}, "failed:session start:unsupported:0"},
      {"busy_cut_short", {"11020000"}, "failed:session start:busy:2"},
      {"garbage_later", {kStartReply, "2b000000"}, "started failed:authentication query:unsupported:0"},
  };
  for (const Row& row : rows) {
    Buffer all;
    for (const char* part : row.device) append(all, hex(part));
    test::feed_all_ways(all, [&](const std::vector<Bytes>& chunks) {
      test::CountingRandom random;
      ClientRole m(options(Service::Sol), random, kStart);
      for (const Bytes chunk : chunks) EXPECT_TRUE(m.receive(chunk, kStart));
      const std::string w = words(m);
      EXPECT_EQ(w, row.want) << row.name;
      return w;
    });
  }
}

TEST(ClientRole, GivesUpInTime) {
  test::CountingRandom random;
  ClientRole m(options(Service::Sol), random, kStart);
  ASSERT_TRUE(m.deadline());
  EXPECT_TRUE(m.tick(kStart + seconds(9)));
  EXPECT_EQ(words(m), "");
  // Half a message does not buy more time.
  EXPECT_TRUE(m.receive(hex("1100"), kStart + seconds(9)));
  EXPECT_EQ(*m.deadline(), kStart + seconds(10));
  EXPECT_TRUE(m.tick(kStart + seconds(10)));
  EXPECT_EQ(words(m), "failed:session start:timeout:0");
  EXPECT_FALSE(m.deadline());
  m.closed();
  EXPECT_EQ(words(m), "");

  ClientRole closed(options(Service::Sol), random, kStart);
  closed.closed();
  EXPECT_EQ(words(closed), "failed:session start:closed:0");
}

TEST(ClientRole, KeepsASecretAndABound) {
  test::CountingRandom random;
  ClientRole::Options o = options(Service::Sol, "top-secret");
  o.credentials.user = std::string(256, 'u');
  ClientRole m(o, random, kStart);
  EXPECT_TRUE(m.receive(hex(kStartReply), kStart));
  EXPECT_TRUE(m.receive(hex(kMethods), kStart));
  const auto all = test::events(m);
  ASSERT_EQ(all.size(), 2u);
  const auto& failed = std::get<ClientRole::Failed>(all[1]);
  EXPECT_EQ(failed.code, Errc::TooLarge);
  EXPECT_EQ(failed.sentence.find("top-secret"), std::string::npos);

  ClientRole open(options(Service::Sol), random, kStart);
  for (const char* part : {kStartReply, kMethods, kChallenge, kSuccess}) EXPECT_TRUE(open.receive(hex(part), kStart));
  EXPECT_TRUE(open.receive(Buffer(kMaxKept), kStart));
  EXPECT_EQ(words(open), "started authenticated:digest open");
  EXPECT_TRUE(open.receive(Buffer(1), kStart));
  EXPECT_EQ(words(open), "failed:KVM open:too_large:0");
}

// --- the server role against a client's bytes ----------------------------------------------------------------

/// Feeds a client's bytes to a server that accepts the start, and returns its events, errors and answers.
std::string serve(const ServerRole::Options& o, const std::vector<Bytes>& chunks) {
  test::CountingRandom random;
  ServerRole m(o, random, kStart);
  std::string out, answers;
  const auto drain = [&] {
    for (const auto& e : test::events(m)) {
      out += word(e) + " ";
      if (std::holds_alternative<ServerRole::Start>(e)) {
        if (const auto r = m.accept(kStart); !r) out += "error:" + std::string(amtgate::name(r.error().code)) + " ";
      }
      if (std::holds_alternative<ServerRole::OpenRequested>(e)) m.confirm_open();
    }
  };
  for (const Bytes chunk : chunks) {
    if (const auto r = m.receive(chunk, kStart); !r)
      out += "error:" + std::string(amtgate::name(r.error().code)) + " ";
    for (int i = 0; i < 3; ++i) drain();  // an answer may bring the next event
  }
  for (const Buffer& b : test::sent_messages(m))
    answers += "[" + to_hex(Bytes(b).first(std::min<std::size_t>(b.size(), 9))) + "]";
  return out + answers + (m.handed_off() ? " rest:" + to_hex(m.take_rest()) : "");
}

TEST(ServerRole, AcceptsWhatStockClientsSend) {
  struct Row {
    const char* name;
    const char* client;
    const char* want;
  };
  const Row rows[] = {
      {"amtterm_1_6_no_query", "10000000534f4c20 13000000 01 11000000 0561646d696e 0a5040737377307264312120000000",
       "start:sol authenticated:admin:password hand-off [110000000000000000][140000000100000000] rest:20000000"},
      {"in_firmware_empty_kerberos", "100100004b564d52 13000000 02 00000000 4000000000000000 524642",
       "start:vnc authenticated::kerberos open-requested hand-off "
       "[110000000000000000][140000000200000000][4100000000000000] rest:524642"},
      {"amt_11_empty_password", "1000000049444552 13000000 01 00000000",
       "start:ider authenticated::password hand-off [110000000000000000][140000000100000000] rest:"},
      {"reserved_bytes", "1007080953 4f4c20 13010203 01 00000000",
       "start:sol authenticated::password hand-off [110000000000000000][140000000100000000] rest:"},
      {"end_at_once", "12000000", "ended "},
      {"http", "474554202f20", "error:unsupported "},
      {"http_after_start", "10000000534f4c20 47", "start:sol error:unsupported [110000000000000000]"},
      {"huge", "10000000534f4c20 13000000 04 ffffff7f", "start:sol error:too_large [110000000000000000]"},
      {"unknown_method", "10000000534f4c20 13000000 1f 00000000",
       "start:sol [110000000000000000][140200001f00000000]"},
  };
  for (const Row& row : rows) {
    test::feed_all_ways(hex(row.client), [&](const std::vector<Bytes>& chunks) {
      ServerRole::Options o;
      o.realm = kRealm;
      const std::string got = serve(o, chunks);
      EXPECT_EQ(got, row.want) << row.name;
      return got;
    });
  }
}

Buffer login(AuthMethod method, const DigestData& d) {
  Buffer out;
  encode(out, Authenticate{method, *encode_digest(method, d)});
  return out;
}

Buffer opening(std::initializer_list<Buffer> logins) {
  Buffer out = hex("10000000534f4c20 13000000 00 00000000");
  for (const Buffer& l : logins) append(out, l);
  return out;
}

TEST(ServerRole, TakesAnEndInsteadOfALogin) {
  const Buffer start = hex("10000000534f4c20");
  const Buffer end = hex("12000000");
  EXPECT_EQ(serve({}, {Bytes(start), Bytes(end)}), "start:sol ended [110000000000000000]");
}

TEST(ServerRole, LetsUiToolkitInWhenAnyoneMay) {
  DigestData first;  // no user, no uri
  DigestData second;
  second.realm = kRealm;
  second.cnonce = std::string_view("0123456789");
  second.nc = "00000002";
  second.response = "134ff573f6b53542bd223dd5a7564666";
  second.qop = "auth";
  const Buffer in = opening({login(AuthMethod::Digest, first), login(AuthMethod::Digest, second)});
  ServerRole::Options o;
  o.realm = kRealm;
  const std::string got = serve(o, {Bytes(in)});
  EXPECT_NE(got.find("authenticated::digest hand-off"), std::string::npos) << got;
  EXPECT_NE(got.find("[140000000400000000] rest:"), std::string::npos) << got;
}

/// The nonce that the first challenge of a server with a CountingRandom and a given realm carries.
std::string first_nonce() {
  test::CountingRandom random;
  return auth::make_nonce(random);
}

DigestData good_answer(const std::string& nonce, std::string& response, std::string_view nc = "00000002",
                       std::string_view cnonce = "0123456789", std::string_view uri = auth::kRedirectionUri) {
  response =
      auth::digest_response("a8af8f58a3fbee8354e32957001d8dab",
                            {.nonce = nonce, .nc = nc, .cnonce = cnonce, .qop = "auth", .verb = "POST", .uri = uri});
  return {.user = "admin",
          .realm = kRealm,
          .nonce = nonce,
          .uri = uri,
          .cnonce = cnonce,
          .nc = nc,
          .response = response,
          .qop = "auth"};
}

TEST(ServerRole, TakesNonceCountsAndClientNoncesAsSent) {
  const std::string nonce = first_nonce();
  const std::string long_cnonce(255, 'c');
  std::string response;
  DigestData first;
  first.user = "admin";
  ServerRole::Options o = Pair::verify();
  o.strict_nc = o.strict_uri = false;
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"00000001", "0123456789"}, {"00000002", long_cnonce}, {"00000002", ""}, {"1", "x"}, {"", ""}};
  for (const auto& [nc, cnonce] : rows) {
    const DigestData second = good_answer(nonce, response, nc, cnonce);
    const Buffer in = opening({login(AuthMethod::Digest, first), login(AuthMethod::Digest, second)});
    EXPECT_NE(serve(o, {Bytes(in)}).find("authenticated:admin:digest hand-off"), std::string::npos)
        << nc << " " << cnonce;
  }
}

TEST(ServerRole, ChecksStrictlyWhereTold) {
  const std::string nonce = first_nonce();
  std::string response;
  DigestData first;
  first.user = "admin";
  const auto run = [&](const DigestData& second) {
    const Buffer in = opening({login(AuthMethod::Digest, first), login(AuthMethod::Digest, second)});
    return serve(Pair::verify(), {Bytes(in)});
  };
  const auto expect = [&](const DigestData& d, const char* reason) {
    const std::string got = run(d);
    EXPECT_NE(got.find("auth-failed:" + std::string(d.user) + ":" + reason + ":final"), std::string::npos) << got;
    EXPECT_EQ(got.find("hand-off"), std::string::npos);
    EXPECT_NE(got.find("[140100000400000000]"), std::string::npos) << got;
  };
  expect(good_answer(nonce, response, "2"), "the nonce count is not 8 hexadecimal digits");
  expect(good_answer(nonce, response, "0000000g"), "the nonce count is not 8 hexadecimal digits");
  expect(good_answer(nonce, response, "00000001", "c", "/"), "the digest-uri is not /RedirectionService");
  expect(good_answer("another nonce", response), "the nonce is not the one that was given");
  DigestData d = good_answer(nonce, response);
  d.realm = "r";
  expect(d, "the realm is not the one that was given");
  d = good_answer(nonce, response);
  d.qop = "auth-int";
  expect(d, "the qop is not 'auth'");
  d = good_answer(nonce, response);
  d.user = "Admin";
  expect(d, "wrong user or password");
  const std::string wrong(32, 'a');
  d = good_answer(nonce, response);
  d.response = wrong;
  expect(d, "wrong user or password");
  // Mesh clients answer an empty refusal with empty fields and a response.
  d = {};
  d.response = wrong;
  expect(d, "the nonce is not the one that was given");
  // And the right one is right.
  EXPECT_NE(run(good_answer(nonce, response)).find("hand-off"), std::string::npos);
}

TEST(ServerRole, TakesAChallengeOnlyOnce) {
  const std::string nonce = first_nonce();
  std::string response;
  DigestData first;
  first.user = "admin";
  const DigestData right = good_answer(nonce, response);
  DigestData wrong = right;
  const std::string junk(32, 'a');
  wrong.response = junk;
  ServerRole::Options o = Pair::verify();
  o.max_failures = 3;
  const Buffer in =
      opening({login(AuthMethod::Digest, first), login(AuthMethod::Digest, wrong), login(AuthMethod::Digest, right)});
  const std::string got = serve(o, {Bytes(in)});
  EXPECT_NE(got.find("a digest response without a challenge"), std::string::npos) << got;
  EXPECT_EQ(got.find("hand-off"), std::string::npos) << got;
}

TEST(ServerRole, EndsClientsThatTryForEver) {
  ServerRole::Options o = Pair::verify();
  o.max_failures = 1000;
  Buffer in = hex("10000000534f4c20");
  for (int i = 0; i < 20; ++i) append(in, hex("13000000 00 00000000"));
  EXPECT_NE(serve(o, {Bytes(in)}).find("error:bad_value"), std::string::npos);
  o.max_failures = 3;
  Buffer logins = opening({});
  for (int i = 0; i < 5; ++i) append(logins, hex("13000000 01 04000000 0161 0162"));
  const std::string got = serve(o, {Bytes(logins)});
  EXPECT_NE(got.find("auth-failed:a:wrong user or password auth-failed:a:wrong user or password "
                     "auth-failed:a:wrong user or password:final "),
            std::string::npos)
      << got;
}

TEST(ServerRole, SaysNothingBeforeTheOwnerDoes) {
  test::CountingRandom random;
  ServerRole m(ServerRole::Options{}, random, kStart);
  EXPECT_TRUE(m.receive(hex("10000000534f4c20 13000000 00 00000000"), kStart));
  EXPECT_EQ(words(m), "start:sol");
  EXPECT_TRUE(m.output().empty());
  EXPECT_FALSE(m.deadline());
  EXPECT_TRUE(m.tick(kStart + seconds(1000)));
  EXPECT_TRUE(m.accept(kStart + seconds(1000)));
  const auto sent = test::sent_messages(m);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(to_hex(sent[0]), "11000000000000000000000000");
  EXPECT_EQ(to_hex(sent[1]), "1400000000020000000104");

  ServerRole flooded(ServerRole::Options{}, random, kStart);
  EXPECT_TRUE(flooded.receive(hex("10000000534f4c20"), kStart));
  EXPECT_TRUE(flooded.receive(Buffer(kMaxKept), kStart));
  EXPECT_EQ(flooded.receive(Buffer(1), kStart).error().code, Errc::TooLarge);
  EXPECT_TRUE(flooded.accept(kStart));
  EXPECT_TRUE(flooded.output().empty());

  ServerRole left(ServerRole::Options{}, random, kStart);
  EXPECT_TRUE(left.receive(hex("10000000534f4c20 12000000"), kStart));
  EXPECT_EQ(words(left), "start:sol ended");

  ServerRole refused(ServerRole::Options{}, random, kStart);
  EXPECT_TRUE(refused.receive(hex("1000000041424344"), kStart));
  EXPECT_EQ(words(refused), "start:?");
  refused.reject(StartStatus::UnknownType);
  EXPECT_EQ(to_hex(refused.output()), "11010000000000000000000000");
  EXPECT_TRUE(refused.receive(hex("13"), kStart));
}

TEST(ServerRole, GivesUpOnSlowClients) {
  test::CountingRandom random;
  ServerRole m(ServerRole::Options{}, random, kStart);
  EXPECT_TRUE(m.receive(hex("10"), kStart + seconds(14)));
  EXPECT_TRUE(m.tick(kStart + seconds(14)));
  EXPECT_EQ(m.tick(kStart + seconds(15)).error().code, Errc::Timeout);
  EXPECT_FALSE(m.deadline());
}

}  // namespace
}  // namespace amtgate::redir
