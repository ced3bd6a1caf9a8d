#include "amtgate/http/challenger.h"

#include <gtest/gtest.h>

#include "amtgate/auth/digest.h"
#include "amtgate/http/digest_header.h"
#include "tests/support/counting_random.h"

namespace amtgate::http {
namespace {

const std::string kRealm = "Digest:0F1E2D3C4B5A69788796A5B4C3D2E1F0";

struct ChallengerTest : testing::Test {
  Request request(const std::string& nonce, unsigned count, const std::string& password = "pw",
                  const std::string& uri = "/wsman", const std::string& qop = "auth") {
    Request r;
    r.method = "POST";
    r.target = "/wsman";
    r.fields.add("authorization",
                 digest_answer({.realm = kRealm, .nonce = nonce, .qop = qop, .opaque = {}, .stale = false},
                               {"ann", password}, "POST", uri, count, "0a4f113b"));
    return r;
  }
  std::string judge(const Request& r, const std::string& from = "10.0.0.1") {
    const auto verdict = challenger.judge(r, users, kRealm, from, now);
    if (const auto* passed = std::get_if<Challenger::Passed>(&verdict)) return passed->user;
    if (std::holds_alternative<Challenger::Wait>(verdict)) return "wait";
    const auto& ask = std::get<Challenger::Ask>(verdict);
    return ask.stale ? "stale" : ask.wrong ? "wrong" : "ask";
  }

  test::CountingRandom random;
  TimePoint now{};
  auth::SingleUser users{{"ann", "pw"}};
  Challenger challenger{random, now};
};

TEST_F(ChallengerTest, LetsInWhoAnswersAndNobodyTwice) {
  const std::string nonce = challenger.nonce(random, now);
  EXPECT_EQ(nonce.size(), 32U);
  EXPECT_EQ(judge(Request{}), "ask");
  EXPECT_EQ(judge(request(nonce, 1)), "ann");
  EXPECT_EQ(judge(request(nonce, 1)), "stale");
  EXPECT_EQ(judge(request(nonce, 3)), "ann");
  EXPECT_EQ(judge(request(nonce, 2)), "ann") << "another connection was faster";
  EXPECT_EQ(judge(request(nonce, 2)), "stale");
  EXPECT_EQ(judge(request(nonce, 66)), "ann");
  EXPECT_EQ(judge(request(nonce, 3)), "stale");
  EXPECT_EQ(judge(request(nonce, 4)), "ann");
  EXPECT_EQ(judge(request(nonce, 1000)), "ann");
  EXPECT_EQ(judge(request(nonce, 66)), "stale");
}

TEST_F(ChallengerTest, ForgedAndOldNoncesAreStale) {
  std::string nonce = challenger.nonce(random, now);
  std::string later = nonce;
  later[7] = '1';
  EXPECT_EQ(judge(request(later, 1)), "stale");
  EXPECT_EQ(judge(request("short", 1)), "stale");
  now += Challenger::kLifetime;
  EXPECT_EQ(judge(request(nonce, 1)), "ann");
  now += seconds(1);
  EXPECT_EQ(judge(request(nonce, 2)), "stale");
}

TEST_F(ChallengerTest, AnAnswerIsForItsRequest) {
  const std::string nonce = challenger.nonce(random, now);
  EXPECT_EQ(judge(request(nonce, 1, "pw", "/index.htm")), "wrong");
  Request get = request(nonce, 1);
  get.method = "GET";
  EXPECT_EQ(judge(get), "wrong");
  EXPECT_EQ(judge(request(nonce, 1, "pw", "/wsman", "")), "wrong") << "an answer without a count";
  Request two = request(nonce, 1);
  two.fields.add("Authorization", "Digest x");
  EXPECT_EQ(judge(two), "ask");
  Request basic;
  basic.fields.add("Authorization", "Basic YW5uOnB3");
  EXPECT_EQ(judge(basic), "ask");
}

TEST_F(ChallengerTest, WhoGuessesWaits) {
  const std::string nonce = challenger.nonce(random, now);
  for (unsigned i = 0; i < Challenger::kFreeGuesses; ++i) EXPECT_EQ(judge(request(nonce, i + 1, "no")), "wrong");
  EXPECT_EQ(judge(request(nonce, 90)), "wait");
  EXPECT_EQ(judge(request(nonce, 91), "10.0.0.2"), "ann");
  now += Challenger::kGuessWait + seconds(1);
  EXPECT_EQ(judge(request(nonce, 92)), "ann");
}

TEST_F(ChallengerTest, RemembersABoundedNumber) {
  const std::string first = challenger.nonce(random, now);
  EXPECT_EQ(judge(request(first, 1)), "ann");
  now += seconds(1);
  for (std::size_t i = 0; i < Challenger::kMostAnswered; ++i) {
    // CountingRandom repeats itself too soon for this many.
    struct Numbered final : auth::RandomSource {
      std::size_t n = 0;
      void fill(MutableBytes out) override {
        for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<std::uint8_t>(n >> (8 * (k % 4)));
      }
    } numbered;
    numbered.n = i;
    ASSERT_EQ(judge(request(challenger.nonce(numbered, now), 1)), "ann");
  }
  EXPECT_EQ(judge(request(first, 2)), "stale");
}

}  // namespace
}  // namespace amtgate::http
