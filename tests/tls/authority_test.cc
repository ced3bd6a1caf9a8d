#include "amtgate/tls/authority.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"
#include "amtgate/tls/trust.h"

namespace amtgate::tls {
namespace {

class Authority : public testing::Test {
 protected:
  /// Made once: keys take their time.
  struct Made {
    KeyPair ca = *make_authority("Lab CA", 30);
    std::string key = *make_rsa_key(2048);
  };
  static const Made& made() {
    static const Made once;
    return once;
  }

  Certificate issued(const Issue& what) { return parse_pem(*issue(ca, half, what))->front(); }

  const KeyPair& ca = made().ca;
  const std::string& key = made().key;
  const Buffer half = *rsa_public_der(key);
};

TEST_F(Authority, IssuesWhatAMachineCanShow) {
  const Certificate c = issued({.common_name = "pc1.example.org",
                                .dns_names = {"pc1.example.org", "pc1"},
                                .addresses = {*IpAddress::parse("192.0.2.7")}});
  const CertificateFacts f = *certificate_facts(c.der());
  EXPECT_EQ(f.common_name, "pc1.example.org");
  EXPECT_EQ(f.issuer, "CN=Lab CA");
  EXPECT_EQ(f.key, "RSA 2048");
  EXPECT_EQ(f.rsa_public, half);
  EXPECT_EQ(f.signature, "sha256WithRSAEncryption");
  EXPECT_EQ(f.names, (std::vector<std::string>{"pc1.example.org", "pc1", "192.0.2.7"}));
  EXPECT_FALSE(f.authority);
  EXPECT_TRUE(f.allows(kServerUse));
  EXPECT_FALSE(f.allows(kClientUse));
  for (const char* host : {"pc1", "PC1.example.org", "192.0.2.7"}) EXPECT_TRUE(is_for_host(c.der(), host)) << host;
  for (const char* host : {"pc2", "192.0.2.8", ""}) EXPECT_FALSE(is_for_host(c.der(), host)) << host;
  EXPECT_TRUE(judge({.ca_pem = ca.cert_pem}, {}, {"pc1", {}}, std::vector<Certificate>{c}));
}

TEST_F(Authority, EndsNoLaterThanItself) {
  const Certificate c = issued({.common_name = "pc1", .days = 3650});
  EXPECT_EQ(certificate_facts(c.der())->not_after,
            certificate_facts(parse_pem(ca.cert_pem)->front().der())->not_after);
}

TEST_F(Authority, GivesConsolesTheUseThatAmtAsksFor) {
  const Certificate c = issued({.use = Issue::Use::Console, .common_name = "gateway"});
  const CertificateFacts f = *certificate_facts(c.der());
  EXPECT_TRUE(f.allows(kClientUse));
  EXPECT_TRUE(f.allows(kAmtConsoleUse));
  EXPECT_FALSE(f.allows(kServerUse));
}

TEST_F(Authority, SignsWithSha1WhereAsked) {
  EXPECT_EQ(certificate_facts(issued({.common_name = "pc1", .hash = SignatureHash::Sha1}).der())->signature,
            "sha1WithRSAEncryption");
}

TEST_F(Authority, HasAnotherSerialNumberEachTime) {
  const Issue same{.common_name = "pc1"};
  EXPECT_NE(issued(same).sha256(), issued(same).sha256());
}

TEST_F(Authority, RefusesNamesThatWouldSayMore) {
  EXPECT_FALSE(issue(ca, half, {.common_name = ""}));
  EXPECT_FALSE(issue(ca, half, {.common_name = std::string(65, 'a')}));
  EXPECT_FALSE(issue(ca, half, {.common_name = "pc1", .dns_names = {"a,DNS:b"}}));
  EXPECT_FALSE(issue(ca, Buffer{1, 2, 3}, {.common_name = "pc1"}));
}

TEST_F(Authority, KnowsItsOwnFromOthers) {
  const KeyPair other = *make_authority("Lab CA", 30);  // of the same name
  const Certificate c = issued({.common_name = "pc1"});
  EXPECT_TRUE(is_signed_by(c.der(), parse_pem(ca.cert_pem)->front().der()));
  EXPECT_FALSE(is_signed_by(c.der(), parse_pem(other.cert_pem)->front().der()));
  EXPECT_FALSE(issue({ca.cert_pem, other.key_pem}, half, {.common_name = "pc1"}));
}

TEST_F(Authority, TakesTheRequestOfAKeyThatNeverLeftItsMachine) {
  const Buffer request = *unsigned_request(half, "pc1");
  EXPECT_FALSE(verified_request_key(request)) << "nobody has signed it yet";
  const Result<Buffer> done = sign_request(request, key, SignatureHash::Sha256);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(*verified_request_key(*done), half);
  EXPECT_FALSE(sign_request(request, *make_rsa_key(2048), SignatureHash::Sha256)) << "another key";
  Buffer broken = *done;
  broken.back() ^= 1;
  EXPECT_FALSE(verified_request_key(broken));
}

TEST(RsaKey, ComesBackFromItsPlainForm) {
  const std::string pem = *make_rsa_key(1024);
  const Result<std::string> again = rsa_private_pem(*rsa_private_der(pem));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, pem);
  EXPECT_EQ(rsa_bits(*rsa_public_der(pem)), 1024U);
}

TEST(RsaKey, RefusesWhatIsNone) {
  EXPECT_FALSE(rsa_private_der("no key"));
  const KeyPair ec = *make_self_signed({.key = KeyType::EcP256});
  EXPECT_FALSE(rsa_private_der(ec.key_pem));
  Buffer broken = *rsa_private_der(*make_rsa_key(1024));
  broken[40] ^= 1;
  EXPECT_FALSE(rsa_private_pem(broken));
  EXPECT_EQ(rsa_bits(Buffer{1, 2, 3}), 0U);
}

TEST(CertificateFacts, OfNoCertificateAreNone) {
  EXPECT_FALSE(certificate_facts(Buffer{0x30, 0x03, 1, 2, 3}));
  EXPECT_FALSE(is_for_host(Buffer{0x30}, "pc1"));
}

}  // namespace
}  // namespace amtgate::tls
