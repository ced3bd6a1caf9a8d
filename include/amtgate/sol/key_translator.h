// KeyTranslator: keys as a person's terminal sends them, to what a BIOS expects on its serial console.
//
//              VT100+, VT-UTF8    VT100            Linux console
//   F1..F4     ESC 1 .. ESC 4     ESC O P Q w x    ESC [ [ A .. D
//   F5..F10    ESC 5 .. 9, 0      ESC O t u q r p M    ESC [ [ E, ESC [ 17..21 ~
//   F11 F12    ESC ! ESC @        (none: VT220's)  ESC [ 23 ~, ESC [ 24 ~
//   Home End   ESC h ESC k        ESC [ H, ESC [ K ESC [ 1 ~, ESC [ 4 ~
//   Ins Del    ESC + ESC -        ESC [ @, ESC [ P ESC [ 2 ~, ESC [ 3 ~
//   PgUp PgDn  ESC ? ESC /        ESC [ V, ESC [ U ESC [ 5 ~, ESC [ 6 ~
//   arrows     ESC [ A B C D      the same         the same
//   Backspace  08                 08               7F
//
// Source: the table above UnicodeToEfiKey() in EDK II's TerminalDxe/TerminalConIn.c, whose firmware takes 7F for
// Delete in all but its own terminal type, and knows no F11 and F12 in VT100. The terminfo entries vt100+ and vt-utf8,
// made from Microsoft's conventions, name the keys of the first column, F11 and F12 too; for the last one there are
// linux of terminfo, console_codes(4) and Linux's defkeymap. A guess: VT220's F11 and F12 in the VT100 column.
//
// What terminals send: terminfo's xterm, vt220, screen, linux, putty and putty-vt100.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/time.h"

namespace amtgate::sol {

enum class KeyStyle : std::uint8_t {
  Vt100,
  Vt100Plus,
  VtUtf8,
  Linux,
  AsIs,  // what the terminal sends goes through
};
/// "vt100", "vt100+", "vt-utf8", "linux", "esc".
std::string_view name(KeyStyle style);
std::optional<KeyStyle> parse_key_style(std::string_view text);

class KeyTranslator {
 public:
  /// An Escape that nothing has followed for so long is the key Escape.
  static constexpr Duration kPause = milliseconds(100);
  /// No key's sequence is longer.
  static constexpr std::size_t kLongest = 8;

  explicit KeyTranslator(KeyStyle style) : style_(style) {}

  KeyStyle style() const { return style_; }
  void set_style(KeyStyle style) { style_ = style; }

  /// Appends to `out` what `typed` is for the device. What is no key's sequence goes as it is; the beginning of one
  /// waits.
  void receive(Bytes typed, TimePoint now, Buffer& out);
  std::optional<TimePoint> deadline() const { return until_; }
  void tick(TimePoint now, Buffer& out);
  /// Nothing follows any more.
  void finish(Buffer& out);

 private:
  void take(std::uint8_t c, Buffer& out);

  KeyStyle style_;
  std::string pending_;  // begins with ESC, or empty
  std::optional<TimePoint> until_;
};

}  // namespace amtgate::sol
