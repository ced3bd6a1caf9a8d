// A device's certificate, key or signing request as it comes from the network: questions about it, and a verdict.
#include "amtgate/tls/authority.h"
#include "amtgate/tls/certificate.h"
#include "amtgate/tls/certificate_facts.h"
#include "amtgate/tls/rsa_key.h"
#include "amtgate/tls/trust.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amtgate::tls;
  const Certificate cert(amtgate::Buffer(data, data + size));
  (void)cert.subject();
  (void)cert.sha256();
  (void)cert.public_key_sha256();
  (void)judge({.pin = std::string(64, '0')}, {}, {"pc1", {}}, std::vector<Certificate>{cert});
  (void)parse_pem(amtgate::as_text({data, size}));
  (void)certificate_facts({data, size});
  (void)is_for_host({data, size}, "pc1");
  (void)is_signed_by({data, size}, {data, size});
  (void)verified_request_key({data, size});
  (void)rsa_bits({data, size});
  return 0;
}
