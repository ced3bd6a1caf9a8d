// What comes in at a socket that pings: none of it may be taken for a reply that is longer than what came.
#include <cstdlib>

#include "amtgate/packet/icmp.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const bool v4 : {true, false}) {
    for (const bool header : {true, false}) {
      const auto echo = packet::parse_echo_reply(v4, header, Bytes(data, size));
      if (echo && size < (header ? 28U : 8U)) std::abort();
    }
  }
  return 0;
}
