// feed_all_ways: runs one input through a fresh object whole, byte by byte, and at seeded random splits, and checks
// that what comes out does not depend on how the bytes were cut.
#pragma once

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "amtgate/base/bytes.h"
#include "amtgate/base/hex.h"

namespace amtgate::test {

/// Bytes of a hex literal in a test; a typo in it fails the test.
inline Buffer hex(std::string_view text) {
  Result<Buffer> r = from_hex(text);
  EXPECT_TRUE(r) << text;
  return r ? *r : Buffer{};
}

/// `run(chunks)` feeds the chunks in order to a fresh object and returns a description of all that came out.
template <class Run>
void feed_all_ways(Bytes input, Run run) {
  const std::string whole = run(std::vector<Bytes>{input});
  std::vector<Bytes> single;
  for (std::size_t i = 0; i < input.size(); ++i) single.push_back(input.subspan(i, 1));
  EXPECT_EQ(whole, run(single)) << "byte by byte";
  for (unsigned seed = 1; seed <= 8; ++seed) {
    std::mt19937 random(seed);
    std::vector<Bytes> chunks;
    for (std::size_t at = 0; at < input.size();) {
      const std::size_t n = std::min<std::size_t>(input.size() - at, 1 + random() % 17);
      chunks.push_back(input.subspan(at, n));
      at += n;
    }
    EXPECT_EQ(whole, run(chunks)) << "random splits, seed " << seed;
  }
}

}  // namespace amtgate::test
