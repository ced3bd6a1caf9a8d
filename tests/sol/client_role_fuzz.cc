#include "amtgate/sol/client_role.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sol::ClientRole m({}, TimePoint{});
  std::size_t received = 0;
  test::fuzz_machine(m, TimePoint{}, Bytes(data, size), [&](const sol::ClientRole::Event& e, TimePoint now) {
    if (const auto* r = std::get_if<sol::ClientRole::Received>(&e)) {
      received += r->bytes.size();
      (void)m.send(r->bytes);
      if (received % 5 == 4) m.end(now);
    }
  });
  if (received > size) std::abort();
  return 0;
}
