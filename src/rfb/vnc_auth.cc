#include "amtgate/rfb/vnc_auth.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "amtgate/base/handle.h"

namespace amtgate::rfb {
namespace {

constexpr std::size_t kDesKey = 8;

std::uint8_t reversed(std::uint8_t b) {
  std::uint8_t out = 0;
  for (unsigned i = 0; i < 8; ++i) {
    if (b >> i & 1) out = static_cast<std::uint8_t>(out | 0x80 >> i);
  }
  return out;
}

}  // namespace

Result<VncChallenge> vnc_response(std::string_view password, const VncChallenge& challenge) {
  // OpenSSL 3 keeps single DES in the legacy provider, which hosts need not have; triple DES with the same key three
  // times is the same function, and in the default provider.
  std::array<std::uint8_t, 3 * kDesKey> key{};
  for (std::size_t i = 0; i < std::min(kDesKey, password.size()); ++i) {
    key[i] = key[i + kDesKey] = key[i + 2 * kDesKey] = reversed(static_cast<std::uint8_t>(password[i]));
  }
  const Handle<EVP_CIPHER_CTX, &EVP_CIPHER_CTX_free> ctx(EVP_CIPHER_CTX_new());
  VncChallenge out{};
  int n = 0;
  const bool ok = ctx && EVP_EncryptInit_ex(ctx.get(), EVP_des_ede3_ecb(), nullptr, key.data(), nullptr) == 1 &&
                  EVP_CIPHER_CTX_set_padding(ctx.get(), 0) == 1 &&
                  EVP_EncryptUpdate(ctx.get(), out.data(), &n, challenge.data(), kVncChallengeSize) == 1 &&
                  n == static_cast<int>(kVncChallengeSize);
  OPENSSL_cleanse(key.data(), key.size());
  if (!ok) return Error{Errc::System, "libcrypto has no DES, which VNC passwords need"};
  return out;
}

Result<bool> vnc_response_ok(std::string_view password, const VncChallenge& challenge, Bytes response) {
  const Result<VncChallenge> want = vnc_response(password, challenge);
  if (!want) return want.error();
  return response.size() == want->size() && CRYPTO_memcmp(response.data(), want->data(), want->size()) == 0;
}

}  // namespace amtgate::rfb
