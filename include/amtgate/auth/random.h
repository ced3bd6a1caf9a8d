// Random bytes as a value that is handed in, so that a core stays repeatable in tests, and the nonces made from them.
#pragma once

#include <string>

#include "amtgate/base/bytes.h"

namespace amtgate::auth {

/// Fills buffers with bytes that nobody can guess. Must outlive every machine that it was given to.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(MutableBytes out) = 0;
};

/// libcrypto's generator. Ends the program when the operating system gives no entropy: there is no safe way on.
class SystemRandom final : public RandomSource {
 public:
  void fill(MutableBytes out) override;
};

/// Server nonce: 32 characters of A-Z a-z 0-9 + / (192 bits). amtterm takes no longer one.
std::string make_nonce(RandomSource& random);
/// Client nonce: 32 lower-case hexadecimal digits (128 bits).
std::string make_cnonce(RandomSource& random);
/// A realm as AMT makes it: "Digest:" and 32 upper-case hexadecimal digits.
std::string make_realm(RandomSource& random);

}  // namespace amtgate::auth
