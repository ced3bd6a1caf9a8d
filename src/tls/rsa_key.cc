#include "amtgate/tls/rsa_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "openssl.h"

namespace amtgate::tls {
namespace {

using NumberPtr = Handle<BIGNUM, &BN_free>;
using ScratchPtr = Handle<BN_CTX, &BN_CTX_free>;

NumberPtr number(const EVP_PKEY* key, const char* name) {
  BIGNUM* out = nullptr;
  EVP_PKEY_get_bn_param(key, name, &out);
  return NumberPtr(out);
}

/// That its modulus is the product of its factors. Whether these are prime takes longer to find out than is of use.
bool fits_together(const EVP_PKEY* key) {
  const NumberPtr n = number(key, OSSL_PKEY_PARAM_RSA_N), p = number(key, OSSL_PKEY_PARAM_RSA_FACTOR1),
                  q = number(key, OSSL_PKEY_PARAM_RSA_FACTOR2), product(BN_new());
  const ScratchPtr scratch(BN_CTX_new());
  return n && p && q && product && scratch && BN_mul(product.get(), p.get(), q.get(), scratch.get()) == 1 &&
         BN_cmp(product.get(), n.get()) == 0;
}

Result<KeyPtr> read_rsa(std::string_view key_pem) {
  Result<KeyPtr> key = read_key(key_pem);
  if (!key) return key.error();
  if (EVP_PKEY_is_a(key->get(), "RSA") != 1) {
    return Error{Errc::BadValue, "the private key is no RSA key; AMT takes no other"};
  }
  return key;
}

}  // namespace

Result<std::string> make_rsa_key(unsigned bits) {
  ERR_clear_error();
  const KeyPtr key(EVP_RSA_gen(bits));
  std::string pem = key ? write_key(key.get()) : std::string();
  if (pem.empty()) return Error{Errc::System, "cannot make a key: " + take_reason("no randomness")};
  return pem;
}

Result<Buffer> rsa_private_der(std::string_view key_pem) {
  const Result<KeyPtr> key = read_rsa(key_pem);
  if (!key) return key.error();
  return encode(key->get(), &i2d_PrivateKey);
}

Result<Buffer> rsa_public_der(std::string_view key_pem) {
  const Result<KeyPtr> key = read_rsa(key_pem);
  if (!key) return key.error();
  return encode(key->get(), &i2d_PublicKey);
}

Result<std::string> rsa_private_pem(Bytes private_der) {
  const Error wrong{Errc::BadValue, "no RSA private key in PKCS#1"};
  const unsigned char* at = private_der.data();
  const KeyPtr key(d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(private_der.size())));
  ERR_clear_error();
  if (!key || at != private_der.data() + private_der.size() || EVP_PKEY_is_a(key.get(), "RSA") != 1) return wrong;
  const bool sound = fits_together(key.get());
  ERR_clear_error();
  std::string pem = sound ? write_key(key.get()) : std::string();
  if (pem.empty()) return wrong;
  return pem;
}

unsigned rsa_bits(Bytes public_der) {
  const unsigned char* at = public_der.data();
  const KeyPtr key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(public_der.size())));
  ERR_clear_error();
  return key && at == public_der.data() + public_der.size() ? static_cast<unsigned>(EVP_PKEY_get_bits(key.get())) : 0;
}

}  // namespace amtgate::tls
