// A datagram: what is a ping is no pong, and what was read comes back from what is made of it.
#include <cstdlib>

#include "amtgate/packet/rmcp.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes in(data, size);
  const auto tag = packet::parse_ping(in);
  const auto pong = packet::parse_pong(in);
  if (tag && (pong || packet::parse_ping(packet::make_ping(*tag)) != tag)) std::abort();
  if (!pong || !pong->is_amt()) return 0;
  const auto again = packet::parse_pong(packet::make_pong(*pong));
  if (!again || again->tag != pong->tag || again->port != pong->port || again->provisioning != pong->provisioning) {
    std::abort();
  }
  // 0.0 is what a machine says that says nothing.
  if (again->major != pong->major || again->minor != pong->minor) std::abort();
  return 0;
}
