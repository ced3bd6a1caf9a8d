#include "amtgate/tls/engine.h"

#include <gtest/gtest.h>

#include "amtgate/tls/certificate.h"
#include "amtgate/tls/context.h"

namespace amtgate::tls {
namespace {

const KeyPair& rsa() {
  static const KeyPair pair = *make_self_signed({.common_name = "rsa"});
  return pair;
}
const KeyPair& ec() {
  static const KeyPair pair = *make_self_signed({.key = KeyType::EcP384, .common_name = "ec"});
  return pair;
}

/// Two engines on memory, and the wire between them.
struct Pair {
  Engine client;
  Engine server;

  static Pair make(const ClientPolicy& c, const ServerPolicy& s) {
    return Pair(*Context::client(c), *Context::server(s));
  }
  Pair(const Context& c, const Context& s)
      : client(std::move(*Engine::in_memory(c))), server(std::move(*Engine::in_memory(s))) {}

  void carry() {
    server.feed(client.take_output());
    client.feed(server.take_output());
  }
  /// Both statuses when nothing moves any more.
  std::pair<Status, Status> handshake() {
    Status c = Status::WantRead;
    Status s = Status::WantRead;
    for (int i = 0; i < 10; ++i) {
      c = client.handshake();
      carry();
      s = server.handshake();
      carry();
      if (c != Status::WantRead && s != Status::WantRead) break;
    }
    return {c, s};
  }
  bool works() { return handshake() == std::pair(Status::Done, Status::Done); }
  std::string move(Engine& from, Engine& to, std::string_view text) {
    EXPECT_EQ(from.write(as_bytes(text)).bytes, text.size());
    carry();
    Buffer buffer(text.size() + 10);
    const IoResult r = to.read(buffer);
    return std::string(as_text(Bytes(buffer).first(r.bytes)));
  }
};

ServerPolicy server_policy(const KeyPair& pair, Version min = Version::V1_2, Version max = Version::V1_3) {
  return {.cert_pem = pair.cert_pem, .key_pem = pair.key_pem, .min = min, .max = max};
}

TEST(Engine, SpeaksEachVersion) {
  for (const auto& [version, text] : {std::pair(Version::V1_3, "TLSv1.3"), std::pair(Version::V1_2, "TLSv1.2"),
                                      std::pair(Version::V1_1, "TLSv1.1"), std::pair(Version::V1_0, "TLSv1")}) {
    Pair p = Pair::make({.min = Version::V1_0, .max = version}, server_policy(rsa(), Version::V1_0));
    ASSERT_TRUE(p.works()) << text << ": " << p.client.error().detail << " / " << p.server.error().detail;
    EXPECT_EQ(p.client.version(), text);
    EXPECT_FALSE(p.client.cipher().empty());
    EXPECT_EQ(p.move(p.client, p.server, "to the device"), "to the device");
    EXPECT_EQ(p.move(p.server, p.client, "to the client"), "to the client");
  }
}

TEST(Engine, LargeWritesBecomeRecords) {
  Pair p = Pair::make({}, server_policy(ec()));
  ASSERT_TRUE(p.works());
  const std::string big(100000, 'x');
  EXPECT_EQ(p.client.write(as_bytes(big)).bytes, big.size());
  p.carry();
  Buffer buffer(200000);
  std::size_t total = 0;
  for (;;) {
    const IoResult r = p.server.read(MutableBytes(buffer).subspan(total));
    if (r.status != Status::Done) {
      EXPECT_EQ(r.status, Status::WantRead);
      break;
    }
    total += r.bytes;
  }
  EXPECT_EQ(total, big.size());
}

TEST(Engine, CloseNotifyEndsOneDirection) {
  Pair p = Pair::make({}, server_policy(rsa()));
  ASSERT_TRUE(p.works());
  EXPECT_EQ(p.client.shutdown(), Status::Done);
  p.carry();
  Buffer buffer(100);
  EXPECT_EQ(p.server.read(buffer).status, Status::Closed);
  EXPECT_EQ(p.move(p.server, p.client, "still here"), "still here");
}

TEST(Engine, NewTlsRefusesOldVersions) {
  Pair p = Pair::make({}, server_policy(rsa(), Version::V1_0, Version::V1_1));
  EXPECT_FALSE(p.works());
  EXPECT_NE(p.client.error().detail.find("tls_min"), std::string::npos) << p.client.error().detail;
}

TEST(Engine, ALegacyTargetChangesNothingForOthers) {
  const Context legacy = *Context::client({.min = Version::V1_0, .legacy = true});
  const Context old_server = *Context::server(server_policy(rsa(), Version::V1_0, Version::V1_0));
  Pair good(legacy, old_server);
  EXPECT_TRUE(good.works()) << good.client.error().detail;
  Pair bad(*Context::client({}), old_server);
  EXPECT_FALSE(bad.works());
}

TEST(Engine, TheMachinesConfigurationHasNoSay) {
  // What Debian's openssl.cnf writes (MinProtocol 1.2, security level 2) must not stop TLS 1.0 where it is asked for;
  // SpeaksEachVersion shows that. Here: a 1.2 client still offers RSA key exchange with AES-CBC.
  Pair p = Pair::make({.max = Version::V1_2}, server_policy(rsa()));
  ASSERT_TRUE(p.works());
  EXPECT_NE(p.client.cipher().find("AES128"), std::string::npos) << p.client.cipher();
}

TEST(Engine, ResumesSessions) {
  for (const Version max : {Version::V1_2, Version::V1_3}) {
    const Context client = *Context::client({.max = max});
    const Context server = *Context::server(server_policy(rsa()));
    SessionPtr session;
    {
      Pair p(client, server);
      ASSERT_TRUE(p.works());
      EXPECT_FALSE(p.client.resumed());
      EXPECT_EQ(p.move(p.server, p.client, "x"), "x");
      session = p.client.session();
      ASSERT_TRUE(session);
    }  // ends without close_notify, as after a reset
    for (int i = 0; i < 2; ++i) {
      Pair p(client, server);
      p.client.resume(session);
      ASSERT_TRUE(p.works());
      EXPECT_TRUE(p.client.resumed());
      EXPECT_TRUE(p.server.resumed());
      EXPECT_EQ(p.move(p.server, p.client, "x"), "x");
      ASSERT_FALSE(p.client.peer_chain().empty()) << "trust is judged on resumption too";
      EXPECT_EQ(p.client.peer_chain()[0], (*parse_pem(rsa().cert_pem))[0]);
      if (p.client.session()) session = p.client.session();
    }
  }
}

TEST(Engine, ADeclinedOlderSessionIsNotRenewed) {
  const Context client = *Context::client({});
  const Context old_server = *Context::server(server_policy(rsa(), Version::V1_2, Version::V1_2));
  SessionPtr session;
  {
    Pair p(client, old_server);
    ASSERT_TRUE(p.works());
    session = p.client.session();
    ASSERT_TRUE(session);
  }
  {
    Pair p(client, old_server);
    p.client.resume(session);
    ASSERT_TRUE(p.works());
    EXPECT_TRUE(p.client.resumed());
  }
  // The machine has got new firmware: it knows nothing of the session, and TLS 1.3.
  const Context new_server = *Context::server(server_policy(rsa()));
  {
    Pair p(client, new_server);
    p.client.resume(session);
    ASSERT_TRUE(p.works());
    EXPECT_FALSE(p.client.resumed());
    EXPECT_EQ(p.client.version(), "TLSv1.2");
    EXPECT_FALSE(p.client.session()) << "it would keep TLS 1.3 from ever being offered again";
  }
  Pair p(client, new_server);
  ASSERT_TRUE(p.works());
  EXPECT_EQ(p.client.version(), "TLSv1.3");
}

TEST(Engine, WithoutTicketsTheServersFirstRecordIsItsData) {
  for (const Version max : {Version::V1_2, Version::V1_3}) {
    ServerPolicy server = server_policy(rsa());
    server.tickets = false;
    Pair p(*Context::client({.max = max}), *Context::server(server));
    ASSERT_TRUE(p.works());
    EXPECT_EQ(p.server.write(as_bytes("x")).bytes, 1U);
    const Buffer wire = p.server.take_output();
    // One record of application data: its header, one byte, at most 8 of explicit nonce, a tag of 16, a type.
    ASSERT_LE(wire.size(), 5U + 1U + 8U + 16U + 1U);
    EXPECT_EQ(wire[0], 23);
    p.client.feed(wire);
    Buffer buffer(10);
    EXPECT_EQ(p.client.read(buffer).bytes, 1U);
    EXPECT_FALSE(p.client.session());
  }
}

TEST(Engine, ClientCertificates) {
  ServerPolicy server = server_policy(rsa());
  server.client_certificate = ServerPolicy::ClientCertificate::Require;
  Pair none = Pair::make({}, server);
  none.handshake();
  // In TLS 1.3 the client learns of the refusal with its first read.
  Buffer buffer(10);
  EXPECT_EQ(none.client.read(buffer).status, Status::Failed);
  EXPECT_NE(none.client.error().detail.find("client certificate"), std::string::npos) << none.client.error().detail;

  Pair with = Pair::make({.cert_pem = ec().cert_pem, .key_pem = ec().key_pem}, server);
  ASSERT_TRUE(with.works());
  ASSERT_EQ(with.server.peer_chain().size(), 1U);
  EXPECT_EQ(with.server.peer_chain()[0].subject(), "CN=ec");

  server.client_ca_pem = rsa().cert_pem;
  Pair stranger = Pair::make({.cert_pem = ec().cert_pem, .key_pem = ec().key_pem}, server);
  EXPECT_EQ(stranger.handshake().second, Status::Failed);
}

TEST(Engine, GarbageIsAnErrorNotAHang) {
  Pair p = Pair::make({}, server_policy(rsa()));
  EXPECT_EQ(p.client.handshake(), Status::WantRead);
  p.client.feed(as_bytes("HTTP/1.0 400 Bad Request\r\n\r\n"));
  EXPECT_EQ(p.client.handshake(), Status::Failed);
  EXPECT_NE(p.client.error().detail.find("speak TLS"), std::string::npos) << p.client.error().detail;
  EXPECT_EQ(p.client.handshake(), Status::Failed);
}

TEST(Context, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(Context::server({.cert_pem = rsa().cert_pem, .key_pem = ec().key_pem}));
  EXPECT_FALSE(Context::server({.cert_pem = "junk", .key_pem = rsa().key_pem}));
  EXPECT_FALSE(Context::server({.cert_pem = rsa().cert_pem, .key_pem = "junk"}));
  EXPECT_FALSE(Context::client({.min = Version::V1_3, .max = Version::V1_2}));
}

TEST(Certificate, FingerprintsAndSubject) {
  const auto certs = parse_pem(rsa().cert_pem + ec().cert_pem);
  ASSERT_TRUE(certs);
  ASSERT_EQ(certs->size(), 2U);
  EXPECT_EQ((*certs)[0].subject(), "CN=rsa");
  EXPECT_EQ((*certs)[0].sha256().size(), 64U);
  EXPECT_EQ((*certs)[0].public_key_sha256().size(), 64U);
  EXPECT_NE((*certs)[0].sha256(), (*certs)[0].public_key_sha256());
  const Certificate junk(Buffer{1, 2, 3});
  EXPECT_EQ(junk.subject(), "(unreadable)");
  EXPECT_EQ(junk.public_key_sha256(), "");
  EXPECT_FALSE(make_self_signed({.common_name = std::string(65, 'x')}));
  EXPECT_FALSE(parse_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
}

}  // namespace
}  // namespace amtgate::tls
