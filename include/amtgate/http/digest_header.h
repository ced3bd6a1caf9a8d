// The headers of HTTP digest authentication (RFC 2617), as AMT writes them and as its clients do.
#pragma once

#include <string>
#include <string_view>

#include "amtgate/auth/credentials.h"
#include "amtgate/base/result.h"

namespace amtgate::http {

/// The longest Authorization header that is looked at.
inline constexpr std::size_t kMaxDigestHeader = 4096;

/// What an Authorization header says. Values as sent, their quotes taken off.
struct DigestAnswer {
  std::string username, realm, nonce, uri, qop, nc, cnonce, response;
};

/// Takes every dialect that AMT takes: values quoted or not, with or without blanks behind commas, in any order;
/// unknown parameters are passed over. Errors: Unsupported (not digest), BadValue, TooLarge.
Result<DigestAnswer> parse_digest_answer(std::string_view header);

/// The value of WWW-Authenticate in AMT's own spelling: a blank behind the first comma only, stale quoted.
std::string digest_challenge(std::string_view realm, std::string_view nonce, bool stale, std::string_view qop);

/// What WWW-Authenticate asks for.
struct DigestChallenge {
  std::string realm, nonce, qop, opaque;
  bool stale = false;
};

/// Takes what firmwares send: stale quoted or not, blanks behind commas or none. Errors: Unsupported (not digest, an
/// algorithm other than MD5, no qop that we have), BadValue, TooLarge.
Result<DigestChallenge> parse_digest_challenge(std::string_view header);

/// The value of Authorization that answers it, as libcurl writes it. `uses` counts the answers to this nonce, from 1.
std::string digest_answer(const DigestChallenge& challenge, const auth::Credentials& who, std::string_view verb,
                          std::string_view uri, unsigned uses, std::string_view cnonce);

/// Whether the answer proves the password. Looks at nothing but the hash: that the nonce, realm and uri are those
/// that were asked for is the caller's to see. `body` counts for qop auth-int.
bool proves(const DigestAnswer& answer, std::string_view ha1, std::string_view verb, std::string_view body);

}  // namespace amtgate::http
