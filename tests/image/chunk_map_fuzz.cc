// Any file is taken for a map or refused; what is taken comes out the same.
#include <cstdlib>

#include "amtgate/base/bytes.h"
#include "amtgate/image/chunk_map.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amtgate;
  const auto record = image::parse_record(as_text({data, size}));
  if (!record) return 0;
  if (record->data.find('/') != std::string::npos || record->map.bytes() > record->identity.size) std::abort();
  const auto again = image::parse_record(image::to_text(*record));
  if (!again || again->map.bits() != record->map.bits() || again->identity != record->identity) std::abort();
  return 0;
}
