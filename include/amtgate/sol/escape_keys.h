// EscapeKeys: what a person types at a console program: an escape character, and behind it a key that is for the
// program; all else is for the machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::sol {

class EscapeKeys {
 public:
  /// Empty: there is no such character.
  explicit EscapeKeys(std::optional<std::uint8_t> escape) : escape_(escape) {}

  /// Takes from the front of `typed` up to a key for the program, which it returns; what is for the machine is
  /// appended to `out`. The escape character typed twice is for the machine, once.
  std::optional<char> take(Bytes& typed, Buffer& out) {
    while (!typed.empty()) {
      const std::uint8_t c = typed.front();
      typed = typed.subspan(1);
      if (escape_ && waits_) {
        waits_ = false;
        if (c != *escape_) return static_cast<char>(c);
        out.push_back(c);
      } else if (escape_ && c == *escape_) {
        waits_ = true;
      } else {
        out.push_back(c);
      }
    }
    return std::nullopt;
  }

 private:
  std::optional<std::uint8_t> escape_;
  bool waits_ = false;
};

/// "^]", "^A", a character, or "none". Errors: BadValue.
inline Result<std::optional<std::uint8_t>> parse_escape(std::string_view text) {
  if (text == "none") return std::optional<std::uint8_t>{};
  if (text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80) {
    return std::optional(static_cast<std::uint8_t>(text[0]));
  }
  if (text.size() == 2 && text[0] == '^') {
    const char c = text[1] >= 'a' && text[1] <= 'z' ? static_cast<char>(text[1] - 0x20) : text[1];
    if (c >= '@' && c <= '_') return std::optional(static_cast<std::uint8_t>(c & 0x1f));
  }
  return Error{Errc::BadValue, "'" + std::string(text) + "' is none of ^], ^A .. ^_, one character, and none"};
}

/// As it is shown: "^]".
inline std::string escape_name(std::uint8_t c) {
  return c < 0x20 ? std::string("^") + static_cast<char>(c + 0x40) : std::string(1, static_cast<char>(c));
}

}  // namespace amtgate::sol
