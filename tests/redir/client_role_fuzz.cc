#include "amtgate/redir/client_role.h"
#include "tests/support/counting_random.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;

// The first byte chooses service, goal and whether clear text is allowed; the rest is what the device sends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  using redir::ClientRole;
  constexpr Service kServices[] = {Service::Sol, Service::Ider, Service::Vnc, Service::Vnc};
  constexpr ClientRole::Goal kGoals[] = {ClientRole::Goal::Open, ClientRole::Goal::Authenticated,
                                         ClientRole::Goal::Started};
  ClientRole::Options o;
  o.service = kServices[data[0] & 3];
  o.goal = kGoals[(data[0] >> 2 & 3) % 3];
  o.allow_plaintext = (data[0] & 0x10) != 0;
  o.credentials = {"admin", "P@ssw0rd1!"};
  test::CountingRandom random;
  ClientRole m(o, random, TimePoint{});
  test::fuzz_machine(m, TimePoint{}, Bytes(data, size).subspan(1), [](const auto&, TimePoint) {});
  if (m.take_rest().size() > redir::kMaxKept) std::abort();
  m.closed();
  return 0;
}
