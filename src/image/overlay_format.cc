#include "amtgate/image/overlay_format.h"

#include <bit>
#include <string_view>

#include "amtgate/base/reader.h"
#include "amtgate/base/writer.h"

namespace amtgate::image {
namespace {

constexpr std::string_view kMagic = "AMTGOVL1";

Error bad(const std::string& what) {
  return Error{Errc::BadValue, what};
}

}  // namespace

Result<OverlayHeader> parse_overlay_header(Bytes first) {
  Reader r(first);
  if (as_text(r.take(kMagic.size())) != kMagic) return bad("it is not an overlay of amtgate's");
  OverlayHeader h;
  h.block_size = r.le32();
  h.blocks = r.le32();
  h.mark = r.le32();
  h.mark |= std::uint64_t{r.le32()} << 32;
  const Bytes zeros = r.take(kOverlayHeader - 24);
  if (r.failed()) return bad("the overlay is cut short");
  if (h.block_size != 512 && h.block_size != 2048) {
    return bad("the overlay is damaged: a block size of " + std::to_string(h.block_size));
  }
  if (h.blocks == 0 || h.blocks > kMaxOverlayBlocks) {
    return bad("the overlay is damaged: " + std::to_string(h.blocks) + " blocks");
  }
  for (const std::uint8_t b : zeros) {
    if (b != 0) return bad("the overlay is damaged, or of a later version");
  }
  return h;
}

Buffer overlay_header(const OverlayHeader& h) {
  Buffer out;
  out.reserve(kOverlayHeader);
  Writer w(out);
  w.text(kMagic).le32(h.block_size).le32(h.blocks);
  w.le32(static_cast<std::uint32_t>(h.mark & 0xffffffff)).le32(static_cast<std::uint32_t>(h.mark >> 32));
  w.zeros(kOverlayHeader - 24);
  return out;
}

Result<void> check_overlay(const OverlayHeader& h, Bytes bitmap, std::uint64_t file_size) {
  if (bitmap.size() != h.bitmap_bytes() || file_size < h.data_start()) return bad("the overlay is cut short");
  for (std::size_t i = bitmap.size(); i-- > 0;) {
    if (bitmap[i] == 0) continue;
    const std::uint64_t last = i * 8 + static_cast<std::size_t>(std::bit_width(bitmap[i])) - 1;
    if (last >= h.blocks) return bad("the overlay is damaged: it has blocks behind the image's end");
    if ((last + 1) * h.block_size > file_size - h.data_start()) {
      return bad("the overlay is cut short: block " + std::to_string(last) + " is missing");
    }
    return {};
  }
  return {};
}

}  // namespace amtgate::image
