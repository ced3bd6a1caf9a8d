// Where a password is on a keyboard that firmware reads as a US one: its own set-up screen knows no other layout, so
// that who types there on a German keyboard has to press other keys than those that the password's characters are on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/rfb/keyboard_layout.h"

namespace amtgate::cli {

struct MovedCharacter {
  std::size_t position = 1;  // in the password, from 1
  char character = 0;
  std::string type;  // what is written on the key to press: the character it makes in the other layout, UTF-8; empty:
                     // there is no such key
};

/// Those of `password` (ASCII) that stand elsewhere. A secret.
std::vector<MovedCharacter> moved_characters(std::string_view password, const rfb::KeyboardLayout& us,
                                             const rfb::KeyboardLayout& theirs);

/// Special characters that AMT takes in passwords and that are on the same keys in both: "!$%.,".
std::string special_characters_that_stay(const rfb::KeyboardLayout& us, const rfb::KeyboardLayout& theirs);

}  // namespace amtgate::cli
