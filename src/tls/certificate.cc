#include "amtgate/tls/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "amtgate/base/hex.h"
#include "openssl.h"

namespace amtgate::tls {
namespace {

std::string sha256_hex(Bytes in) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned n = 0;
  if (EVP_Digest(in.data(), in.size(), digest.data(), &n, EVP_sha256(), nullptr) != 1) return "";
  return to_hex(Bytes(digest.data(), n));
}

/// Null when it does not parse, or when something follows it.
X509Ptr decode(Bytes der) {
  const unsigned char* at = der.data();
  X509Ptr cert(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (cert && at != der.data() + der.size()) cert.reset();
  return cert;
}

template <class T, class Encode>
Buffer encode(T* object, Encode to_der) {
  const int n = to_der(object, nullptr);
  if (n <= 0) return {};
  Buffer out(static_cast<std::size_t>(n));
  unsigned char* at = out.data();
  to_der(object, &at);
  return out;
}

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long n = BIO_get_mem_data(bio, &data);
  return n > 0 ? std::string(data, static_cast<std::size_t>(n)) : std::string();
}

KeyPtr make_key(KeyType type) {
  switch (type) {
    case KeyType::Rsa2048: return KeyPtr(EVP_RSA_gen(2048));
    case KeyType::EcP256: return KeyPtr(EVP_EC_gen("P-256"));
    case KeyType::EcP384: return KeyPtr(EVP_EC_gen("P-384"));
  }
  return nullptr;
}

bool add_extension(X509* cert, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  const Handle<X509_EXTENSION, &X509_EXTENSION_free> e(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return e && X509_add_ext(cert, e.get(), -1) == 1;
}

}  // namespace

std::string Certificate::sha256() const {
  return sha256_hex(der_);
}

std::string Certificate::public_key_sha256() const {
  const X509Ptr cert = decode(der_);
  if (!cert) return "";
  return sha256_hex(encode(X509_get_X509_PUBKEY(cert.get()), &i2d_X509_PUBKEY));
}

std::string Certificate::subject() const {
  const X509Ptr cert = decode(der_);
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!cert || !out) return "(unreadable)";
  X509_NAME_print_ex(out.get(), X509_get_subject_name(cert.get()), 0, XN_FLAG_RFC2253);
  return contents(out.get());
}

Result<std::vector<Certificate>> parse_pem(std::string_view pem) {
  const Result<std::vector<X509Ptr>> certs = read_certificates(pem);
  if (!certs) return certs.error();
  std::vector<Certificate> out;
  for (const X509Ptr& c : *certs) out.emplace_back(encode(c.get(), &i2d_X509));
  return out;
}

Result<KeyPair> make_self_signed(const SelfSigned& options) {
  constexpr std::size_t kMaxCommonName = 64;  // ub-common-name, RFC 5280 appendix A
  if (options.common_name.empty() || options.common_name.size() > kMaxCommonName) {
    return Error{Errc::BadValue, "a certificate's name has 1 to 64 characters"};
  }
  ERR_clear_error();
  const KeyPtr key = make_key(options.key);
  const X509Ptr cert(X509_new());
  std::array<std::uint8_t, 16> serial{};
  if (!key || !cert || RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) {
    return Error{Errc::System, "cannot make a key: " + take_reason("no randomness")};
  }
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive and of full length
  const Handle<BIGNUM, &BN_free> number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  X509_set_version(cert.get(), X509_VERSION_3);
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert.get()));
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -86400);
  X509_time_adj_ex(X509_getm_notAfter(cert.get()), static_cast<int>(options.days), 0, nullptr);
  X509_set_pubkey(cert.get(), key.get());
  X509_NAME* who = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(who, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.common_name.data()),
                             static_cast<int>(options.common_name.size()), -1, 0);
  X509_set_issuer_name(cert.get(), who);
  const bool rsa = options.key == KeyType::Rsa2048;
  if (!add_extension(cert.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(cert.get(), NID_key_usage,
                     rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature") ||
      !add_extension(cert.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(cert.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(cert.get(), key.get(), EVP_sha256()) == 0) {
    return Error{Errc::System, "cannot sign a certificate: " + take_reason("OpenSSL refused")};
  }
  const BioPtr cert_out(BIO_new(BIO_s_mem()));
  const BioPtr key_out(BIO_new(BIO_s_secmem()));
  if (!cert_out || !key_out || PEM_write_bio_X509(cert_out.get(), cert.get()) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return Error{Errc::System, "cannot write a certificate: " + take_reason("out of memory")};
  }
  return KeyPair{contents(cert_out.get()), contents(key_out.get())};
}

}  // namespace amtgate::tls
