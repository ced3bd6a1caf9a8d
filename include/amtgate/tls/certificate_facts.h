// What a certificate says of itself, read once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::tls {

/// Extended key usage of a console that logs in to AMT with a certificate. Source: Intel's set-up documents;
/// unconfirmed on hardware.
inline constexpr std::string_view kAmtConsoleUse = "2.16.840.1.113741.1.2.1";
inline constexpr std::string_view kServerUse = "1.3.6.1.5.5.7.3.1";
inline constexpr std::string_view kClientUse = "1.3.6.1.5.5.7.3.2";

struct CertificateFacts {
  std::string subject, issuer;  // RFC 2253, what does not print is escaped
  std::string common_name;      // the subject's last one; empty: none
  std::int64_t not_before = 0;  // Unix seconds
  std::int64_t not_after = 0;
  std::string key;                 // "RSA 2048", "EC P-384"
  Buffer rsa_public;               // PKCS#1 RSAPublicKey; empty: another kind of key
  unsigned rsa_bits = 0;           // likewise 0
  std::string signature;           // "sha256WithRSAEncryption"
  bool self_issued = false;        // subject and issuer are the same
  bool authority = false;          // may sign others
  std::vector<std::string> names;  // of the subject's alternatives: DNS names and addresses
  std::vector<std::string> uses;   // extended ones, as dotted numbers; empty: any

  bool allows(std::string_view use) const;
};

/// Errors: BadValue (does not parse, or something follows it).
Result<CertificateFacts> certificate_facts(Bytes der);

/// Whether it names that host: a DNS name (also by a wildcard) or an address, in its alternatives, else as its common
/// name. False where it does not parse.
bool is_for_host(Bytes der, const std::string& host);

/// Whether `authority` has signed `der`. False where either does not parse.
bool is_signed_by(Bytes der, Bytes authority);

}  // namespace amtgate::tls
