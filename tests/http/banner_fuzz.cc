#include <cstdlib>

#include "amtgate/base/bytes.h"
#include "amtgate/http/banner.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto banner = http::parse_banner(as_text({data, size}));
  if (!banner) return 0;
  if (banner->version.size() > 32 || banner->version.find_first_not_of("0123456789.") != std::string::npos)
    std::abort();
  return 0;
}
