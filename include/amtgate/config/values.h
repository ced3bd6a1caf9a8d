// Strict parsers of single values: all of the text or a mistake, nothing guessed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/config/config.h"

namespace amtgate::config {

/// The words of a list: separated by blanks and tabs.
std::vector<std::string_view> words(std::string_view text);

/// All of these give BadValue with a phrase that goes after "KEY: ", and quote the offending text.
Result<bool> parse_yes_no(std::string_view text);
/// Decimal, or hexadecimal with 0x where `hex` is set.
enum class Radix { Decimal, DecimalOrHex };
Result<std::uint32_t> parse_number(std::string_view text, std::uint32_t least, std::uint32_t most,
                                   Radix radix = Radix::Decimal);
/// Bytes: digits, then k, M or G (of 1024) or nothing.
Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t most);
/// A path from the root, without control characters, at most 4095 bytes.
Result<std::string> parse_path(std::string_view text);
/// 1 to 15 letters, digits, '.', '_', ':', '-'. A last '+' (all that begin so) where `pattern` is set.
enum class InterfaceKind { Name, Pattern };
Result<std::string> parse_interface(std::string_view text, InterfaceKind kind);
/// An address, a network or a host name. Neither 0.0.0.0/0 nor multicast, which no machine answers at.
Result<Host> parse_host(std::string_view text);
/// "sha256:" and 64 hexadecimal digits, or the digits alone; gives them in lower case.
Result<std::string> parse_pin(std::string_view text);
/// A layout as XKB names it: "de", "de(nodeadkeys)".
Result<std::string> parse_keyboard(std::string_view text);
/// A name of a target, a tag: 1 to 40 letters, digits, '.', '_', '-'.
Result<std::string> parse_word(std::string_view text);

/// What the file says for `host`: the way back, for messages and `show`.
std::string to_string(const Host& host);

}  // namespace amtgate::config
