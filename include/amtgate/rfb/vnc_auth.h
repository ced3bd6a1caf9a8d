// VNC authentication (security type 2): the password as a DES key over a 16-byte challenge.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::rfb {

inline constexpr std::size_t kVncChallengeSize = 16;
using VncChallenge = std::array<std::uint8_t, kVncChallengeSize>;

/// RFC 6143 section 7.2.2: both halves of the challenge under DES-ECB. The key is the password, padded with zeros to
/// 8 bytes (what is behind the eighth does not count), the bits of every byte in reverse order.
/// Errors: System (libcrypto has no DES: a build without it, or a FIPS provider only).
Result<VncChallenge> vnc_response(std::string_view password, const VncChallenge& challenge);

/// Whether `response` answers `challenge`; takes the same time wherever they differ. Errors: as above.
Result<bool> vnc_response_ok(std::string_view password, const VncChallenge& challenge, Bytes response);

}  // namespace amtgate::rfb
