#include "amtgate/tls/trust.h"

#include <gtest/gtest.h>

#include "amtgate/tls/certificate.h"

namespace amtgate::tls {
namespace {

const KeyPair& pair_a() {
  static const KeyPair pair = *make_self_signed({.key = KeyType::EcP256, .common_name = "a"});
  return pair;
}
const KeyPair& pair_b() {
  static const KeyPair pair = *make_self_signed({.key = KeyType::EcP256, .common_name = "b"});
  return pair;
}
std::vector<Certificate> chain_a() {
  return *parse_pem(pair_a().cert_pem);
}

const KnownCertificates::Identity kPc1{"pc1", *IpAddress::parse("10.99.0.10")};

TEST(Trust, FirstUseThenKnownThenChanged) {
  KnownCertificates known;
  const auto first = judge({}, known, kPc1, chain_a());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->how, Verdict::How::FirstUse);
  ASSERT_TRUE(known.remember(kPc1, {chain_a()[0].sha256(), "2026-01-31"}));
  EXPECT_EQ(judge({}, known, kPc1, chain_a())->how, Verdict::How::Known);

  const auto changed = judge({}, known, kPc1, *parse_pem(pair_b().cert_pem));
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, Errc::Untrusted);
  for (const std::string& word : {chain_a()[0].sha256(), (*parse_pem(pair_b().cert_pem))[0].sha256(),
                                  std::string("2026-01-31"), std::string("remove its line"), std::string("pc1")}) {
    EXPECT_NE(changed.error().detail.find(word), std::string::npos) << changed.error().detail;
  }
  EXPECT_EQ(judge({}, known, {"pc2", kPc1.device}, chain_a())->how, Verdict::How::FirstUse);
  EXPECT_TRUE(known.forget(kPc1));
  EXPECT_EQ(judge({}, known, kPc1, chain_a())->how, Verdict::How::FirstUse);
}

TEST(Trust, AnAnnouncedCertificateMayComeInItsPlace) {
  const Certificate b = parse_pem(pair_b().cert_pem)->front();
  KnownCertificates known;
  ASSERT_TRUE(known.remember(kPc1, {chain_a()[0].sha256(), "2026-01-31", b.sha256()}));
  EXPECT_EQ(judge({}, known, kPc1, chain_a())->how, Verdict::How::Known) << "the old one stays until it is seen";
  EXPECT_EQ(judge({}, known, kPc1, std::vector<Certificate>{b})->how, Verdict::How::Next);
  const Result<KnownCertificates> again = KnownCertificates::parse(known.format());
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(*again, known);
  EXPECT_FALSE(known.remember(kPc1, {b.sha256(), "2026-01-31", "abc"}));
  const std::string line = "pc1 10.99.0.10 " + b.sha256() + " 2026-01-31 ";
  for (const char* rest : {"next:", "next:12", "more", "next:12 more"})
    EXPECT_FALSE(KnownCertificates::parse(line + rest)) << rest;
}

TEST(Trust, PinOfCertificateOrKey) {
  const Certificate a = chain_a()[0];
  EXPECT_EQ(judge({.pin = a.sha256()}, {}, kPc1, chain_a())->how, Verdict::How::Pin);
  EXPECT_EQ(judge({.pin = a.public_key_sha256()}, {}, kPc1, chain_a())->how, Verdict::How::Pin);
  const auto wrong = judge({.pin = std::string(64, '0')}, {}, kPc1, chain_a());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::Untrusted);
  EXPECT_NE(wrong.error().detail.find(a.sha256()), std::string::npos);
}

TEST(Trust, CaDecidesAlone) {
  EXPECT_EQ(judge({.ca_pem = pair_a().cert_pem}, {}, kPc1, chain_a())->how, Verdict::How::Ca);
  const auto other = judge({.ca_pem = pair_b().cert_pem}, {}, kPc1, chain_a());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::Untrusted);
  EXPECT_NE(other.error().detail.find("tls_ca"), std::string::npos);
  EXPECT_EQ(judge({.ca_pem = "junk"}, {}, kPc1, chain_a()).error().code, Errc::BadValue);
  EXPECT_FALSE(judge({.ca_pem = pair_a().cert_pem, .pin = std::string(64, '0')}, {}, kPc1, chain_a()));
}

