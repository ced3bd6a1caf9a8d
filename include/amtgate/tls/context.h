// Contexts: what a side of TLS accepts and offers. Files are read by the edges; here PEM text comes in.
//
// Every setting is made explicitly on the context, so the machine's openssl.cnf (minimum version, security level,
// cipher string) has no say, and a legacy target changes nothing for any other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "amtgate/base/result.h"

struct ssl_ctx_st;

namespace amtgate::tls {

enum class Version : std::uint8_t { V1_0, V1_1, V1_2, V1_3 };
/// "1.0" ... "1.3".
const char* name(Version v);

/// Towards a device. The certificate is judged after the handshake, by judge() in tls/trust.h: the engine itself
/// accepts any, since AMT's self-signed ones never verify by name.
struct ClientPolicy {
  Version min = Version::V1_2;
  Version max = Version::V1_3;
  /// Old AMT: servers without RFC 5746, unsafe renegotiation, SHA-1 and 3DES, RSA below 1024 bits (security level 0).
  /// A `min` below 1.2 implies it: OpenSSL 3 speaks those versions at level 0 only.
  bool legacy = false;
  std::string cert_pem{};  // client certificate and chain for mutual TLS; both empty = none
  std::string key_pem{};
};

/// Towards a client (and for the simulator towards anybody). What stock clients need of a terminator: an RSA
/// certificate, TLS 1.2 and 1.3, ECDHE and plain RSA key exchange with AES GCM and CBC (redirection.md 1.3).
struct ServerPolicy {
  std::string cert_pem{};  // certificate, then its chain
  std::string key_pem{};
  Version min = Version::V1_2;
  Version max = Version::V1_3;
  enum class ClientCertificate : std::uint8_t { Ignore, Ask, Require };
  ClientCertificate client_certificate = ClientCertificate::Ignore;
  /// Clients may resume. False for VNC viewers: TigerVNC (seen with 1.12 on TLS 1.3) takes a ticket for the end of
  /// what has arrived, and waits for more while the server's words behind it lie in its buffer.
  bool tickets = true;
  std::string client_ca_pem{};  // Ask, Require: must be signed by one of these; empty = any certificate will do
};

/// The versions, ciphers and client certificate of `policy` for a context that a library made. Errors: as
/// Context::client().
Result<void> apply(ssl_ctx_st* context, const ClientPolicy& policy);

/// Immutable once made, so it is shared between threads; a copy is a reference to the same.
class Context {
 public:
  /// Errors: BadValue (PEM that does not parse, key that does not fit the certificate, min above max).
  static Result<Context> client(const ClientPolicy& policy);
  static Result<Context> server(const ServerPolicy& policy);

  bool is_server() const { return server_; }
  ssl_ctx_st* native() const { return ctx_.get(); }

 private:
  Context(std::shared_ptr<ssl_ctx_st> ctx, bool server) : ctx_(std::move(ctx)), server_(server) {}
  std::shared_ptr<ssl_ctx_st> ctx_;
  bool server_ = false;
};

}  // namespace amtgate::tls
