// The first byte chooses the pixel size and how the input is cut; ZRLE rectangles are decoded as well.
#include <cstdlib>

#include "amtgate/rfb/kvm_extension.h"
#include "amtgate/rfb/server_messages.h"

using namespace amtgate;
using namespace amtgate::rfb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned how = data[0];
  Bytes in(data + 1, size - 1);
  const std::size_t bytes_per_pixel = 1 + (how & 1), chunk = 1 + (how >> 1) * 16;
  ServerMessageReader reader({.bytes_per_pixel = bytes_per_pixel});
  ZrleDecoder zrle;
  Buffer pixels;
  while (!in.empty()) {
    const Bytes part = in.first(std::min(chunk, in.size()));
    in = in.subspan(part.size());
    reader.receive(part);
    for (;;) {
      const auto m = reader.next();
      if (!m) return 0;
      if (!*m) break;
      if (const auto* r = std::get_if<Rectangle>(&**m); r != nullptr && r->encoding == kZrle) {
        pixels.resize(std::size_t{r->area.width} * r->area.height * bytes_per_pixel);
        if (!zrle.decode(r->data, r->area.width, r->area.height, bytes_per_pixel, pixels)) zrle.reset();
      }
      if (const auto* t = std::get_if<ServerCutText>(&**m)) {
        static_cast<void>(parse_kvm_ext_cmd(t->text));
        static_cast<void>(parse_kvm_data(t->text));
      }
    }
    if (reader.kept() > 16 + kMaxTileData + ServerMessageReader::kMaxCutText) std::abort();
  }
  return 0;
}
