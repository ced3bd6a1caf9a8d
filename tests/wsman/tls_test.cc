// Certificates, keys and TLS settings, against simulated machines in memory.
#include <gtest/gtest.h>

#include "amtgate/tls/authority.h"
#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"
#include "amtgate/wsman/certificate_store.h"
#include "amtgate/wsman/tls_settings.h"
#include "tests/support/wsman_machine.h"

namespace amtgate::wsman {
namespace {

using test::WsmanMachine;

/// Made once: keys take their time.
struct Material {
  tls::KeyPair ca = *tls::make_authority("Lab CA", 30);
  std::string key_pem = *tls::make_rsa_key(2048);
  Buffer key = *tls::rsa_private_der(key_pem);
  Buffer half = *tls::rsa_public_der(key_pem);
  std::string cert_pem = *tls::issue(ca, half, {.common_name = "pc1"});
  Buffer cert = der(cert_pem);
  Buffer root = der(ca.cert_pem);
  std::string other_key_pem = *tls::make_rsa_key(2048);

  static Buffer der(const std::string& pem) {
    const tls::Certificate c = tls::parse_pem(pem)->front();
    return Buffer(c.der().begin(), c.der().end());
  }
};
const Material& made() {
  static const Material once;
  return once;
}

/// Without TLS, as a machine is before anybody sets it up.
class Bare : public WsmanMachine {
 public:
  explicit Bare(std::string_view name = "12") : WsmanMachine(profile(name)) {}

