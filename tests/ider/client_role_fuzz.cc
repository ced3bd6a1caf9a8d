#include "amtgate/ider/client_role.h"
#include "tests/ider/memory_source.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;

// The first byte chooses which drives have a medium, whether sequence numbers count, the floppy may be
// written and messages leave together; the rest is what the device
// sends.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static test::MemorySource iso(2048, 64);
  static test::MemorySource floppy(512, 2880);
  ider::ClientRole::Options o;
  if (data[0] & 1) o.cd = &iso;
  if (data[0] & 2) o.floppy = &floppy;
  o.check_sequence = (data[0] & 4) != 0;
  floppy.can_write = (data[0] & 8) != 0;
  o.gather = (data[0] & 16) != 0;
  ider::ClientRole m(o, TimePoint{});
  test::fuzz_machine(m, TimePoint{}, Bytes(data, size).subspan(1), [&](const ider::ClientRole::Event& e, TimePoint) {
    if (std::holds_alternative<ider::ClientRole::HostReset>(e)) m.insert(ider::Drive::Cd, &iso);
  });
  m.end(TimePoint{});
  return 0;
}
