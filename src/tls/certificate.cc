#include "amtgate/tls/certificate.h"

#include <openssl/err.h>
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

KeyPtr make_key(KeyType type) {
  switch (type) {
    case KeyType::Rsa2048: return KeyPtr(EVP_RSA_gen(2048));
    case KeyType::EcP256: return KeyPtr(EVP_EC_gen("P-256"));
    case KeyType::EcP384: return KeyPtr(EVP_EC_gen("P-384"));
  }
  return nullptr;
}

}  // namespace

std::string Certificate::sha256() const {
  return sha256_hex(der_);
}

std::string Certificate::public_key_sha256() const {
  const X509Ptr cert = read_der(der_);
  if (!cert) return "";
  return sha256_hex(encode(X509_get_X509_PUBKEY(cert.get()), &i2d_X509_PUBKEY));
}

std::string Certificate::subject() const {
  const X509Ptr cert = read_der(der_);
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
  if (!key || !cert || !begin_certificate(cert.get(), key.get(), options.days)) {
    return Error{Errc::System, "cannot make a key: " + take_reason("no randomness")};
  }
  X509_NAME* who = X509_get_subject_name(cert.get());
  X509_NAME_add_entry_by_txt(who, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.common_name.data()),
                             static_cast<int>(options.common_name.size()), -1, 0);
  X509_set_issuer_name(cert.get(), who);
  const bool rsa = options.key == KeyType::Rsa2048;
  if (!add_extension(cert.get(), cert.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(cert.get(), cert.get(), NID_key_usage,
                     rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature") ||
      !add_extension(cert.get(), cert.get(), NID_ext_key_usage, "serverAuth,clientAuth") ||
      !add_extension(cert.get(), cert.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(cert.get(), key.get(), EVP_sha256()) == 0) {
    return Error{Errc::System, "cannot sign a certificate: " + take_reason("OpenSSL refused")};
  }
  KeyPair out{write_certificate(cert.get()), write_key(key.get())};
  if (out.cert_pem.empty() || out.key_pem.empty()) {
    return Error{Errc::System, "cannot write a certificate: " + take_reason("out of memory")};
  }
  return out;
}

}  // namespace amtgate::tls
