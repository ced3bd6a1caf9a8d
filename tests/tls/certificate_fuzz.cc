// A device's certificate as it comes from the network: questions about it, and a verdict on it.
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/trust.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amtgate::tls;
  const Certificate cert(amtgate::Buffer(data, data + size));
  (void)cert.subject();
  (void)cert.sha256();
  (void)cert.public_key_sha256();
  (void)judge({.pin = std::string(64, '0')}, {}, {"pc1", {}}, std::vector<Certificate>{cert});
  (void)parse_pem(amtgate::as_text({data, size}));
  return 0;
}
