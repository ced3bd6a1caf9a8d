#include "amtgate/rfb/server_handshake.h"

#include <gtest/gtest.h>

#include "amtgate/rfb/client_handshake.h"
#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

constexpr TimePoint kNow{};
const std::string kV33 = "RFB 003.003\n", kV37 = "RFB 003.007\n", kV38 = "RFB 003.008\n";

ServerHandshake::Options with_password(bool none = false) {
  ServerHandshake::Options o;
  o.none = none;
  o.password = ServerHandshake::Password{"Pa55w0rd", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
  return o;
}
const char kRightResponse[] = "e401ff411db1cf4cedbba1df58af05e2";

enum class Owner { Accepts, Refuses, RefusesFirst };

/// All that comes out of a handshake: bytes as hex, events as words, errors behind '!'. `inside` is what the viewer
/// says when TLS has begun; " tls " is the border between the two in what comes out.
std::string trace(ServerHandshake::Options options, Owner owner, const std::vector<Bytes>& chunks,
                  const std::vector<Bytes>& inside = {}) {
  ServerHandshake h(std::move(options), kNow);
  std::string events, outside;
  bool start_tls = false;
  if (owner == Owner::RefusesFirst) h.refuse("denied by policy", kNow);
  const auto drain = [&](Result<void> r) {
    while (const auto e = h.next_event()) {
      if (const auto* ready = std::get_if<ServerHandshake::ViewerReady>(&*e)) {
        events += " ready(" + std::string(name(ready->version)) + "," + std::string(name(ready->security)) +
                  (ready->tls ? ",tls)" : ")");
        if (owner == Owner::Accepts) {
          r = h.accept(kNow);
        } else {
          h.refuse("AMT is busy", kNow);
        }
      } else if (const auto* init = std::get_if<ServerHandshake::ClientInit>(&*e)) {
        events += init->shared ? " shared" : " alone";
      } else if (std::holds_alternative<ServerHandshake::Done>(*e)) {
        events += " done";
      } else if (std::holds_alternative<ServerHandshake::StartTls>(*e)) {
        start_tls = true;
      } else {
        events += " refused";
      }
    }
    if (!r) events += std::string(" !") + name(r.error().code);
    return r.has_value();
  };
  for (const Bytes c : chunks) {
    if (!drain(h.receive(c, kNow))) break;
  }
  if (start_tls) {
    outside = to_hex(h.output()) + " tls ";
    h.sent(h.output().size());
    h.tls_started(kNow);
    bool alive = drain({});
    for (const Bytes c : inside) {
      if (!alive) break;
      alive = drain(h.receive(c, kNow));
    }
  }
  std::string out = (outside + to_hex(h.output())).substr(2 * kVersionSize) + events;
  const Buffer rest = h.take_rest();
  if (!rest.empty()) out += " rest " + to_hex(rest);
  return out;
}

struct Row {
  const char* name;
  ServerHandshake::Options options;
  Owner owner;
  std::string version;
  const char* hex;  // behind the version
  std::string want;
};

std::string words(std::string_view t) {
  return to_hex(as_bytes(t));
}

TEST(ServerHandshake, EveryVersionSecurityAndOutcome) {
  ServerHandshake::Options none, amt;
  amt.greeting = Greeting::V4_0;
  amt.extra_types = {0x80};
  const std::string busy = words("AMT is busy"), denied = words("denied by policy");
  const std::string challenge = "000102030405060708090a0b0c0d0e0f";
  const std::string right = kRightResponse;
  const Row rows[] = {
      {"3.8 none", none, Owner::Accepts, kV38, "01 01",
       "0101"
       "00000000 ready(3.8,none) shared done"},
      {"3.8 none, more behind", none, Owner::Accepts, kV38, "01 00 0300",
       "010100000000 ready(3.8,none) alone done rest 0300"},
      {"3.8 none refused", none, Owner::Refuses, kV38, "01",
       "0101"
       "00000001"
       "0000000b" +
           busy + " ready(3.8,none) refused"},
      {"3.8 refused first", none, Owner::RefusesFirst, kV38, "",
       "00"
       "00000010" +
           denied + " refused"},
      {"3.8 unknown choice", none, Owner::Accepts, kV38, "02",
       "0101"
       "00000001"
       "00000022" +
           words("security type 2 is not served here") + " !bad_value"},
      {"3.8 amt", amt, Owner::Accepts, kV38, "01 01",
       "020180"
       "00000000 ready(3.8,none) shared done"},
      {"3.8 password", with_password(), Owner::Accepts, kV38, "02 e401ff411db1cf4cedbba1df58af05e2 01",
       "0102" + challenge + "00000000 ready(3.8,vnc-password) shared done"},
      {"3.8 wrong password", with_password(), Owner::Accepts, kV38, "02 f401ff411db1cf4cedbba1df58af05e2",
       "0102" + challenge +
           "00000001"
           "00000015" +
           words("authentication failed") + " !auth_failed"},
      {"3.8 password refused", with_password(), Owner::Refuses, kV38, "02 e401ff411db1cf4cedbba1df58af05e2",
       "0102" + challenge +
           "00000001"
           "0000000b" +
           busy + " ready(3.8,vnc-password) refused"},
      {"3.8 both, none chosen", with_password(true), Owner::Accepts, kV38, "01 01",
       "020102"
       "00000000 ready(3.8,none) shared done"},
      {"3.7 none", none, Owner::Accepts, kV37, "01 01", "0101 ready(3.7,none) shared done"},
      {"3.7 none refused", none, Owner::Refuses, kV37, "",
       "00"
       "0000000b" +
           busy + " ready(3.7,none) refused"},
      {"3.7 refused first", with_password(), Owner::RefusesFirst, kV37, "",
       "00"
       "00000010" +
           denied + " refused"},
      {"3.7 password", with_password(), Owner::Accepts, kV37, "02 e401ff411db1cf4cedbba1df58af05e2 01",
       "0102" + challenge + "00000000 ready(3.7,vnc-password) shared done"},
      {"3.7 wrong password", with_password(), Owner::Accepts, kV37, "02 00000000000000000000000000000000",
       "0102" + challenge + "00000001 !auth_failed"},
      {"3.7 password refused", with_password(), Owner::Refuses, kV37, "02 e401ff411db1cf4cedbba1df58af05e2",
       "0102" + challenge + "00000001 ready(3.7,vnc-password) refused"},
      {"3.7 both, none chosen and refused: no words left", with_password(true), Owner::Refuses, kV37, "01",
       "020102 ready(3.7,none) refused"},
      {"3.7 unknown choice", none, Owner::Accepts, kV37, "05", "0101 ready(3.7,none) !bad_value"},
      {"3.3 none", none, Owner::Accepts, kV33, "01", "00000001 ready(3.3,none) shared done"},
      {"3.3 none refused", none, Owner::Refuses, kV33, "",
       "00000000"
       "0000000b" +
           busy + " ready(3.3,none) refused"},
      {"3.3 refused first", none, Owner::RefusesFirst, kV33, "",
       "00000000"
       "00000010" +
           denied + " refused"},
      {"3.3 password", with_password(), Owner::Accepts, kV33, "e401ff411db1cf4cedbba1df58af05e2 00",
       "00000002" + challenge + "00000000 ready(3.3,vnc-password) alone done"},
      {"3.3 wrong password", with_password(), Owner::Accepts, kV33, "e401ff411db1cf4cedbba1df58af05e3",
       "00000002" + challenge + "00000001 !auth_failed"},
      {"3.3 both: the server dictates none", with_password(true), Owner::Accepts, kV33, "01",
       "00000001 ready(3.3,none) shared done"},
      {"3.5 is 3.3", none, Owner::Accepts, "RFB 003.005\n", "01", "00000001 ready(3.3,none) shared done"},
      {"3.6 is 3.3", none, Owner::Accepts, "RFB 003.006\n", "01", "00000001 ready(3.3,none) shared done"},
      {"3.889 is 3.8", none, Owner::Accepts, "RFB 003.889\n", "01 01", "010100000000 ready(3.8,none) shared done"},
      {"4.0 insisted on", amt, Owner::Accepts, "RFB 004.000\n", "",
       "00"
       "00000030" +
           words("Client requested an invalid RFB protocol version") + " !bad_value"},
      {"http", none, Owner::Accepts, "GET / HTTP/1", "",
       "00"
       "00000030" +
           words("Client requested an invalid RFB protocol version") + " !bad_value"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Buffer in;
    append(in, row.version);
    append(in, test::hex(row.hex));
    EXPECT_EQ(trace(row.options, row.owner, {Bytes(in)}), row.want);
    test::feed_all_ways(in, [&](const std::vector<Bytes>& chunks) { return trace(row.options, row.owner, chunks); });
  }
}

ServerHandshake::Options vencrypt() {
  ServerHandshake::Options o;
  o.vencrypt = true;
  return o;
}
ServerHandshake::Options vencrypt_password() {
  ServerHandshake::Options o = with_password();
  o.vencrypt = true;
  return o;
}

TEST(ServerHandshake, VeNCryptInEveryVersionAndOutcome) {
  ServerHandshake::Options both = vencrypt_password();
  both.none = true;
  const std::string busy = "0000000b" + words("AMT is busy"), denied = "00000010" + words("denied by policy");
  const std::string challenge = "000102030405060708090a0b0c0d0e0f", right = kRightResponse;
  const std::string choose_none = "13 0002 00000104", choose_vnc = "13 0002 00000105";
  const std::string none_chosen = "0113 0002 00 01 00000104 01", vnc_chosen = "0113 0002 00 01 00000105 01";
  const struct {
    const char* name;
    ServerHandshake::Options options;
    Owner owner;
    std::string version, hex, inside;  // from the viewer; behind the version; inside of TLS
    std::string out;
    std::optional<std::string> out_inside;
    std::string events;
  } rows[] = {
      {"3.8 none", vencrypt(), Owner::Accepts, kV38, choose_none, "01", none_chosen, "00000000",
       " ready(3.8,none,tls) shared done"},
      {"3.8 none, more behind", vencrypt(), Owner::Accepts, kV38, choose_none, "00 0300", none_chosen, "00000000",
       " ready(3.8,none,tls) alone done rest 0300"},
      {"3.8 none refused", vencrypt(), Owner::Refuses, kV38, choose_none, "", none_chosen, "00000001" + busy,
       " ready(3.8,none,tls) refused"},
      {"3.8 refused first: no need of TLS",
       vencrypt(),
       Owner::RefusesFirst,
       kV38,
       "",
       "",
       "00" + denied,
       {},
       " refused"},
      {"3.8 password", vencrypt_password(), Owner::Accepts, kV38, choose_vnc, right + "01", vnc_chosen,
       challenge + "00000000", " ready(3.8,vnc-password,tls) shared done"},
      {"3.8 wrong password", vencrypt_password(), Owner::Accepts, kV38, choose_vnc, std::string(32, '0'), vnc_chosen,
       challenge + "00000001 00000015" + words("authentication failed"), " !auth_failed"},
      {"3.8 password refused", vencrypt_password(), Owner::Refuses, kV38, choose_vnc, right, vnc_chosen,
       challenge + "00000001" + busy, " ready(3.8,vnc-password,tls) refused"},
      {"3.8 both, none chosen", both, Owner::Accepts, kV38, choose_none, "01", "0113 0002 00 02 00000104 00000105 01",
       "00000000", " ready(3.8,none,tls) shared done"},
      {"3.8 both, password chosen", both, Owner::Accepts, kV38, choose_vnc, right + "00",
       "0113 0002 00 02 00000104 00000105 01", challenge + "00000000", " ready(3.8,vnc-password,tls) alone done"},
      {"3.7 none: with a result, unlike plain none", vencrypt(), Owner::Accepts, kV37, choose_none, "01", none_chosen,
       "00000000", " ready(3.7,none,tls) shared done"},
      {"3.7 none refused", vencrypt(), Owner::Refuses, kV37, choose_none, "", none_chosen, "00000001",
       " ready(3.7,none,tls) refused"},
      {"3.7 refused first", vencrypt(), Owner::RefusesFirst, kV37, "", "", "00" + denied, {}, " refused"},
      {"3.7 password", vencrypt_password(), Owner::Accepts, kV37, choose_vnc, right + "01", vnc_chosen,
       challenge + "00000000", " ready(3.7,vnc-password,tls) shared done"},
      {"3.3 has no VeNCrypt",
       vencrypt(),
       Owner::Accepts,
       kV33,
       "",
       "",
       "00000000 0000004c" + words("this server asks for TLS (VeNCrypt), which a viewer of RFB 3.3 does not know"),
       {},
       " !unsupported"},
      {"3.3 refused first", vencrypt(), Owner::RefusesFirst, kV33, "", "", "00000000" + denied, {}, " refused"},
      {"none is not served outside of TLS",
       vencrypt(),
       Owner::Accepts,
       kV38,
       "01",
       "",
       "0113 00000001 00000022" + words("security type 1 is not served here"),
       {},
       " !bad_value"},
      {"nor is the password",
       vencrypt_password(),
       Owner::Accepts,
       kV38,
       "02",
       "",
       "0113 00000001 00000022" + words("security type 2 is not served here"),
       {},
       " !bad_value"},
      {"VeNCrypt where it is not offered",
       {},
       Owner::Accepts,
       kV38,
       "13",
       "",
       "0101 00000001 00000023" + words("security type 19 is not served here"),
       {},
       " !bad_value"},
      {"VeNCrypt 0.1", vencrypt(), Owner::Accepts, kV38, "13 0001", "", "0113 0002 01", {}, " !unsupported"},
      {"no VeNCrypt in common", vencrypt(), Owner::Accepts, kV38, "13 0000", "", "0113 0002 01", {}, " !unsupported"},
      {"VeNCrypt 1.2", vencrypt(), Owner::Accepts, kV38, "13 0102", "", "0113 0002 01", {}, " !unsupported"},
      {"password where none is offered",
       vencrypt(),
       Owner::Accepts,
       kV38,
       "13 0002 00000105",
       "",
       "0113 0002 00 01 00000104 00",
       {},
       " !bad_value"},
      {"none where a password is asked for",
       vencrypt_password(),
       Owner::Accepts,
       kV38,
       "13 0002 00000104",
       "",
       "0113 0002 00 01 00000105 00",
       {},
       " !bad_value"},
      {"plain none inside of VeNCrypt",
       vencrypt(),
       Owner::Accepts,
       kV38,
       "13 0002 00000001",
       "",
       "0113 0002 00 01 00000104 00",
       {},
       " !bad_value"},
      {"TLS without a certificate",
       vencrypt(),
       Owner::Accepts,
       kV38,
       "13 0002 00000101",
       "",
       "0113 0002 00 01 00000104 00",
       {},
       " !bad_value"},
      {"subtype of which the low bytes are one",
       vencrypt(),
       Owner::Accepts,
       kV38,
       "13 0002 80000104",
       "",
       "0113 0002 00 01 00000104 00",
       {},
       " !bad_value"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Buffer in;
    append(in, row.version);
    append(in, test::hex(row.hex));
    const Buffer inside = test::hex(row.inside);
    std::string want = to_hex(test::hex(row.out));
    if (row.out_inside) want += " tls " + to_hex(test::hex(*row.out_inside));
    want += row.events;
    EXPECT_EQ(trace(row.options, row.owner, {Bytes(in)}, {Bytes(inside)}), want);
    test::feed_all_ways(
        in, [&](const std::vector<Bytes>& chunks) { return trace(row.options, row.owner, chunks, {Bytes(inside)}); });
    test::feed_all_ways(
        inside, [&](const std::vector<Bytes>& chunks) { return trace(row.options, row.owner, {Bytes(in)}, chunks); });
  }
}

/// At the point where TLS begins, with the acknowledgement written.
ServerHandshake at_tls(ServerHandshake::Options options) {
  const bool password = options.password.has_value();
  ServerHandshake h(std::move(options), kNow);
  EXPECT_TRUE(h.receive(as_bytes(kV38), kNow));
  EXPECT_TRUE(h.receive(test::hex(password ? "13 0002 00000105" : "13 0002 00000104"), kNow));
  const auto e = h.next_event();
  EXPECT_TRUE(e && std::holds_alternative<ServerHandshake::StartTls>(*e));
  EXPECT_EQ(h.output().back(), 1) << "acknowledged";
  h.sent(h.output().size());
  return h;
}

// Whoever can put a byte on the wire could otherwise speak inside of the viewer's TLS (as in STARTTLS injection).
TEST(ServerHandshake, TakesNothingBetweenTheChoiceAndTls) {
  ServerHandshake glued(vencrypt(), kNow);
  ASSERT_TRUE(glued.receive(as_bytes(kV38), kNow));
  const Result<void> r = glued.receive(test::hex("13 0002 00000104 01"), kNow);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::BadValue);
  EXPECT_FALSE(glued.next_event()) << "no TLS";
  EXPECT_EQ(glued.output().back(), 4) << "the list of subtypes, no acknowledgement";

  ServerHandshake later = at_tls(vencrypt());
  EXPECT_TRUE(later.receive({}, kNow));
  EXPECT_EQ(later.receive(test::hex("16"), kNow).error().code, Errc::BadValue);
  later.tls_started(kNow);
  EXPECT_FALSE(later.next_event());
  EXPECT_TRUE(later.output().empty());
}

TEST(ServerHandshake, RefusesInsideOfTls) {
  for (const bool password : {false, true}) {
    ServerHandshake h = at_tls(password ? vencrypt_password() : vencrypt());
    h.refuse("shutting down", kNow);
    EXPECT_TRUE(h.output().empty()) << "no words before TLS";
    EXPECT_FALSE(h.next_event());
    h.tls_started(kNow);
    if (password) {
      h.sent(h.output().size());
      ASSERT_TRUE(h.receive(test::hex(kRightResponse), kNow));
    }
    EXPECT_EQ(to_hex(h.output()), "000000010000000d" + words("shutting down"));
    EXPECT_TRUE(std::holds_alternative<ServerHandshake::Refused>(*h.next_event()));
  }
}

TEST(ServerHandshake, APersonHasTimeToLookAtTheCertificate) {
  const ServerHandshake::Options defaults;
  ServerHandshake h = at_tls(vencrypt());
  EXPECT_EQ(*h.deadline(), kNow + defaults.password_timeout);
  h.tls_started(kNow);
  EXPECT_FALSE(h.deadline()) << "the owner's turn";
  ASSERT_TRUE(h.accept(kNow));
  EXPECT_EQ(*h.deadline(), kNow + defaults.password_timeout);

  ServerHandshake stuck = at_tls(vencrypt());
  EXPECT_EQ(stuck.tick(*stuck.deadline()).error().code, Errc::Timeout);
  stuck.tls_started(kNow);
  EXPECT_FALSE(stuck.next_event());

  // What the viewer's program does by itself is not given as long.
  ServerHandshake silent(vencrypt(), kNow);
  ASSERT_TRUE(silent.receive(as_bytes(kV38 + "\x13"), kNow));
  EXPECT_EQ(*silent.deadline(), kNow + defaults.step_timeout);
  EXPECT_NE(silent.tick(*silent.deadline()).error().detail.find("VeNCrypt version"), std::string::npos);
}

TEST(ServerHandshake, GreetsAsToldAtOnce) {
  ServerHandshake::Options o;
  EXPECT_EQ(as_text(ServerHandshake(o, kNow).output()), "RFB 003.008\n");
  o.greeting = Greeting::V4_0;
  EXPECT_EQ(as_text(ServerHandshake(o, kNow).output()), "RFB 004.000\n");
}

TEST(ServerHandshake, RefusesAtAnyStageAsSoonAsThereAreWords) {
  // During the choice: said as its result. During the password: after it, so that the viewer's dialogue is answered.
  ServerHandshake h({}, kNow);
  ASSERT_TRUE(h.receive(as_bytes(kV38), kNow));
  h.sent(h.output().size());
  h.refuse("shutting down\n", kNow);
  EXPECT_FALSE(h.next_event());
  ASSERT_TRUE(h.receive(test::hex("01"), kNow));
  EXPECT_EQ(to_hex(h.output()), "000000010000000e" + words("shutting down?"));
  EXPECT_TRUE(std::holds_alternative<ServerHandshake::Refused>(*h.next_event()));

  ServerHandshake p(with_password(), kNow);
  ASSERT_TRUE(p.receive(as_bytes(kV38 + "\x02"), kNow));
  p.sent(p.output().size());
  p.refuse("shutting down", kNow);
  ASSERT_TRUE(p.receive(test::hex(kRightResponse), kNow));
  EXPECT_EQ(to_hex(p.output()), "000000010000000d" + words("shutting down"));
  EXPECT_TRUE(std::holds_alternative<ServerHandshake::Refused>(*p.next_event()));

  ServerHandshake late({}, kNow);
  ASSERT_TRUE(late.receive(as_bytes(kV38 + "\x01"), kNow));
  ASSERT_TRUE(late.next_event());
  ASSERT_TRUE(late.accept(kNow));
  late.sent(late.output().size());
  late.refuse("too late for words", kNow);
  EXPECT_TRUE(late.output().empty());
  EXPECT_TRUE(std::holds_alternative<ServerHandshake::Refused>(*late.next_event()));
}

TEST(ServerHandshake, CutsLongReasons) {
  ServerHandshake h({}, kNow);
  h.refuse(std::string(100'000, 'x'), kNow);
  ASSERT_TRUE(h.receive(as_bytes(kV38), kNow));
  EXPECT_EQ(h.output().size(), kVersionSize + 1 + 4 + kMaxReason);
}

TEST(ServerHandshake, DoesNotWaitForEver) {
  ServerHandshake h({}, kNow);
  ASSERT_TRUE(h.deadline());
  EXPECT_TRUE(h.tick(kNow));
  const Result<void> r = h.tick(*h.deadline());
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::Timeout);
  EXPECT_FALSE(h.deadline());

  ServerHandshake p(with_password(), kNow);  // a person types
  ASSERT_TRUE(p.receive(as_bytes(kV38 + "\x02"), kNow));
  EXPECT_EQ(*p.deadline(), kNow + ServerHandshake::Options{}.password_timeout);
  ASSERT_TRUE(p.receive(test::hex(kRightResponse), kNow));
  EXPECT_FALSE(p.deadline()) << "the owner's turn";
}

TEST(ServerHandshake, KeepsLittleWhileTheOwnerWorks) {
  ServerHandshake h({}, kNow);
  ASSERT_TRUE(h.receive(as_bytes(kV38 + "\x01"), kNow));
  const Buffer early(ServerHandshake::kMaxEarly, 3);
  ASSERT_TRUE(h.receive(early, kNow));
  const Result<void> r = h.receive(test::hex("00"), kNow);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::TooLarge);
}

// Both sides of the handshake in memory, in every combination a gateway can meet.
TEST(ServerHandshake, MeetsClientHandshake) {
  for (const bool password : {false, true}) {
    for (const Greeting greeting : {Greeting::V3_8, Greeting::V4_0}) {
      ServerHandshake::Options so = password ? with_password() : ServerHandshake::Options{};
      so.greeting = greeting;
      ServerHandshake server(so, kNow);
      ClientHandshake client({.password = password ? "Pa55w0rd" : "", .stop_after_security = true}, kNow);
      bool passed = false, ready = false, done = false;
      const ServerInit init{{720, 400}, kRgb565, "Intel(r) AMT KVM"};
      for (int i = 0; i < 40; ++i) {
        Buffer to_client(server.output().begin(), server.output().end());
        server.sent(to_client.size());
        ASSERT_TRUE(client.receive(to_client, kNow));
        Buffer to_server(client.output().begin(), client.output().end());
        client.sent(to_server.size());
        ASSERT_TRUE(server.receive(to_server, kNow));
        while (const auto e = server.next_event()) {
          if (std::holds_alternative<ServerHandshake::ViewerReady>(*e)) {
            ASSERT_TRUE(server.accept(kNow));
          }
          if (std::holds_alternative<ServerHandshake::Done>(*e)) {
            done = true;
            Buffer b;
            write_server_init(b, init);
            ASSERT_TRUE(client.receive(b, kNow));
          }
        }
        while (const auto e = client.next_event()) {
          if (std::holds_alternative<ClientHandshake::SecurityPassed>(*e)) {
            passed = true;
            ASSERT_TRUE(client.proceed(true, kNow));
          }
          if (const auto* r = std::get_if<ClientHandshake::Ready>(&*e)) {
            ready = true;
            EXPECT_EQ(r->init.size, init.size);
            EXPECT_EQ(r->init.name, init.name);
          }
        }
      }
      EXPECT_TRUE(passed && ready && done);
    }
  }
}

struct LoginRow {
  const char* name;
  std::string inside;  // of TLS
  std::string out;     // the same
  std::string events;
};

TEST(ServerHandshake, UserAndPasswordInsideOfTls) {
  ServerHandshake::Options options;
  options.none = false;
  options.vencrypt = true;
  options.login = true;
  const std::string ann = "00000003 00000005 616e6e 7269676874", eve = "00000003 00000005 657665 7269676874";
  const LoginRow rows[] = {
      {"let in", ann + "01", "00000000", " login(ann,right) ready(plain) done"},
      {"what comes behind is kept", ann + "010300", "00000000", " login(ann,right) ready(plain) done rest 0300"},
      {"turned away", eve + "01", "00000001 00000005" + words("not u"), " login(eve,right) refused"},
      {"nothing in it", "00000000 00000000", "00000001 00000005" + words("not u"), " login(,) refused"},
      {"not whole", "00000003 00000005 616e6e 72696768", "", ""},
      {"too long a name", "00000101 00000000", "00000001 00000015" + words("authentication failed"), " !too_large"},
      {"too long a password", "00000000 ffffffff", "00000001 00000015" + words("authentication failed"),
       " !too_large"},
  };
  for (const LoginRow& row : rows) {
    for (const std::size_t chunk : {1U, 5U, 1000U}) {
      ServerHandshake h(options, kNow);
      std::string events;
      ASSERT_TRUE(h.receive(as_bytes(kV38), kNow));
      ASSERT_TRUE(h.receive(test::hex("13 0002 00000106"), kNow));
      EXPECT_EQ(to_hex(h.output()).substr(2 * kVersionSize), to_hex(test::hex("0113 0002 00 01 00000106 01")));
      ASSERT_TRUE(std::holds_alternative<ServerHandshake::StartTls>(*h.next_event()));
      h.sent(h.output().size());
      h.tls_started(kNow);
      const Buffer in = test::hex(row.inside);
      for (std::size_t at = 0; at < in.size(); at += chunk) {
        const Result<void> r = h.receive(Bytes(in).subspan(at, std::min(chunk, in.size() - at)), kNow);
        if (!r) events += std::string(" !") + name(r.error().code);
        while (const auto e = h.next_event()) {
          if (const auto* login = std::get_if<ServerHandshake::Login>(&*e)) {
            events += " login(" + login->user + "," + login->password + ")";
            EXPECT_FALSE(h.deadline()) << "the owner's turn";
            login->user == "ann" ? h.let_in() : h.turn_away("not u");
          } else if (const auto* ready = std::get_if<ServerHandshake::ViewerReady>(&*e)) {
            events += " ready(" + std::string(name(ready->security)) + ")";
            EXPECT_TRUE(ready->tls);
            EXPECT_TRUE(h.accept(kNow));
          } else if (std::holds_alternative<ServerHandshake::Done>(*e)) {
            events += " done";
          } else if (std::holds_alternative<ServerHandshake::Refused>(*e)) {
            events += " refused";
          }
        }
        if (!r) break;
      }
      std::string rest = to_hex(h.take_rest());
      if (events.ends_with("done") && !rest.empty()) events += " rest " + rest;
      EXPECT_EQ(to_hex(h.output()), to_hex(test::hex(row.out))) << row.name;
      EXPECT_EQ(events, row.events) << row.name << ", chunks of " << chunk;
    }
  }
}

TEST(ServerHandshake, ARefusalWaitsForTheLogin) {
  ServerHandshake::Options options;
  options.none = false;
  options.vencrypt = true;
  options.login = true;
  for (const bool right : {true, false}) {
    ServerHandshake h(options, kNow);
    ASSERT_TRUE(h.receive(as_bytes(kV38), kNow));
    ASSERT_TRUE(h.receive(test::hex("13 0002 00000106"), kNow));
    h.sent(h.output().size());
    h.tls_started(kNow);
    h.refuse("AMT is busy", kNow);
    EXPECT_TRUE(h.output().empty()) << "nobody is told anything before he has said who he is";
    ASSERT_TRUE(h.receive(test::hex("00000001 00000001 61 62"), kNow));
    right ? h.let_in() : h.turn_away("authentication failed");
    EXPECT_EQ(to_hex(h.output()).substr(16), words(right ? "AMT is busy" : "authentication failed"));
  }
}

}  // namespace
}  // namespace amtgate::rfb
