// Numbers and small texts of RFB (RFC 6143) that more than one part uses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amtgate/base/bytes.h"
#include "amtgate/base/result.h"

namespace amtgate::rfb {

/// The three versions that exist; every other number is taken as one of them (RFC 6143 section 7.1.1).
enum class Version : std::uint8_t { V3_3, V3_7, V3_8 };
/// "3.3", "3.7", "3.8".
std::string_view name(Version v);

/// What a server greets with. AMT until CSME 20 says 4.0 and goes on as 3.8 with everyone who answers 003.008.
enum class Greeting : std::uint8_t { V3_8, V4_0 };
/// "RFB 003.008\n" or "RFB 004.000\n".
std::string_view text(Greeting g);

inline constexpr std::size_t kVersionSize = 12;  // "RFB 003.008\n"

/// "RFB ddd.ddd\n" taken apart. Empty when the 12 bytes are anything else.
struct VersionNumber {
  unsigned major = 0;
  unsigned minor = 0;
};
std::optional<VersionNumber> parse_version(Bytes line);

enum class SecurityType : std::uint16_t {
  Invalid = 0,  // in place of a list: refused, a reason follows
  None = 1,
  VncAuth = 2,
  VeNCrypt = 19,  // TLS and its own choice of what happens inside: VencryptSubtype
  Plain = 256,    // user and password: inside of VeNCrypt only
};
/// "none", "vnc-password", "vencrypt", "plain"; "?" for anything else.
std::string_view name(SecurityType t);

/// What VeNCrypt 0.2 can be asked for and is worth offering: TLS with a certificate, and inside of it RFB's own
/// types, or an account's user and password. (257 to 259 are TLS without a certificate, 256 is no TLS at all.)
/// Source: rfbproto community description.
enum class VencryptSubtype : std::uint32_t { X509None = 260, X509Vnc = 261, X509Plain = 262 };

/// Longest reason text of a refusal that is sent or kept; what is behind it is cut. A viewer shows it in a dialogue.
inline constexpr std::size_t kMaxReason = 1024;
/// Longest desktop name of a ServerInit that is taken (the field could say 4 GiB).
inline constexpr std::size_t kMaxName = 4096;

/// `text` cut to `limit`, with everything outside printable ASCII as '?': fit for a log line and a viewer's dialogue.
std::string printable(Bytes text, std::size_t limit = kMaxReason);

/// Encodings of rectangles, and pseudo-encodings by which a viewer says what else it understands (RFC 6143
/// section 7.7; the rest from the rfbproto community description).
enum Encoding : std::int32_t {
  kRaw = 0,
  kCopyRect = 1,
  kRre = 2,
  kCoRre = 4,
  kHextile = 5,
  kZlib = 6,
  kTight = 7,
  kTrle = 15,
  kZrle = 16,              // AMT: one tile of at most 64x64 a rectangle, in one of four framings (zrle.h)
  kKvmDataChannel = 1092,  // AMT: announces the in-band channel, is never a rectangle
  kQualityLevel0 = -32,    // to -23, quality level 9: JPEG is welcome
  kDesktopSize = -223,
  kLastRect = -224,
  kCursor = -239,
  kCompressLevel0 = -256,  // to -247, compress level 9
  kQemuExtendedKey = -258,
  kDesktopName = -307,
  kExtendedDesktopSize = -308,
  kFence = -312,
  kContinuousUpdates = -313,
};

/// What a fence asks for, either way (rfbproto community description).
enum FenceFlag : std::uint32_t {
  kBlockBefore = 1,            // answered when what came before it has taken effect
  kBlockAfter = 2,             // nothing behind it begins before it is answered
  kSyncNext = 4,               // answered between what was before the next message took effect, and what comes of it
  kFenceRequest = 0x80000000,  // else it is an answer
};
inline constexpr std::size_t kMaxFencePayload = 64;

}  // namespace amtgate::rfb
