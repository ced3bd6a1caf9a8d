#include <cstdlib>

#include "amtgate/image/overlay_format.h"

using namespace amtgate;

// An overlay file as it is found: its header, then what its bits say against its length.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes file(data, size);
  const auto header = image::parse_overlay_header(file.first(std::min(size, image::kOverlayHeader)));
  if (!header) return 0;
  const Buffer again = image::overlay_header(*header);
  if (!std::equal(again.begin(), again.end(), data)) std::abort();
  if (size < header->data_start()) return 0;
  const Bytes bits = file.subspan(image::kOverlayHeader, header->bitmap_bytes());
  if (!image::check_overlay(*header, bits, size)) return 0;
  for (std::size_t i = 0; i < bits.size() * 8; ++i) {
    if ((bits[i / 8] >> (i % 8) & 1) == 0) continue;
    if (i >= header->blocks || header->data_start() + (i + 1) * header->block_size > size) std::abort();
  }
  return 0;
}
