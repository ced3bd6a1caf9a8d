// A text that somebody wants typed, as keysyms.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/keyboard_layout.h"

namespace amtgate::rfb {

/// Text that is typed at once.
inline constexpr std::size_t kMaxTypedText = 64U << 10U;
/// One keysym for each character of UTF-8 text; line feed, carriage return and both are Return, a tab is Tab.
/// Errors: BadValue (not UTF-8, a control character), TooLarge; the detail names the character's number, never the
/// character.
Result<std::vector<Keysym>> text_keysyms(std::string_view text);

/// Whether all of them can be typed to a PC of that layout. Errors: Unsupported, naming the number of the first that
/// cannot, counted from 1.
Result<void> typable(const std::vector<Keysym>& text, const KeyboardLayout& layout,
                     KeyboardLayout::Caps caps = KeyboardLayout::Caps::Off);

}  // namespace amtgate::rfb
