#include "amtgate/auth/random.h"

#include <openssl/rand.h>

#include <array>
#include <cstdlib>

#include "amtgate/base/hex.h"

namespace amtgate::auth {

void SystemRandom::fill(MutableBytes out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
}

std::string make_nonce(RandomSource& random) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static_assert(kAlphabet.size() == 64);
  std::array<std::uint8_t, 32> raw{};
  random.fill(raw);
  std::string out;
  for (const std::uint8_t b : raw) out += kAlphabet[b & 63];
  return out;
}

std::string make_cnonce(RandomSource& random) {
  std::array<std::uint8_t, 16> raw{};
  random.fill(raw);
  return to_hex(raw);
}

std::string make_realm(RandomSource& random) {
  std::string digits = make_cnonce(random);
  for (char& c : digits) {
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  }
  return "Digest:" + digits;
}

}  // namespace amtgate::auth
