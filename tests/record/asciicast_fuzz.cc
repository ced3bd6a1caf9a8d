// Any bytes as a recorded console; the first one says how they are cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "amtgate/record/asciicast.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0];
  amtgate::Bytes in(data + 1, size - 1);
  amtgate::record::CastReader reader;
  while (true) {
    const auto event = reader.next();
    if (!event) return 0;
    if (*event) continue;
    if (in.empty()) return 0;
    const amtgate::Bytes now = in.first(std::min(piece, in.size()));
    in = in.subspan(now.size());
    reader.receive(now);
    if (in.empty()) reader.finish();
  }
}
