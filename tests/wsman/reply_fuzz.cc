#include "amtgate/wsman/reply.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<wsman::Reply> reply = wsman::parse_reply({reinterpret_cast<const char*>(data), size});
  if (!reply) return 0;
  if (reply->fault) (void)reply->fault->sentence();
  (void)wsman::check_return_value("CIM_BootService", "SetBootConfigRole", reply->instance);
  return 0;
}
