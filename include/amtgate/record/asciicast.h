// asciicast v2: what a terminal showed, with times. JSON lines:
//   {"version": 2, "width": 80, "height": 25, "timestamp": 1769860800, "title": "..."}
//   [SECONDS, "o", "what was shown"]   "i": typed, "m": a mark with a name; others are left out
// Source: the asciicast v2 description of asciinema.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::record {

struct CastHead {
  unsigned width = 80, height = 25;
  std::int64_t timestamp = 0;  // Unix seconds
  std::string title;
};

/// A line, with its end.
std::string cast_head(const CastHead& head);
/// `text` is UTF-8; what is none becomes U+FFFD. `code`: 'o', 'i' or 'm'.
std::string cast_event(double seconds, char code, std::string_view text);

class CastReader {
 public:
  static constexpr std::size_t kMaxLine = 4U << 20U;

  struct Event {
    double seconds = 0;
    char code = 'o';
    std::string text;
  };
  void receive(Bytes in);
  /// No more bytes follow: a last line needs no end, and one that is cut off is left out.
  void finish() { finished_ = true; }
  /// Empty: the next line has not come as a whole. Errors: Unsupported (no asciicast v2), BadValue (a broken line,
  /// with its number), TooLarge; sticky.
  Result<std::optional<Event>> next();
  const CastHead& head() const { return head_; }

 private:
  Buffer buffer_;
  std::size_t at_ = 0;
  std::size_t line_ = 0;
  bool finished_ = false;
  CastHead head_;
  std::optional<Error> error_;
};

}  // namespace amtgate::record
