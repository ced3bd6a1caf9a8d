#include "amtgate/sim/legacy_soap.h"

using namespace amtgate;

// An envelope at a path of the old interface.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sim::Profile profile = *sim::find_profile("8");
  sim::Management management(profile, {}, TimePoint{});
  for (const char* path :
       {"/RemoteControlService", "/SecurityAdministrationService", "/NetworkAdministrationService"}) {
    sim::Management::Surroundings around;
    (void)answer_legacy(path, as_text({data, size}), profile, management, around, TimePoint{});
  }
  return 0;
}
