#include "openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

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

}  // namespace amtgate::tls
