#include "amtgate/sim/connection.h"

#include "tests/support/counting_random.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;

// The first byte chooses the profile, the second door and shape and whether KVM is a raw stream; the rest is what a
// client sends. The password in clear is taken, so that the corpus can log in.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr sim::Door kDoors[] = {sim::Door::Plain, sim::Door::Tls, sim::Door::Rfb, sim::Door::Plain};
  const auto names = sim::profile_names();
  sim::Options o;
  o.profile = *sim::find_profile(names[data[0] % names.size()]);
  o.profile.methods = {1, 3, 4};
  o.shape = data[1] & 4 ? sim::UnitQueue::Shape::Glued : sim::UnitQueue::Shape::PerMessage;
  o.screen = {64, 48};
  if (data[1] & 8) o.kvm_stream = 100'000;
  if (data[1] & 16) o.faults = {*sim::parse_fault("stream:unknown:40"), *sim::parse_fault("open:stall:30:1")};
  o.heartbeat = milliseconds(data[1] & 32 ? 500 : 0);
  test::CountingRandom random;
  sim::MachineState machine(std::move(o), random, TimePoint{});
  {
    sim::Connection m(machine, kDoors[data[1] & 3], TimePoint{});
    std::size_t closes = 0;
    test::fuzz_machine(m, TimePoint{}, Bytes(data, size).subspan(2), [&](const auto& e, TimePoint) {
      closes += std::holds_alternative<sim::Connection::Close>(e) ? 1 : 0;
    });
    if (closes > 1) std::abort();
  }
  for (const sim::Slot slot : {sim::Slot::Sol, sim::Slot::Ider, sim::Slot::Kvm}) {
    if (machine.in_use(slot) != 0) std::abort();
  }
  return 0;
}
