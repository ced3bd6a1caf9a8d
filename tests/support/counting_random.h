// A RandomSource for tests: 0, 1, 2 ... so that nonces are the same in every run and differ from each other.
#pragma once

#include "amtgate/auth/random.h"

namespace amtgate::test {

class CountingRandom final : public auth::RandomSource {
 public:
  void fill(MutableBytes out) override {
    for (std::uint8_t& b : out) b = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

}  // namespace amtgate::test
