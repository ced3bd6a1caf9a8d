// Certificates as values: DER in, fingerprints and text out; and making self-signed ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::tls {

/// An X.509 certificate as DER. A value: no OpenSSL object lives behind it.
class Certificate {
 public:
  Certificate() = default;
  /// Takes the bytes as they are; a certificate that does not parse shows in the functions below.
  explicit Certificate(Buffer der) : der_(std::move(der)) {}

  bool empty() const { return der_.empty(); }
  Bytes der() const { return der_; }
  /// 64 lower-case hex digits.
  std::string sha256() const;
  /// Of the SubjectPublicKeyInfo's DER; empty when the certificate does not parse.
  std::string public_key_sha256() const;
  /// RFC 2253 text, non-printing bytes escaped; "(unreadable)" when the certificate does not parse.
  std::string subject() const;
  bool operator==(const Certificate&) const = default;

 private:
  Buffer der_;
};

/// All certificates of a PEM text. Errors: BadValue (none, or one that does not parse).
Result<std::vector<Certificate>> parse_pem(std::string_view pem);

enum class KeyType : std::uint8_t { Rsa2048, EcP256, EcP384 };

struct SelfSigned {
  KeyType key = KeyType::Rsa2048;
  std::string common_name = "amtgate";
  unsigned days = 3650;
};

struct KeyPair {
  std::string cert_pem;
  std::string key_pem;  // PKCS#8; a secret
};

/// Makes a key and a certificate for it: SHA-256, version 3, random serial, valid from a day ago (clocks differ),
/// server and client use. Errors: BadValue (name over 64 characters), System (no randomness).
Result<KeyPair> make_self_signed(const SelfSigned& options);

}  // namespace amtgate::tls
