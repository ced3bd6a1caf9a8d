// The known-certificates file: whatever parses is written and read back the same.
#include <cstdlib>

#include "amtgate/tls/trust.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using amtgate::tls::KnownCertificates;
  const auto known = KnownCertificates::parse(amtgate::as_text({data, size}));
  if (!known) return 0;
  const auto again = KnownCertificates::parse(known->format());
  if (!again || !(*again == *known)) std::abort();
  return 0;
}
