#include "tests/ider/sparse_image.h"

// DVDs, in sectors of 2048 bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  amtgate::ider::test::map_and_look(amtgate::Bytes(data, size), 2048);
  return 0;
}
