#include "tests/ider/sparse_image.h"

// Floppies and disks, in sectors of 512 bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  amtgate::ider::test::map_and_look(amtgate::Bytes(data, size), 512);
  return 0;
}
