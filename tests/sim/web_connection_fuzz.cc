#include "amtgate/sim/web_connection.h"

#include "tests/support/counting_random.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;

// What a client sends; the nonce is known and the password public, so that the corpus can log in.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::CountingRandom random;
  sim::Options o;
  o.profile = *sim::find_profile("12");
  sim::MachineState machine(std::move(o), random, TimePoint{});
  (void)machine.new_nonce();
  sim::WebConnection m(machine, TimePoint{});
  test::fuzz_machine(m, TimePoint{}, Bytes(data, size), [](const auto&, TimePoint) {});
  // And what is behind the login.
  sim::Management::Surroundings around;
  (void)machine.management().answer(as_text({data, size}), around, TimePoint{});
  return 0;
}
