#include "amtgate/http/digest_header.h"

#include <array>
#include <cstdio>
#include <span>
#include <utility>

#include "amtgate/auth/digest.h"

namespace amtgate::http {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t';
}
void skip(std::string_view& in, bool commas) {
  while (!in.empty() && (blank(in.front()) || (commas && in.front() == ','))) in.remove_prefix(1);
}
bool same_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]) != lower[i]) return false;
  }
  return true;
}

/// A token, or a string in quotes with its backslashes resolved.
Result<std::string> take_value(std::string_view& in) {
  std::string out;
  if (in.empty() || in.front() != '"') {
    while (!in.empty() && in.front() != ',' && !blank(in.front())) {
      out += in.front();
      in.remove_prefix(1);
    }
    return out;
  }
  in.remove_prefix(1);
  while (!in.empty() && in.front() != '"') {
    if (in.front() == '\\' && in.size() > 1) in.remove_prefix(1);
    out += in.front();
    in.remove_prefix(1);
  }
  if (in.empty()) return Error{Errc::BadValue, "a digest header with an open quote"};
  in.remove_prefix(1);
  return out;
}

using Parameters = std::span<const std::pair<std::string_view, std::string*>>;

/// Unknown parameters are passed over.
Result<void> parse_parameters(std::string_view in, Parameters fields) {
  if (in.size() > kMaxDigestHeader) {
    return Error{Errc::TooLarge, "a digest header of " + std::to_string(in.size()) + " bytes"};
  }
  skip(in, false);
  constexpr std::string_view kScheme = "digest";
  if (in.size() <= kScheme.size() || !same_word(in.substr(0, kScheme.size()), kScheme) ||
      !blank(in[kScheme.size()])) {
    return Error{Errc::Unsupported, "authorization other than digest"};
  }
  in.remove_prefix(kScheme.size());
  for (skip(in, true); !in.empty(); skip(in, true)) {
    const std::size_t equal = in.find('=');
    if (equal == std::string_view::npos) return Error{Errc::BadValue, "a digest header with a word and no value"};
    std::string_view name = in.substr(0, equal);
    while (!name.empty() && blank(name.back())) name.remove_suffix(1);
    in.remove_prefix(equal + 1);
    skip(in, false);
    Result<std::string> value = take_value(in);
    if (!value) return value.error();
    for (const auto& [known, field] : fields) {
      if (same_word(name, known)) *field = std::move(*value);
    }
  }
  return {};
}

}  // namespace

Result<DigestAnswer> parse_digest_answer(std::string_view in) {
  DigestAnswer out;
  const std::array<std::pair<std::string_view, std::string*>, 8> fields = {{{"username", &out.username},
                                                                            {"realm", &out.realm},
                                                                            {"nonce", &out.nonce},
                                                                            {"uri", &out.uri},
                                                                            {"qop", &out.qop},
                                                                            {"nc", &out.nc},
                                                                            {"cnonce", &out.cnonce},
                                                                            {"response", &out.response}}};
  if (const Result<void> read = parse_parameters(in, fields); !read) return read.error();
  if (out.username.empty() || out.nonce.empty() || out.uri.empty() || out.response.empty()) {
    return Error{Errc::BadValue, "a digest header without username, nonce, uri or response"};
  }
  return out;
}

std::string digest_challenge(std::string_view realm, std::string_view nonce, bool stale, std::string_view qop) {
  return "Digest realm=\"" + std::string(realm) + "\", nonce=\"" + std::string(nonce) + "\",stale=\"" +
         (stale ? "true" : "false") + "\",qop=\"" + std::string(qop) + "\"";
}

Result<DigestChallenge> parse_digest_challenge(std::string_view in) {
  DigestChallenge out;
  std::string stale, algorithm, qops;
  const std::array<std::pair<std::string_view, std::string*>, 6> fields = {{{"realm", &out.realm},
                                                                            {"nonce", &out.nonce},
                                                                            {"qop", &qops},
                                                                            {"opaque", &out.opaque},
                                                                            {"stale", &stale},
                                                                            {"algorithm", &algorithm}}};
  if (const Result<void> read = parse_parameters(in, fields); !read) return read.error();
  if (out.realm.empty() || out.nonce.empty()) return Error{Errc::BadValue, "a challenge without realm or nonce"};
  if (!algorithm.empty() && !same_word(algorithm, "md5")) {
    return Error{Errc::Unsupported, "a challenge for the algorithm " + algorithm.substr(0, 32)};
  }
  // Nothing that would end the string it is written into again.
  for (const std::string* text : {&out.realm, &out.nonce, &out.opaque}) {
    if (text->find_first_of("\"\\\r\n") != std::string::npos) {
      return Error{Errc::BadValue, "a challenge with a quote in it"};
    }
  }
  if (!qops.empty()) {
    Result<std::string> qop = auth::pick_qop(qops);
    if (!qop) return qop.error();
    out.qop = std::move(*qop);
  }
  out.stale = same_word(stale, "true");
  return out;
}

std::string digest_answer(const DigestChallenge& c, const auth::Credentials& who, std::string_view verb,
                          std::string_view uri, unsigned uses, std::string_view cnonce) {
  char nc[9];
  std::snprintf(nc, sizeof nc, "%08x", uses);
  const std::string response =
      auth::digest_response(auth::ha1(who.user, c.realm, who.password),
                            {.nonce = c.nonce, .nc = nc, .cnonce = cnonce, .qop = c.qop, .verb = verb, .uri = uri});
  std::string out = "Digest username=\"" + who.user + "\", realm=\"" + c.realm + "\", nonce=\"" + c.nonce +
                    "\", uri=\"" + std::string(uri) + "\", ";
  if (!c.qop.empty()) out += "cnonce=\"" + std::string(cnonce) + "\", nc=" + nc + ", qop=" + c.qop + ", ";
  out += "response=\"" + response + "\"";
  if (!c.opaque.empty()) out += ", opaque=\"" + c.opaque + "\"";
  return out;
}

bool proves(const DigestAnswer& a, std::string_view ha1, std::string_view verb, std::string_view body) {
  const bool whole = same_word(a.qop, "auth-int");
  if (!a.qop.empty() && !whole && !same_word(a.qop, "auth")) return false;
  std::string entity = std::string(verb) + ":" + a.uri;
  if (whole) entity += ":" + auth::md5_hex(body);
  std::string text = std::string(ha1) + ":" + a.nonce + ":";
  if (!a.qop.empty()) text += a.nc + ":" + a.cnonce + ":" + a.qop + ":";
  return auth::equal_secret(auth::md5_hex(text + auth::md5_hex(entity)), a.response);
}

}  // namespace amtgate::http
