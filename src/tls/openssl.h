// OpenSSL handles that this module's files share. Not a public header.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/handle.h"
#include "amtgate/base/result.h"

namespace amtgate::tls {

using BioPtr = Handle<BIO, &BIO_free>;
using KeyPtr = Handle<EVP_PKEY, &EVP_PKEY_free>;
using X509Ptr = Handle<X509, &X509_free>;
using SslPtr = Handle<SSL, &SSL_free>;
using SslCtxPtr = Handle<SSL_CTX, &SSL_CTX_free>;

/// The newest entry's reason from this thread's error queue, which is emptied; `fallback` when there is none.
std::string take_reason(const char* fallback);

/// Every certificate of `pem`. Errors: BadValue (none, or one that does not parse).
Result<std::vector<X509Ptr>> read_certificates(std::string_view pem);
/// A private key. An encrypted one is refused, not asked about. Errors: BadValue.
Result<KeyPtr> read_key(std::string_view pem);

/// The certificate in `der`; null when it does not parse, or when something follows it.
X509Ptr read_der(Bytes der);
/// What was written to a memory BIO.
std::string contents(BIO* bio);
/// PKCS#8 without a pass phrase; empty when OpenSSL cannot.
std::string write_key(EVP_PKEY* key);
/// Empty when OpenSSL cannot.
std::string write_certificate(X509* cert);

/// The DER of an object by its own i2d function; empty when OpenSSL cannot.
template <class T, class Encode>
Buffer encode(T* object, Encode to_der) {
  const int n = to_der(object, nullptr);
  if (n <= 0) return {};
  Buffer out(static_cast<std::size_t>(n));
  unsigned char* at = out.data();
  to_der(object, &at);
  return out;
}

/// Adds an extension as openssl.cnf would spell it; `issuer` may be the certificate itself.
bool add_extension(X509* cert, X509* issuer, int nid, const std::string& value);
/// Version 3, a random serial number of 16 bytes, valid from a day ago (clocks differ) for `days`. False: OpenSSL
/// cannot.
bool begin_certificate(X509* cert, EVP_PKEY* key, unsigned days);

namespace detail {
/// Client contexts: engines keep the sessions they are given (engine.cc).
void remember_sessions(SSL_CTX* ctx);
}  // namespace detail

}  // namespace amtgate::tls
