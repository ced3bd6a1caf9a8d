#include "amtgate/http/digest_header.h"

#include <gtest/gtest.h>

#include "amtgate/auth/digest.h"

namespace amtgate::http {
namespace {

constexpr std::string_view kRealm = "Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0";
constexpr std::string_view kNonce = "AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM";

struct Dialect {
  const char* name;
  const char* header;
  const char* body;
};
// The same login as each client spells it; the responses were computed by hand from RFC 2617.
const Dialect kDialects[] = {
    {"libcurl",
     "Digest username=\"admin\", realm=\"Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0\", "
     "nonce=\"AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM\", uri=\"/wsman\", cnonce=\"0a4f113b\", nc=00000001, qop=auth, "
     "response=\"026ae66a8ec1b9f9c36bcdf0cc047ab8\"",
     ""},
    {"meshcommander",
     "Digest username=\"admin\",realm=\"Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0\",nonce=\""
     "AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM\",uri=\"/wsman\",qop=auth,response=\"026ae66a8ec1b9f9c36bcdf0cc047ab8\","
     "nc=00000001,cnonce=\"0a4f113b\"",
     ""},
    {"everything_quoted",
     "digest  username=\"admin\" , realm=\"Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0\",nonce=\""
     "AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM\",uri=\"/wsman\",qop=\"auth\",response=\"026ae66a8ec1b9f9c36bcdf0cc047ab8\","
     "nc=\"00000001\",cnonce=\"0a4f113b\",algorithm=MD5",
     ""},
    {"auth_int",
     "Digest username=\"admin\",realm=\"Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0\",nonce=\""
     "AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM\",uri=\"/wsman\",qop=auth-int,response=\"f779c29bab03ac8f8ff785cf52184919\","
     "nc=00000001,cnonce=\"0a4f113b\"",
     "<x/>"},
};

TEST(DigestAnswer, TakesEveryDialect) {
  const std::string ha1 = auth::ha1("admin", kRealm, "P@ssw0rd");
  EXPECT_EQ(ha1, "60e295372cc1743af9153fc952e24ba9");
  for (const Dialect& d : kDialects) {
    const Result<DigestAnswer> a = parse_digest_answer(d.header);
    ASSERT_TRUE(a) << d.name;
    EXPECT_EQ(a->username, "admin") << d.name;
    EXPECT_EQ(a->realm, kRealm) << d.name;
    EXPECT_EQ(a->nonce, kNonce) << d.name;
    EXPECT_TRUE(proves(*a, ha1, "POST", d.body)) << d.name;
    EXPECT_FALSE(proves(*a, ha1, "GET", d.body)) << d.name;
    EXPECT_FALSE(proves(*a, auth::ha1("admin", kRealm, "P@ssw0rD"), "POST", d.body)) << d.name;
  }
}

TEST(DigestAnswer, BindsTheBodyWhereItWasAsked) {
  const Result<DigestAnswer> a = parse_digest_answer(kDialects[3].header);
  ASSERT_TRUE(a);
  EXPECT_FALSE(proves(*a, auth::ha1("admin", kRealm, "P@ssw0rd"), "POST", "<y/>"));
}

TEST(DigestAnswer, HashesTheCountAsItWasSent) {
  DigestAnswer a{"admin", std::string(kRealm), std::string(kNonce), "/wsman", "auth", "6", "0a4f113b", ""};
  const std::string ha1 = auth::ha1("admin", kRealm, "P@ssw0rd");
  a.response = auth::digest_response(ha1, {kNonce, "6", "0a4f113b", "auth", "POST", "/wsman"});
  EXPECT_TRUE(proves(a, ha1, "POST", ""));
  a.nc = "00000006";
  EXPECT_FALSE(proves(a, ha1, "POST", ""));
}

TEST(DigestAnswer, RefusesWhatIsNone) {
  EXPECT_EQ(parse_digest_answer("Basic YWRtaW46eA==").error().code, Errc::Unsupported);
  EXPECT_EQ(parse_digest_answer("").error().code, Errc::Unsupported);
  EXPECT_EQ(parse_digest_answer("Digest").error().code, Errc::Unsupported);
  EXPECT_EQ(parse_digest_answer("Digest ").error().code, Errc::BadValue);
  EXPECT_EQ(parse_digest_answer("Digest username=\"admin").error().code, Errc::BadValue);
  EXPECT_EQ(parse_digest_answer("Digest username").error().code, Errc::BadValue);
  EXPECT_EQ(parse_digest_answer("Digest username=admin, nonce=1, uri=/").error().code, Errc::BadValue);
  EXPECT_EQ(parse_digest_answer("Digest " + std::string(kMaxDigestHeader, 'a')).error().code, Errc::TooLarge);
}

TEST(DigestAnswer, RefusesAnUnknownQop) {
  DigestAnswer a{"admin", std::string(kRealm), "n", "/wsman", "both", "1", "c", ""};
  EXPECT_FALSE(proves(a, "h", "POST", ""));
}

TEST(DigestChallenge, IsSpelledAsAmtDoes) {
  EXPECT_EQ(digest_challenge("Digest:00", "abc", false, "auth"),
            "Digest realm=\"Digest:00\", nonce=\"abc\",stale=\"false\",qop=\"auth\"");
}

TEST(DigestChallenge, IsAnsweredAsComputedByHand) {
  for (const char* header :
       {"Digest realm=\"Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0\", "
        "nonce=\"AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM\",stale=\"false\",qop=\"auth-int, auth\"",
        "digest qop=\"auth,auth-int\",stale=true , algorithm=MD5,nonce=\""
        "AAAAAQIAAAAAAAAAESIzRFVmd4iZqrvM\",realm=\"Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0\""}) {
    const Result<DigestChallenge> c = parse_digest_challenge(header);
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->realm, kRealm);
    EXPECT_EQ(c->stale, header[0] == 'd');
    EXPECT_EQ(digest_answer(*c, {"admin", "P@ssw0rd"}, "POST", "/wsman", 1, "0a4f113b"), kDialects[0].header);
  }
  for (const char* header :
       {"Basic realm=\"x\"", "Digest realm=\"x\"", "Digest nonce=\"x\"", "",
        "Digest realm=\"x\",nonce=\"y\",algorithm=SHA-256", "Digest realm=\"x\",nonce=\"y\",qop=\"auth-int\"",
        "Digest realm=\"x\\\"y\",nonce=\"y\""}) {
    EXPECT_FALSE(parse_digest_challenge(header)) << header;
  }
}

}  // namespace
}  // namespace amtgate::http
