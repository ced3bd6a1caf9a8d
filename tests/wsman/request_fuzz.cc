#include "amtgate/wsman/request.h"

#include <cstdlib>

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<wsman::Request> request = wsman::parse_request({reinterpret_cast<const char*>(data), size});
  if (!request) return 0;
  // What was understood must be said so that it is understood again.
  if (wsman::class_uri(request->class_name) == request->class_name) return 0;
  const Result<wsman::Request> again = wsman::parse_request(wsman::to_xml(*request));
  if (!again || again->operation != request->operation || again->method != request->method) std::abort();
  return 0;
}
