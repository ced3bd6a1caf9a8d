#include "amtgate/gateway/certificate.h"

#include "amtgate/sys/file.h"
#include "amtgate/tls/certificate.h"

namespace amtgate::gateway {
namespace {

constexpr std::size_t kMaxPem = 1024 * 1024;

}  // namespace

Result<Options> certificate(const config::Gateway& gateway) {
  if (!gateway.cert_text.empty()) return Options{gateway.cert_text.reveal(), gateway.key_text.reveal()};
  const std::string cert = gateway.state + "/gateway-cert.pem";
  const std::string key = gateway.state + "/gateway-key.pem";
  if (sys::exists(cert) && sys::exists(key)) {
    if (const Result<void> safe = sys::check_private(key); !safe) return safe.error();
    Result<std::string> cert_text = sys::read_file(cert, kMaxPem);
    if (!cert_text) return cert_text.error();
    Result<std::string> key_text = sys::read_file(key, kMaxPem);
    if (!key_text) return key_text.error();
    return Options{std::move(*cert_text), std::move(*key_text)};
  }
  // The key goes first: a certificate without a key is what an interrupted first start would leave otherwise, and the
  // next start makes both anew.
  Result<tls::KeyPair> made = tls::make_self_signed({});
  if (!made) return made.error();
  if (const Result<void> written = sys::write_file(key, made->key_pem, 0600); !written) return written.error();
  if (const Result<void> written = sys::write_file(cert, made->cert_pem, 0644); !written) return written.error();
  return Options{std::move(made->cert_pem), std::move(made->key_pem)};
}

}  // namespace amtgate::gateway
