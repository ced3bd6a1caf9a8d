// What a web server's answer says of an image: the head of a response, and which image it belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/result.h"

namespace amtgate::image {

/// Longer validators are not kept: such a server's image has none.
inline constexpr std::size_t kMaxValidator = 256;

/// Content-Range of RFC 9110 14.4, "bytes 0-65535/734003200": both ends included.
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t total = 0;
  bool operator==(const ContentRange&) const = default;
};
/// Errors: BadValue (another unit, no total, numbers that do not fit each other or 63 bits).
Result<ContentRange> parse_content_range(std::string_view text);

/// The head of the response that counts, behind redirects.
struct Head {
  int status = 0;
  std::string content_range;
  std::optional<std::uint64_t> length;  // Content-Length
  std::string etag;
  std::string last_modified;
  std::string encoding;  // Content-Encoding
};
/// Takes one header line ("ETag: ...", with or without CR LF); a status line begins anew. What does not matter is
/// passed over.
void take_line(Head& head, std::string_view line);

/// Which image it is: what must not change while a machine reads it.
struct Identity {
  std::uint64_t size = 0;
  std::string etag;           // as sent, with W/ where weak; empty = none
  std::string last_modified;  // empty = none
  bool operator==(const Identity&) const = default;

  /// For the If-Range header: a strong ETag, or else the date; empty = none.
  std::string if_range() const;
  /// False: the size is all that is known of it.
  bool has_validator() const { return !etag.empty() || !last_modified.empty(); }
};
/// The same image, as far as both say something. (Servers behind one name may send a date and no ETag, for one.)
bool agree(const Identity& a, const Identity& b);

/// What the first answer says: 206 with a range from 0, or 200 from a server that does not take ranges. Errors:
/// Refused, or Busy (429, 503), or, from 500 on, Unreachable (another status, in words), BadValue, Unsupported
/// (encoded, or without a length).
struct Opening {
  Identity identity;
  bool ranges = false;
};
Result<Opening> judge_opening(const Head& head);

/// What an answer to a request for the bytes [first, last] of a known image is.
enum class Answer {
  Bytes,    // exactly those
  Changed,  // of another image
};
/// Errors: as judge_opening(); BadValue (other bytes than asked for).
Result<Answer> judge_range(const Head& head, const Identity& known, std::uint64_t first, std::uint64_t last);

/// An address without user, password and query: for logs and lists. (Queries often hold a signature.)
std::string shown_address(std::string_view url);
/// What the same image has as its name in the cache, whoever asks for it: the address, with a hash for its query.
std::string cache_name(std::string_view url);

}  // namespace amtgate::image
