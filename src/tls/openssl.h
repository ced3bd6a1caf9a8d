// OpenSSL handles that this module's files share. Not a public header.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>
#include <string_view>
#include <vector>

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

namespace detail {
/// Client contexts: engines keep the sessions they are given (engine.cc).
void remember_sessions(SSL_CTX* ctx);
}  // namespace detail

}  // namespace amtgate::tls