TEST(Trust, ACaSpeaksForTheHostThatItNames) {
  const auto policy = [](std::vector<std::string> hosts) {
    return TrustPolicy{.ca_pem = pair_a().cert_pem, .hosts = std::move(hosts)};
  };
  EXPECT_EQ(judge(policy({"a"}), {}, kPc1, chain_a())->how, Verdict::How::Ca);
  EXPECT_TRUE(judge(policy({"10.99.0.10", "a"}), {}, kPc1, chain_a())) << "one of them is enough";
  const auto other = judge(policy({"10.99.0.10", "b"}), {}, kPc1, chain_a());
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Errc::Untrusted);
  EXPECT_NE(other.error().detail.find("not for 10.99.0.10 or b"), std::string::npos) << other.error().detail;
  EXPECT_NE(other.error().detail.find("tls_name"), std::string::npos) << other.error().detail;
}

TEST(Trust, NoCertificateIsUntrusted) {
  EXPECT_EQ(judge({}, {}, kPc1, {}).error().code, Errc::Untrusted);
}

TEST(KnownCertificates, ParsesWhatItFormats) {
  KnownCertificates known;
  ASSERT_TRUE(known.remember(kPc1, {std::string(64, 'a'), "2026-01-31"}));
  ASSERT_TRUE(known.remember({"pc1", *IpAddress::parse("2001:db8::1")}, {std::string(64, 'b'), "2026-02-01"}));
  const auto again = KnownCertificates::parse(known.format());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, known);
  EXPECT_EQ(again->find(kPc1)->date, "2026-01-31");
}

struct Row {
  const char* name;
  std::string text;
  const char* want;  // a part of the error; null = well formed
};
const std::string kSha(64, '0');
const Row kRows[] = {
    {"empty", "", nullptr},
    {"comments", "# a\n\n   # b\n", nullptr},
    {"tabs_and_return", "pc1\t10.0.0.1 " + kSha + " 2026-01-31\r\n", nullptr},
    {"no_newline_at_end", "pc1 10.0.0.1 " + kSha + " 2026-01-31", nullptr},
    {"three_words", "pc1 10.0.0.1 " + kSha + "\n", "line 1: expected"},
    {"five_words", "\npc1 10.0.0.1 " + kSha + " 2026-01-31 x\n", "line 2: expected"},
    {"bad_address", "pc1 10.0.0 " + kSha + " 2026-01-31\n", "line 1: "},
    {"upper_case_digits", "pc1 10.0.0.1 " + std::string(64, 'A') + " 2026-01-31\n", "hex"},
    {"short_digits", "pc1 10.0.0.1 " + std::string(63, 'a') + " 2026-01-31\n", "hex"},
    {"bad_date", "pc1 10.0.0.1 " + kSha + " 31.01.2026\n", "date"},
    {"twice", "p 10.0.0.1 " + kSha + " 2026-01-31\np 10.0.0.1 " + kSha + " 2026-01-31\n", "line 2: this target"},
    {"long_line", std::string(2000, 'x') + "\n", "longer"},
};
class KnownCertificatesRows : public testing::TestWithParam<Row> {};
TEST_P(KnownCertificatesRows, Parse) {
  const auto r = KnownCertificates::parse(GetParam().text);
  if (GetParam().want == nullptr) {
    EXPECT_TRUE(r) << r.error().detail;
  } else {
    ASSERT_FALSE(r);
    EXPECT_NE(r.error().detail.find(GetParam().want), std::string::npos) << r.error().detail;
  }
}
INSTANTIATE_TEST_SUITE_P(All, KnownCertificatesRows, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(KnownCertificates, RefusesNamesThatCannotBeWritten) {
  KnownCertificates known;
  const KnownCertificates::Entry entry{kSha, "2026-01-31"};
  for (const std::string& bad :
       {std::string(""), std::string("a b"), std::string("a\nb"), std::string("#a"), std::string(1000, 'x')}) {
    EXPECT_FALSE(known.remember({bad, kPc1.device}, entry)) << bad;
  }
  EXPECT_FALSE(known.remember(kPc1, {"xyz", "2026-01-31"}));
  EXPECT_FALSE(known.remember(kPc1, {kSha, "today"}));
}

}  // namespace
}  // namespace amtgate::tls
