// KeyboardLayout: what to press on a keyboard of the PC so that its operating system, with a layout of its own, gets
// a certain character.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/rfb/amt_keys.h"
#include "amtgate/rfb/client_messages.h"

namespace amtgate::rfb {

/// One key with exactly these of the modifiers that choose among its characters.
struct KeyStroke {
  ScanCode key;
  bool shift = false;
  bool level3 = false;  // AltGr, for most
  bool operator==(const KeyStroke&) const = default;
};

/// Immutable; share one among all who type to PCs of that layout.
class KeyboardLayout {
 public:
  /// Whether the operating system has its Caps Lock on.
  enum class Caps : bool { Off, On };

  /// `name` as XKB names layouts, with or without a variant: "de", "de(nodeadkeys)"; empty is "us". Compiled by
  /// libxkbcommon with rules evdev and model pc105, from the files of xkb-data and the administrator's; some
  /// milliseconds.
  /// Errors: BadValue (not a layout, no such variant; the detail is a sentence that begins with the name), System
  /// (XKB has no files here).
  static Result<std::shared_ptr<const KeyboardLayout>> load(std::string_view name);

  const std::string& name() const { return name_; }

  /// The one stroke that makes a character or other keysym (a dead key, Henkan); empty where there is none. Keysyms
  /// of one character, as EuroSign 0x20ac and 0x010020ac, are the same. Of several strokes: without AltGr
  /// (in which systems differ most), then on no key of Intel's own, then without Shift.
  std::optional<KeyStroke> stroke(Keysym key, Caps caps = Caps::Off) const;

  /// Whether this very stroke makes it.
  bool makes(const KeyStroke& stroke, Keysym key, Caps caps = Caps::Off) const;

  /// stroke(), or a dead key's and the one after it; empty for what this layout cannot make.
  std::vector<KeyStroke> strokes(Keysym key, Caps caps = Caps::Off) const;

  /// The key that has to be held for `level3`: right Alt in most layouts, none in us.
  std::optional<ScanCode> level3_key() const { return level3_key_; }

  /// Every keysym that one stroke makes without Caps Lock, characters as 0x01000000 plus the code point; sorted.
  std::vector<Keysym> reachable() const;

 private:
  struct Entry {
    std::uint32_t code;  // of normal()
    KeyStroke stroke;
    unsigned rank;
  };
  KeyboardLayout() = default;
  friend class LayoutCompiler;

  std::string name_;
  std::optional<ScanCode> level3_key_;
  std::array<std::vector<Entry>, 2> entries_;  // by Caps, sorted by code
};

/// One number for all keysyms of a character: 0x01000000 plus the code point; other keysyms as they are.
Keysym normal(Keysym key);
/// The character that a keysym stands for; 0 for none.
char32_t character_of(Keysym key);
Keysym keysym_of(char32_t character);

}  // namespace amtgate::rfb
