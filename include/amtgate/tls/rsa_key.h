// RSA keys, the only kind that AMT takes, in the forms that it and files have: PEM, and PKCS#1's two structures.
//
// The private forms are secrets: they go into files and requests alone, never into a log, an error or an argument.
#pragma once

#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::tls {

/// PKCS#8, PEM. Errors: System.
Result<std::string> make_rsa_key(unsigned bits);

/// RSAPrivateKey. Errors: BadValue (no key, one with a pass phrase, another kind than RSA).
Result<Buffer> rsa_private_der(std::string_view key_pem);
/// RSAPublicKey of the same key. Errors: likewise.
Result<Buffer> rsa_public_der(std::string_view key_pem);
/// The PEM of an RSAPrivateKey whose modulus is the product of its factors. Errors: BadValue.
Result<std::string> rsa_private_pem(Bytes private_der);
/// Bits of an RSAPublicKey; 0: it is none.
unsigned rsa_bits(Bytes public_der);

}  // namespace amtgate::tls
