#include "openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>

namespace amtgate::tls {
namespace {

BioPtr view(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// No pass phrase: OpenSSL would ask on the terminal.
int no_pass_phrase(char*, int, int, void*) noexcept {
  return -1;
}

}  // namespace

std::string take_reason(const char* fallback) {
  const char* reason = nullptr;
  for (unsigned long e = ERR_get_error(); e != 0; e = ERR_get_error()) {
    if (const char* r = ERR_reason_error_string(e)) reason = r;
  }
  return reason != nullptr ? reason : fallback;
}

Result<std::vector<X509Ptr>> read_certificates(std::string_view pem) {
  std::vector<X509Ptr> out;
  const BioPtr bio = view(pem);
  ERR_clear_error();
  while (X509* cert = PEM_read_bio_X509(bio.get(), nullptr, &no_pass_phrase, nullptr)) out.emplace_back(cert);
  const unsigned long last = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (!at_end) return Error{Errc::BadValue, "a certificate does not parse: " + take_reason("bad PEM")};
  ERR_clear_error();
  if (out.empty()) return Error{Errc::BadValue, "there is no PEM certificate"};
  return out;
}

Result<KeyPtr> read_key(std::string_view pem) {
  const BioPtr bio = view(pem);
  ERR_clear_error();
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_pass_phrase, nullptr));
  if (!key) {
    return Error{Errc::BadValue,
                 "the private key does not parse (PEM without a pass phrase): " + take_reason("bad PEM")};
  }
  return key;
}

X509Ptr read_der(Bytes der) {
  const unsigned char* at = der.data();
  X509Ptr cert(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (cert && at != der.data() + der.size()) cert.reset();
  return cert;
}

std::string contents(BIO* bio) {
  char* data = nullptr;
  const long n = BIO_get_mem_data(bio, &data);
  return n > 0 ? std::string(data, static_cast<std::size_t>(n)) : std::string();
}

std::string write_key(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_secmem()));
  if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return {};
  return contents(out.get());
}

std::string write_certificate(X509* cert) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_X509(out.get(), cert) != 1) return {};
  return contents(out.get());
}

bool add_extension(X509* cert, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  const Handle<X509_EXTENSION, &X509_EXTENSION_free> e(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return e && X509_add_ext(cert, e.get(), -1) == 1;
}

bool begin_certificate(X509* cert, EVP_PKEY* key, unsigned days) {
  std::array<std::uint8_t, 16> serial{};
  if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return false;
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x40);  // positive and of full length
  const Handle<BIGNUM, &BN_free> number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  return number && X509_set_version(cert, X509_VERSION_3) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(cert)) != nullptr &&
         X509_gmtime_adj(X509_getm_notBefore(cert), -86400) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(cert), static_cast<int>(days), 0, nullptr) != nullptr &&
         X509_set_pubkey(cert, key) == 1;
}

}  // namespace amtgate::tls
