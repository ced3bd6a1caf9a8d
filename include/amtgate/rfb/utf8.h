// One character of UTF-8 (RFC 3629).
#pragma once

#include <optional>
#include <string_view>

namespace amtgate::rfb {

/// Takes one character off the front. Empty, and `text` unchanged, where it is empty or no shortest form of one (also
/// surrogates and what lies beyond U+10FFFF).
std::optional<char32_t> take_utf8(std::string_view& text);

}  // namespace amtgate::rfb
