// Hexadecimal text.
#pragma once

#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate {

/// Lower-case digits, two a byte, no separators.
std::string to_hex(Bytes bytes);

/// Digits in either case; white space anywhere between bytes is skipped ("10 00 00 00  53 4f").
/// Errors: BadValue (another character, or an odd number of digits), with its offset.
Result<Buffer> from_hex(std::string_view text);

}  // namespace amtgate
