// The keys that AMT's virtual keyboard has: each with its place on a PC keyboard and the keysym that presses it.
//
// AMT turns a keysym into the place where a US keyboard bears it, and the PC's operating system gives that place the
// meaning of its own layout. What AMT takes: the keysyms of Latin-1, miscellany, 3270, XKB and Katakana, and six of
// Intel's (comment in MeshCommander amt-desktop; its clients use no others).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "amtgate/rfb/client_messages.h"

namespace amtgate::rfb {

/// A place on the keyboard: the PC's scan code of set 1, with bit 7 set where it has the prefix 0xe0; as in QEMU's
/// key events (rfbproto). 0 is no key.
struct ScanCode {
  std::uint8_t value = 0;
  auto operator<=>(const ScanCode&) const = default;
  explicit operator bool() const { return value != 0; }
};

namespace scan {
inline constexpr ScanCode kLeftCtrl{0x1d}, kLeftShift{0x2a}, kRightShift{0x36}, kLeftAlt{0x38}, kCapsLock{0x3a};
inline constexpr ScanCode kNumLock{0x45}, kRightCtrl{0x9d}, kRightAlt{0xb8}, kLeftMeta{0xdb}, kRightMeta{0xdc};
inline constexpr ScanCode kTab{0x0f}, kSpace{0x39}, kReturn{0x1c}, kPrint{0xb7};
}  // namespace scan

struct AmtKey {
  /// Character: of the main block, where layouts differ. Extra: as Character, but by a keysym of Intel's.
  /// Keypad: its digits and operators. Fixed: the same in every layout.
  enum class Kind : std::uint8_t { Character, Extra, Keypad, Fixed };
  ScanCode place;
  Kind kind;
  std::uint16_t evdev;  // Linux's number of the key (input-event-codes.h); XKB's is 8 more
  Keysym keysym;        // that presses it: of a US keyboard without Shift
};

/// All of them, sorted by place.
std::span<const AmtKey> amt_keys();
/// Null for a place that AMT has no key for: multimedia keys, F13 and later, the second separator of Brazil.
const AmtKey* amt_key(ScanCode place);

/// The place of a key that is the same in every layout: editing, function and modifier keys by the names that viewers
/// use (Super is the Windows key; ISO_Left_Tab is Tab). Empty for characters, the key pad's digits, AltGr (0xfe03),
/// Meta (which viewers mean in two ways), and what AMT has not.
std::optional<ScanCode> fixed_place(Keysym key);

}  // namespace amtgate::rfb
