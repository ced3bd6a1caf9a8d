#include "amtgate/tls/context.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "openssl.h"

namespace amtgate::tls {
namespace {

// ECDHE first; RSA key exchange stays in, since MeshCentral offers nothing else below TLS 1.3 and old AMT has nothing
// else (redirection.md 1.3). AES-128 before 256: every byte of a screen goes through it.
constexpr const char* kCiphers =
    "ECDHE+AES128:ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:DHE+AESGCM:DHE+AES:RSA+AES128:RSA+AESGCM:RSA+AES"
    ":!aNULL:!eNULL:!PSK:!SRP:!DSS";
constexpr const char* kLegacyCiphers = "ALL:!aNULL:!eNULL:!PSK:!SRP";
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384:P-521";
constexpr const char* kSignatures =
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512"
    ":RSA+SHA256:RSA+SHA384:RSA+SHA512";
constexpr const char* kLegacySignatures = ":RSA+SHA224:ECDSA+SHA1:RSA+SHA1";

int number(Version v) {
  switch (v) {
    case Version::V1_0: return TLS1_VERSION;
    case Version::V1_1: return TLS1_1_VERSION;
    case Version::V1_2: return TLS1_2_VERSION;
    case Version::V1_3: return TLS1_3_VERSION;
  }
  return TLS1_2_VERSION;
}

Error failed(const char* what) {
  return Error{Errc::BadValue, std::string(what) + ": " + take_reason("OpenSSL refused it")};
}

/// The kernel can do TLS records. Asked once: where it cannot, OpenSSL would ask four times a connection, each time
/// with a look for the module, and would send its half of the handshake in two pieces for it.
bool kernel_has_tls() {
  static const bool has = [] {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return true;
    static constexpr char kName[] = "tls";
    const bool there = ::setsockopt(fd, IPPROTO_TCP, TCP_ULP, kName, sizeof kName) == 0 || errno == ENOTCONN;
    ::close(fd);
    return there;
  }();
  return has;
}

/// What both sides accept and offer.
Result<void> set_versions(SSL_CTX* ctx, Version min, Version max, bool legacy) {
  if (min > max) return Error{Errc::BadValue, "the lowest TLS version is above the highest"};
  SSL_CTX_set_security_level(ctx, legacy ? 0 : 1);
  const std::string signatures = std::string(kSignatures) + (legacy ? kLegacySignatures : "");
  if (SSL_CTX_set_min_proto_version(ctx, number(min)) != 1 || SSL_CTX_set_max_proto_version(ctx, number(max)) != 1 ||
      SSL_CTX_set_cipher_list(ctx, legacy ? kLegacyCiphers : kCiphers) != 1 ||
      SSL_CTX_set_ciphersuites(ctx, kCiphers13) != 1 || SSL_CTX_set1_groups_list(ctx, kGroups) != 1 ||
      SSL_CTX_set1_sigalgs_list(ctx, signatures.c_str()) != 1) {
    return failed("TLS settings");
  }
  return {};
}

/// What both sides share. Everything that an openssl.cnf can set is set again here.
Result<SslCtxPtr> make(const SSL_METHOD* method, Version min, Version max, bool legacy) {
  ERR_clear_error();
  SslCtxPtr ctx(SSL_CTX_new(method));
  if (!ctx) return Error{Errc::System, "no TLS context: " + take_reason("out of memory")};
  SSL_CTX_clear_options(ctx.get(), SSL_CTX_get_options(ctx.get()));
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_COMPRESSION | SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  if (kernel_has_tls()) SSL_CTX_set_options(ctx.get(), SSL_OP_ENABLE_KTLS);
  SSL_CTX_clear_mode(ctx.get(), SSL_CTX_get_mode(ctx.get()));
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  if (const Result<void> set = set_versions(ctx.get(), min, max, legacy); !set) return set.error();
  return ctx;
}

Result<void> use_key_pair(SSL_CTX* ctx, const std::string& cert_pem, const std::string& key_pem) {
  Result<std::vector<X509Ptr>> certs = read_certificates(cert_pem);
  if (!certs) return certs.error();
  const Result<KeyPtr> key = read_key(key_pem);
  if (!key) return key.error();
  if (X509_check_private_key((*certs)[0].get(), key->get()) != 1) {
    take_reason("");
    return Error{Errc::BadValue, "the private key does not belong to the certificate"};
  }
  if (SSL_CTX_use_certificate(ctx, (*certs)[0].get()) != 1) return failed("the certificate cannot be used");
  if (SSL_CTX_use_PrivateKey(ctx, key->get()) != 1) return failed("the private key cannot be used");
  for (std::size_t i = 1; i < certs->size(); ++i) {
    if (SSL_CTX_add1_chain_cert(ctx, (*certs)[i].get()) != 1) return failed("the certificate chain cannot be used");
  }
  return {};
}

/// The other side's certificate is judged later (judge()), or any will do.
int accept_any(int, X509_STORE_CTX*) noexcept {
  return 1;
}

}  // namespace

const char* name(Version v) {
  switch (v) {
    case Version::V1_0: return "1.0";
    case Version::V1_1: return "1.1";
    case Version::V1_2: return "1.2";
    case Version::V1_3: return "1.3";
  }
  return "?";
}

Result<void> apply(ssl_ctx_st* ctx, const ClientPolicy& policy) {
  ERR_clear_error();
  const bool legacy = policy.legacy || policy.min < Version::V1_2;
  if (const Result<void> set = set_versions(ctx, policy.min, policy.max, legacy); !set) return set.error();
  if (legacy) SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  if (policy.cert_pem.empty() && policy.key_pem.empty()) return {};
  return use_key_pair(ctx, policy.cert_pem, policy.key_pem);
}

Result<Context> Context::client(const ClientPolicy& policy) {
  const bool legacy = policy.legacy || policy.min < Version::V1_2;
  Result<SslCtxPtr> made = make(TLS_client_method(), policy.min, policy.max, legacy);
  if (!made) return made.error();
  SSL_CTX* ctx = made->get();
  if (const Result<void> set = apply(ctx, policy); !set) return set.error();
  SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
  // Sessions are kept by whoever owns the device's connection, not in a cache that nobody bounds.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  detail::remember_sessions(ctx);
  return Context(std::shared_ptr<SSL_CTX>(made->release(), &SSL_CTX_free), false);
}

Result<Context> Context::server(const ServerPolicy& policy) {
  const bool legacy = policy.min < Version::V1_2;
  Result<SslCtxPtr> made = make(TLS_server_method(), policy.min, policy.max, legacy);
  if (!made) return made.error();
  SSL_CTX* ctx = made->get();
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  if (const Result<void> r = use_key_pair(ctx, policy.cert_pem, policy.key_pem); !r) return r.error();
  SSL_CTX_set_dh_auto(ctx, 1);
  // Tickets carry the state to the client; nothing is kept here.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ctx, policy.tickets ? 1 : 0);
  if (!policy.tickets) SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  static constexpr unsigned char kContext[] = "amtgate";  // needed to resume when client certificates are asked for
  SSL_CTX_set_session_id_context(ctx, kContext, sizeof kContext - 1);

  using Want = ServerPolicy::ClientCertificate;
  if (policy.client_certificate == Want::Ignore) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, nullptr);
  } else {
    const int mode =
        SSL_VERIFY_PEER | (policy.client_certificate == Want::Require ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    SSL_CTX_set_verify(ctx, mode, policy.client_ca_pem.empty() ? &accept_any : nullptr);
    if (!policy.client_ca_pem.empty()) {
      const Result<std::vector<X509Ptr>> cas = read_certificates(policy.client_ca_pem);
      if (!cas) return cas.error();
      for (const X509Ptr& ca : *cas) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca.get());
        SSL_CTX_add_client_CA(ctx, ca.get());
      }
    }
  }
  return Context(std::shared_ptr<SSL_CTX>(made->release(), &SSL_CTX_free), true);
}

}  // namespace amtgate::tls
