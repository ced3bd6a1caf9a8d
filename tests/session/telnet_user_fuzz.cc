// A hostile telnet client: never more typed than sent, and never more output than the limits allow.
#include <cstdlib>

#include "amtgate/session/telnet_user.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  session::TelnetUser u("amtgate");
  Buffer typed;
  std::size_t at = 0;
  while (at < size) {
    const std::size_t n = std::min<std::size_t>(1 + data[at] % 32, size - at);
    const Bytes part(data + at, n);
    at += n;
    if (!u.receive(part, TimePoint{}, typed)) break;
    (void)u.send(part, TimePoint{});
    (void)u.take_break();
    if (n % 3 == 0) u.sent(u.output().size());
    if (n % 7 == 0) u.host(2, 4, TimePoint{});
  }
  if (typed.size() > size || u.output().size() > 512 * 1024) std::abort();
  return 0;
}
