// Key combinations as people write them: ctrl-alt-del, win+r, f12, shift-tab.
#pragma once

#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/rfb/client_messages.h"

namespace amtgate::rfb {

/// More than a keyboard's modifiers and a key, fewer than AMT's keyboard may hold down at once.
inline constexpr std::size_t kMaxComboKeys = 8;

/// Words with '-' or '+' between them, capitals or not: ctrl control shift alt altgr win super meta (and lctrl, rctrl
/// ... for a side); del delete ins insert esc escape enter return tab space backspace home end pgup pageup pgdn
/// pagedown up down left right f1 to f12 print printscreen sysrq scrolllock pause break capslock numlock menu minus
/// plus; or one character (UTF-8), in the PC's layout. In the order written, for KeyTranslator::press(). Errors:
/// BadValue (a word that is no key; nothing between two signs; a key named twice), TooLarge.
Result<std::vector<Keysym>> parse_key_combo(std::string_view text);

}  // namespace amtgate::rfb
