// Base64 text (RFC 4648, section 4).
#pragma once

#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate {

/// With padding, in one line.
std::string to_base64(Bytes bytes);

/// White space anywhere is skipped; the padding may be missing. What follows the padding is an error, as are bits
/// that fill up the last byte and are not 0. Errors: BadValue (another character, a length that cannot be), with its
/// offset.
Result<Buffer> from_base64(std::string_view text);

}  // namespace amtgate
