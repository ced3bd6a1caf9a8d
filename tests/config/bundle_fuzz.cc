// Any bytes are a bundle or an error, and load() runs on what they hold.
#include "amtgate/config/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amtgate;
  if (Result<config::BundledFiles> files = config::BundledFiles::parse({data, size}))
    (void)config::load("/c", *files);
  return 0;
}
