// Digest responses: MD5 as RFC 2617 and the redirection protocol use it. Pure functions over libcrypto.
//
// Source: RFC 2617 section 3.2; amtterm auth.c, MeshCommander amt-redir-ws, checked against their bytes.
#pragma once

#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::auth {

/// What every client of the redirection service sends as digest-uri, and the method it hashes with it.
inline constexpr std::string_view kRedirectionUri = "/RedirectionService";
inline constexpr std::string_view kRedirectionVerb = "POST";

/// 32 lower-case hexadecimal digits.
std::string md5_hex(std::string_view text);

/// MD5hex(user ":" realm ":" password). As good as the password for that realm: treat it as a secret.
std::string ha1(std::string_view user, std::string_view realm, std::string_view password);

/// What goes into a response besides HA1. An empty `qop` means RFC 2069 style: nc and cnonce are not hashed.
struct DigestInput {
  std::string_view nonce;
  std::string_view nc;  // as sent, normally 8 hexadecimal digits
  std::string_view cnonce;
  std::string_view qop;  // "auth" or empty
  std::string_view verb;
  std::string_view uri;
};

/// 32 lower-case hexadecimal digits:
///   qop given   MD5hex(HA1 ":" nonce ":" nc ":" cnonce ":" qop ":" MD5hex(verb ":" uri))
///   qop empty   MD5hex(HA1 ":" nonce ":" MD5hex(verb ":" uri))
std::string digest_response(std::string_view ha1, const DigestInput& in);

/// The redirection protocol's method 4 (RFC 2617, qop as given, POST /RedirectionService).
std::string redirection_response(std::string_view ha1, std::string_view nonce, std::string_view nc,
                                 std::string_view cnonce, std::string_view qop);
/// Its method 3 (RFC 2069 style).
std::string redirection_response_old(std::string_view ha1, std::string_view nonce);

/// Picks "auth" out of a qop list such as "auth-int, auth"; blanks around the words and their case do not matter.
/// Errors: Unsupported when "auth" is not in the list, with the list (at most 64 characters of it).
Result<std::string> pick_qop(std::string_view offered);

/// Compares without telling by its duration where they differ. The lengths are not hidden.
bool equal_secret(std::string_view a, std::string_view b);

}  // namespace amtgate::auth
