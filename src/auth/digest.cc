#include "amtgate/auth/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <array>
#include <cstdlib>

#include "amtgate/base/hex.h"

namespace amtgate::auth {
namespace {

constexpr std::size_t kMaxQuoted = 64;

std::string join(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view& part : parts) {
    if (&part != parts.begin()) out += ':';
    out += part;
  }
  return out;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_auth(std::string_view word) {
  constexpr std::string_view kAuth = "auth";
  if (word.size() != kAuth.size()) return false;
  for (std::size_t i = 0; i < kAuth.size(); ++i) {
    if ((word[i] | 0x20) != kAuth[i]) return false;
  }
  return true;
}

}  // namespace

std::string md5_hex(std::string_view text) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  // Fails only where a system-wide policy forbids MD5 altogether; AMT knows nothing else, so there is nothing to fall
  // back to, and a wrong response would lock the account.
  if (EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_md5(), nullptr) != 1) std::abort();
  return to_hex(Bytes(digest).first(length));
}

std::string ha1(std::string_view user, std::string_view realm, std::string_view password) {
  return md5_hex(join({user, realm, password}));
}

std::string digest_response(std::string_view ha1, const DigestInput& in) {
  const std::string ha2 = md5_hex(join({in.verb, in.uri}));
  if (in.qop.empty()) return md5_hex(join({ha1, in.nonce, ha2}));
  return md5_hex(join({ha1, in.nonce, in.nc, in.cnonce, in.qop, ha2}));
}

std::string redirection_response(std::string_view ha1, std::string_view nonce, std::string_view nc,
                                 std::string_view cnonce, std::string_view qop) {
  return digest_response(
      ha1,
      {.nonce = nonce, .nc = nc, .cnonce = cnonce, .qop = qop, .verb = kRedirectionVerb, .uri = kRedirectionUri});
}

std::string redirection_response_old(std::string_view ha1, std::string_view nonce) {
  return redirection_response(ha1, nonce, {}, {}, {});
}

Result<std::string> pick_qop(std::string_view offered) {
  for (std::string_view left = offered;;) {
    const auto comma = left.find(',');
    // The word goes into the response as it is in the list: a device that writes "AUTH" hashes that.
    if (const std::string_view word = trim(left.substr(0, comma)); is_auth(word)) return std::string(word);
    if (comma == std::string_view::npos) break;
    left.remove_prefix(comma + 1);
  }
  return Error{Errc::Unsupported,
               "qop 'auth' is not among those offered: '" + std::string(offered.substr(0, kMaxQuoted)) + "'"};
}

bool equal_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace amtgate::auth