 private:
  static sim::Profile profile(std::string_view name) {
    sim::Profile p = *sim::find_profile(name);
    p.tls_open = false;
    return p;
  }
};

TEST(CertificateStore, TakesEachOnceAndGivesItBack) {
  Bare m;
  const Result<std::string> key = add_key(m, made().key), cert = add_certificate(m, made().cert),
                            root = add_root(m, made().root);
  ASSERT_TRUE(key && cert && root);
  EXPECT_EQ(handle_of(*cert), "0");
  EXPECT_EQ(handle_of(*root), "1");
  const CertificateStore store = *read_certificate_store(m);
  ASSERT_NE(store.find(made().cert, false), nullptr);
  EXPECT_EQ(store.find(made().cert, true), nullptr);
  EXPECT_EQ(store.find(made().root, true)->id, *root);
  EXPECT_EQ(store.find_key(made().half)->id, *key);
  EXPECT_EQ(m.last.xml.find("PRIVATE"), std::string::npos);
  EXPECT_NE(add_certificate(m, made().cert).error().detail.find("there already"), std::string::npos);
  EXPECT_NE(add_key(m, made().key).error().detail.find("there already"), std::string::npos);
}

TEST(CertificateStore, RefusesWhatIsNone) {
  Bare m;
  EXPECT_NE(add_certificate(m, Buffer{1, 2, 3}).error().detail.find("invalid certificate"), std::string::npos);
  EXPECT_NE(add_key(m, Buffer{1, 2, 3}).error().detail.find("invalid key"), std::string::npos);
  const std::string small = *tls::make_rsa_key(512);
  EXPECT_FALSE(add_key(m, *tls::rsa_private_der(small)));
  WsmanMachine newer("16.1");
  EXPECT_FALSE(add_key(newer, *tls::rsa_private_der(*tls::make_rsa_key(1024))));
  EXPECT_TRUE(add_key(m, *tls::rsa_private_der(*tls::make_rsa_key(1024))));
}

TEST(CertificateStore, OldFirmwareTakesRootsThatVouchForThemselvesOnly) {
  Bare eight("8");
  EXPECT_FALSE(add_root(eight, made().cert));
  EXPECT_TRUE(add_root(eight, made().root));
  Bare twelve;
  EXPECT_TRUE(add_root(twelve, made().cert));
}

TEST(CertificateStore, DeletesNothingThatIsInUse) {
  Bare m;
  const std::string key = *add_key(m, made().key), cert = *add_certificate(m, made().cert);
  EXPECT_FALSE(delete_key(m, key)) << "its certificate is there";
  ASSERT_TRUE(use_certificate(m, cert));
  EXPECT_FALSE(delete_certificate(m, cert));
  ASSERT_TRUE(use_no_certificate(m));
  EXPECT_TRUE(delete_certificate(m, cert));
  EXPECT_TRUE(delete_key(m, key));
  EXPECT_FALSE(delete_key(m, key)) << "it is gone";
}

TEST(CertificateStore, MakesAKeyThatNeverLeavesTheMachine) {
  Bare m("8");
  EXPECT_EQ(generate_key(m, 2048).error().code, Errc::Busy) << "old firmware takes its time";
  const Result<std::string> id = generate_key(m, 2048);
  ASSERT_TRUE(id) << id.error().detail;
  const Buffer half = read_certificate_store(m)->keys.front().rsa_public;
  const Result<Buffer> request = sign_request(m, *id, *tls::unsigned_request(half, "pc1"), RequestHash::Sha256);
  ASSERT_TRUE(request) << request.error().detail;
  EXPECT_EQ(*tls::verified_request_key(*request), half);
  EXPECT_FALSE(sign_request(m, *id, *tls::unsigned_request(made().half, "pc1"), RequestHash::Sha1)) << "another key";
  const std::string cert = *tls::issue(made().ca, half, {.common_name = "pc1"});
  const Result<std::string> stored = add_certificate(m, Material::der(cert));
  ASSERT_TRUE(stored);
  EXPECT_TRUE(use_certificate(m, *stored));
}

TEST(TlsSettings, CountFromTheCommitOn) {
  Bare m;
  EXPECT_FALSE(m.management.tls().tls);
  ASSERT_TRUE(add_key(m, made().key));
  ASSERT_TRUE(put_tls(m, TlsSide::Network, {.enabled = true, .plain_too = true}));
  EXPECT_NE(commit_changes(m).error().detail.find("data missing"), std::string::npos) << "no certificate is chosen";
  ASSERT_TRUE(use_certificate(m, *add_certificate(m, made().cert)));
  EXPECT_FALSE(m.management.tls().tls);
  ASSERT_TRUE(commit_changes(m));
  EXPECT_TRUE(m.around.network);
  EXPECT_TRUE(m.management.tls().tls);
  EXPECT_TRUE(m.management.tls().plain);
  EXPECT_EQ(m.management.tls().cert_pem, made().cert_pem);
  EXPECT_EQ(m.management.tls().key_pem, made().key_pem);
  m.around = {};
  ASSERT_TRUE(commit_changes(m));
  EXPECT_FALSE(m.around.network) << "nothing has changed";
  EXPECT_FALSE(use_no_certificate(m)) << "TLS is on";
  ASSERT_TRUE(put_tls(m, TlsSide::Network, {.enabled = false, .plain_too = false}));
  ASSERT_TRUE(commit_changes(m));
  EXPECT_TRUE(m.management.tls().plain) << "one of the two is always open";
  EXPECT_TRUE(use_no_certificate(m));
}

TEST(TlsSettings, AnswerReadsBackWhatWasPut) {
  Bare m;
  const TlsSettings wanted{
      .enabled = true, .plain_too = false, .mutual = true, .trusted_names = {".example.org", "gate"}};
  ASSERT_TRUE(put_tls(m, TlsSide::Network, wanted));
  const TlsState now = *read_tls(m);
  EXPECT_EQ(now.network, wanted);
  EXPECT_FALSE(now.local.enabled);
  EXPECT_FALSE(now.never_plain);
  EXPECT_EQ(now.certificate, "");
}

TEST(TlsSettings, WithoutKeyOrRootNothingGoes) {
  Bare m;
  const std::string cert = *add_certificate(m, made().cert);
  EXPECT_NE(use_certificate(m, cert).error().detail.find("keys missing"), std::string::npos);
  ASSERT_TRUE(add_key(m, made().key));
  ASSERT_TRUE(use_certificate(m, cert));
  ASSERT_TRUE(put_tls(m, TlsSide::Network, {.enabled = true, .plain_too = true, .mutual = true}));
  EXPECT_FALSE(commit_changes(m)) << "mutual without a root";
  ASSERT_TRUE(add_root(m, made().root));
  EXPECT_TRUE(commit_changes(m));
  EXPECT_TRUE(m.management.tls().mutual);
  EXPECT_FALSE(add_root(m, made().cert)) << "not while consoles are asked for certificates";
}

TEST(TlsSettings, NewFirmwareKeepsTls) {
  WsmanMachine m("16.1");
  m.management.start_tls(made().cert_pem, made().key_pem, "");
  const TlsState now = *read_tls(m);
  EXPECT_TRUE(now.never_plain);
  EXPECT_TRUE(now.network.enabled);
  EXPECT_EQ(handle_of(now.certificate), "0");
  EXPECT_FALSE(put_tls(m, TlsSide::Network, {.enabled = false, .plain_too = false}));
  EXPECT_FALSE(put_tls(m, TlsSide::Network, {.enabled = true, .plain_too = true}));
  EXPECT_FALSE(delete_certificate(m, now.certificate)) << "the firmware's own";
  ASSERT_TRUE(add_key(m, *tls::rsa_private_der(made().other_key_pem)));
  const std::string next = *tls::issue(made().ca, *tls::rsa_public_der(made().other_key_pem), {.common_name = "pc1"});
  ASSERT_TRUE(use_certificate(m, *add_certificate(m, Material::der(next))));
  EXPECT_EQ(m.management.tls().cert_pem, made().cert_pem);
  ASSERT_TRUE(commit_changes(m));
  EXPECT_EQ(m.management.tls().cert_pem, next);
}

TEST(TlsSettings, AConnectionThatBreaksAtTheCommitIsNoError) {
  Bare m;
  m.broken = Error{Errc::Closed, "gone"};
  EXPECT_TRUE(commit_changes(m));
  m.broken = Error{Errc::Unreachable, "never there"};
  EXPECT_FALSE(commit_changes(m));
}

TEST(TlsService, LetsConsolesInWhoseNameIsTrusted) {
  sim::TlsService s{.mutual = true, .set_up_from_afar = true, .trusted_names = {".example.org"}};
  const auto console = [&](const char* name, tls::Issue::Use use) {
    return lets_in(s, Material::der(*tls::issue(made().ca, made().half, {.use = use, .common_name = name})));
  };
  using enum tls::Issue::Use;
  EXPECT_TRUE(console("gate.example.org", Console));
  EXPECT_FALSE(console("gate.example.com", Console));
  EXPECT_FALSE(console("gate.example.org", Machine));
  s.trusted_names.clear();
  EXPECT_TRUE(console("gate.example.com", Console));
}

}  // namespace
}  // namespace amtgate::wsman
