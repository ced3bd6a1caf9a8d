#include "amtgate/rfb/vnc_auth.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

VncChallenge challenge(std::string_view digits) {
  VncChallenge c{};
  const Buffer b = test::hex(digits);
  std::copy(b.begin(), b.end(), c.begin());
  return c;
}

// Origin of the first: computed by an implementation of AMT's clients. The second and third: only 8 characters count,
// and a shorter password is padded with zeros.
TEST(VncAuth, KnownVectors) {
  const VncChallenge c = challenge("000102030405060708090a0b0c0d0e0f");
  EXPECT_EQ(to_hex(*vnc_response("Pa55w0rd", c)), "e401ff411db1cf4cedbba1df58af05e2");
  EXPECT_EQ(*vnc_response("Pa55w0rd and more", c), *vnc_response("Pa55w0rd", c));
  EXPECT_EQ(*vnc_response("abc", c), *vnc_response(std::string_view("abc\0\0\0\0\0", 8), c));
}

TEST(VncAuth, ComparesWholeResponses) {
  const VncChallenge c = challenge("000102030405060708090a0b0c0d0e0f");
  Buffer response = test::hex("e401ff411db1cf4cedbba1df58af05e2");
  EXPECT_TRUE(*vnc_response_ok("Pa55w0rd", c, response));
  EXPECT_FALSE(*vnc_response_ok("Pa55w0rD", c, response));
  response.back() ^= 1;
  EXPECT_FALSE(*vnc_response_ok("Pa55w0rd", c, response));
  response.pop_back();
  EXPECT_FALSE(*vnc_response_ok("Pa55w0rd", c, response));
}

}  // namespace
}  // namespace amtgate::rfb
