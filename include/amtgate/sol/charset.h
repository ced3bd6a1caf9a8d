// What the bytes of a serial console are as characters: for a person's terminal, which takes UTF-8, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"

namespace amtgate::sol {

enum class Charset : std::uint8_t {
  Cp437,   // the IBM PC's: a BIOS and its frames
  Utf8,    // what is no UTF-8 is taken for CP437, since many a BIOS sends both
  Latin1,  // ISO 8859-1
};
/// "cp437", "utf-8", "latin1".
std::string_view name(Charset charset);
std::optional<Charset> parse_charset(std::string_view text);

/// A device's bytes to UTF-8. Control characters and escape sequences go through as they are.
class CharsetDecoder {
 public:
  explicit CharsetDecoder(Charset charset) : charset_(charset) {}
  /// Appends to `out`; the beginning of a character, at most three bytes, waits for its rest.
  void decode(Bytes in, Buffer& out);
  /// Nothing has followed, or will: what waits is given out.
  void finish(Buffer& out);
  bool waits() const { return !pending_.empty(); }

 private:
  void give(std::size_t n, Buffer& out);
  void take(std::uint8_t byte, Buffer& out);

  Charset charset_;
  std::string pending_;  // the beginning of a character of UTF-8
};

/// UTF-8 as it is typed to a device's bytes. A character that the device does not have becomes '?'; what is no UTF-8
/// goes as it is.
class CharsetEncoder {
 public:
  explicit CharsetEncoder(Charset charset) : charset_(charset) {}
  void encode(Bytes in, Buffer& out);

 private:
  Charset charset_;
  std::string pending_;
};

}  // namespace amtgate::sol
