// First the size of a tile and of its pixels; then, one after the other, the deflate data of tiles, each behind a
// length of two bytes. Tiles that decode must come back the same from every shape and form.
#include <cstdlib>

#include "amtgate/base/reader.h"
#include "amtgate/rfb/zrle.h"

using namespace amtgate;
using namespace amtgate::rfb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader in(Bytes(data, size));
  const unsigned width = 1 + in.u8() % 64U, height = 1 + in.u8() % 64U;
  const unsigned how = in.u8();
  const std::size_t bytes = 1 + (how & 1);
  ZrleDecoder decoder, again;
  ZrleEncoder encoder(static_cast<ZrleForm>(how >> 1 & 3));
  Buffer pixels(std::size_t{width} * height * bytes), back(pixels.size()), out;
  if (how & 8) {  // the bytes of one tile, without deflate
    if (!decode_tile(in.rest(), width, height, bytes, pixels)) return 0;
    for (int kind = 0; kind < 5; ++kind) {
      out.clear();
      const TileKind made = encode_tile(out, pixels, width, height, bytes, static_cast<TileKind>(kind));
      const auto used = decode_tile(out, width, height, bytes, back);
      if (!used || *used != out.size() || back != pixels) std::abort();
      static_cast<void>(made);
    }
    return 0;
  }
  while (in.remaining() > 2) {
    const std::size_t n = std::min<std::size_t>(in.be16(), in.remaining());
    if (!decoder.decode(in.take(n), width, height, bytes, pixels)) {
      decoder.reset();
      continue;
    }
    out.clear();
    encoder.encode(out, pixels, width, height, bytes);
    if (!again.decode(Bytes(out).subspan(4), width, height, bytes, back) || back != pixels) std::abort();
  }
  return 0;
}
