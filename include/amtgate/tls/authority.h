// A small certificate authority for AMT machines and for the consoles that log in to them: signs RSA keys, its own or
// those that a machine has made and asks for with PKCS#10.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/inet.h"
#include "amtgate/base/result.h"
#include "amtgate/tls/certificate.h"

namespace amtgate::tls {

/// SHA-1 is for firmware that knows nothing newer, where it is asked for.
enum class SignatureHash : std::uint8_t { Sha256, Sha1 };

/// RSA 2048, version 3, may sign certificates but no further authorities. Errors: as make_self_signed().
Result<KeyPair> make_authority(const std::string& common_name, unsigned days,
                               SignatureHash hash = SignatureHash::Sha256);

struct Issue {
  enum class Use : std::uint8_t {
    Machine,  // TLS servers
    Console,  // TLS clients, with AMT's own extended use for them
  };
  Use use = Use::Machine;
  std::string common_name{};
  std::vector<std::string> dns_names{};  // letters, digits, '-', '.'
  std::vector<IpAddress> addresses{};
  unsigned days = 3650;
  SignatureHash hash = SignatureHash::Sha256;
};

/// A certificate for an RSAPublicKey, PEM, with a random serial number, valid from a day ago and never beyond the
/// authority's own end. Errors: BadValue (names, keys, an authority that has ended), System.
Result<std::string> issue(const KeyPair& authority, Bytes rsa_public, const Issue& what);

/// PKCS#10 for an RSAPublicKey whose private half is elsewhere: with a signature of zeros, which AMT replaces. DER.
/// Errors: BadValue, System.
Result<Buffer> unsigned_request(Bytes rsa_public, const std::string& common_name);
/// The same request signed. Errors: BadValue (does not parse, or is for another key).
Result<Buffer> sign_request(Bytes request, std::string_view key_pem, SignatureHash hash);
/// The RSAPublicKey of a request whose signature proves that its maker has the private half. Errors: BadValue.
Result<Buffer> verified_request_key(Bytes request);

/// "-----BEGIN LABEL-----" and so on around DER.
std::string to_pem(std::string_view label, Bytes der);

}  // namespace amtgate::tls
