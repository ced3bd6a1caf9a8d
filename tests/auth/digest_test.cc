#include "amtgate/auth/digest.h"

#include <gtest/gtest.h>

#include "amtgate/auth/credentials.h"
#include "amtgate/auth/random.h"
#include "tests/support/counting_random.h"

namespace amtgate::auth {
namespace {

// Bytes that amtterm 1.7, MeshCommander and MeshCentral's interceptor produced or accepted.
constexpr std::string_view kRealm = "Digest:A3F0C9D1E2B4567890ABCDEF12345678";
constexpr std::string_view kNonce = "qYQAAJ4AAAAvkZ6m3sZp0WJmV1sQyQ7d";
constexpr std::string_view kCnonce = "abcdef0123456789abcdef0123456789";

TEST(Digest, HashesAsStockClientsDo) {
  const std::string h = ha1("admin", kRealm, "P@ssw0rd1!");
  EXPECT_EQ(h, "a8af8f58a3fbee8354e32957001d8dab");
  EXPECT_EQ(md5_hex("POST:/RedirectionService"), "63719ae578d1b7ff84edbc5762bd658b");
  EXPECT_EQ(redirection_response(h, kNonce, "00000002", kCnonce, "auth"), "2a1a54d2f9c3ec80c92f147ab2674f75");
  EXPECT_EQ(redirection_response_old(h, kNonce), "d82e7308f2d3584acc612940a83dbf37");
  EXPECT_EQ(redirection_response(h, kNonce, "00000001", "0123456789", "auth"), "6e13d5dd2a93a94f38ac65cc5e778a9f");
  // ui-toolkit hashes "auth " with a stray blank and an empty uri: never equal to what is right.
  EXPECT_EQ(digest_response(
                h, {.nonce = kNonce, .nc = "00000002", .cnonce = kCnonce, .qop = "auth ", .verb = "POST", .uri = ""}),
            "134ff573f6b53542bd223dd5a7564666");
}

TEST(Digest, HashesTheExampleOfRfc2617) {
  const std::string h = ha1("Mufasa", "testrealm@host.com", "Circle Of Life");
  EXPECT_EQ(digest_response(h, {.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                                .nc = "00000001",
                                .cnonce = "0a4f113b",
                                .qop = "auth",
                                .verb = "GET",
                                .uri = "/dir/index.html"}),
            "6629fae49393a05397450978507c4ef1");
}

TEST(Digest, PicksAuthFromAList) {
  for (const char* offered : {"auth", "auth-int, auth", " auth ,auth-int", "auth-int,\tauth", ",,auth"}) {
    EXPECT_EQ(*pick_qop(offered), "auth") << offered;
  }
  EXPECT_EQ(*pick_qop("AUTH"), "AUTH");
  for (const char* offered : {"", "auth-int", "auth-int, auth2", "aut", ",", "au th"}) {
    ASSERT_FALSE(pick_qop(offered)) << offered;
    EXPECT_EQ(pick_qop(offered).error().code, Errc::Unsupported);
  }
  EXPECT_LT(pick_qop(std::string(10000, 'x')).error().detail.size(), 200u);
}

TEST(Digest, ComparesSecrets) {
  EXPECT_TRUE(equal_secret("", ""));
  EXPECT_TRUE(equal_secret("abc", "abc"));
  EXPECT_FALSE(equal_secret("abc", "abd"));
  EXPECT_FALSE(equal_secret("abc", "abcd"));
}

TEST(Random, MakesWhatAmttermCanHold) {
  SystemRandom random;
  const std::string a = make_nonce(random);
  const std::string b = make_nonce(random);
  EXPECT_EQ(a.size(), 32u);
  EXPECT_NE(a, b);
  EXPECT_EQ(make_cnonce(random).size(), 32u);
  test::CountingRandom counting;
  EXPECT_EQ(make_cnonce(counting), "000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(make_realm(counting), "Digest:101112131415161718191A1B1C1D1E1F");
  EXPECT_EQ(make_nonce(counting), "ghijklmnopqrstuvwxyz0123456789+/");
}

TEST(SingleUser, KnowsOneUser) {
  const SingleUser store({"admin", "P@ssw0rd1!"});
  EXPECT_EQ(store.ha1("admin", kRealm), "a8af8f58a3fbee8354e32957001d8dab");
  EXPECT_FALSE(store.ha1("Admin", kRealm));
  EXPECT_TRUE(store.check_password("admin", "P@ssw0rd1!"));
  EXPECT_FALSE(store.check_password("admin", "P@ssw0rd1"));
  EXPECT_FALSE(store.check_password("admin", ""));
  EXPECT_FALSE(store.check_password("", "P@ssw0rd1!"));
}

}  // namespace
}  // namespace amtgate::auth
