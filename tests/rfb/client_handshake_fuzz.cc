// The first byte chooses options and how the input is cut.
#include <cstdlib>

#include "amtgate/rfb/client_handshake.h"

using namespace amtgate;
using rfb::ClientHandshake;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned how = data[0];
  Bytes in(data + 1, size - 1);
  const std::size_t chunk = 1 + (how >> 2);
  const TimePoint now{};
  ClientHandshake h({.password = how & 1 ? "Pa55w0rd" : "", .stop_after_security = (how & 2) != 0}, now);
  while (!in.empty()) {
    const Bytes part = in.first(std::min(chunk, in.size()));
    in = in.subspan(part.size());
    Result<void> r = h.receive(part, now);
    while (const auto e = h.next_event()) {
      if (std::holds_alternative<ClientHandshake::SecurityPassed>(*e) && r) r = h.proceed(true, now);
    }
    if (h.output().size() > 64) std::abort();
    if (!r) {
      if (r.error().detail.size() > rfb::kMaxReason + 200) std::abort();
      return 0;
    }
  }
  static_cast<void>(h.closed());
  h.take_rest();
  return 0;
}
