#include "amtgate/rfb/viewer_encodings.h"

namespace amtgate::rfb {
namespace {

bool made_here(std::int32_t encoding) {
  switch (encoding) {
    case kRaw:
    case kRre:
    case kCoRre:
    case kHextile:
    case kZlib:
    case kTight:
    case kTrle:
    case kZrle: return true;
    default: return false;
  }
}

/// The level that `encoding` stands for, where `level0` is level 0 of 0 to 9.
std::optional<unsigned> level(std::int32_t encoding, std::int32_t level0) {
  if (encoding < level0 || encoding > level0 + 9) return std::nullopt;
  return static_cast<unsigned>(encoding - level0);
}

}  // namespace

ViewerEncodings sort_encodings(std::span<const std::int32_t> encodings) {
  ViewerEncodings out;
  bool found = false;
  for (const std::int32_t e : encodings) {
    if (!found && made_here(e)) {
      out.pixels = e;
      found = true;
    }
    if (!out.compress_level) out.compress_level = level(e, kCompressLevel0);
    if (!out.quality_level) out.quality_level = level(e, kQualityLevel0);
    out.copy_rect |= e == kCopyRect;
    out.desktop_size |= e == kDesktopSize;
    out.extended_desktop_size |= e == kExtendedDesktopSize;
    out.desktop_name |= e == kDesktopName;
    out.last_rect |= e == kLastRect;
    out.cursor |= e == kCursor;
    out.qemu_key |= e == kQemuExtendedKey;
    out.fence |= e == kFence;
    out.continuous_updates |= e == kContinuousUpdates;
  }
  return out;
}

}  // namespace amtgate::rfb
