#include "amtgate/wsman/request_class.h"

#include <cstdlib>

#include "amtgate/wsman/request.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view xml{reinterpret_cast<const char*>(data), size};
  const wsman::Judged judged = wsman::judge_request("POST", "/wsman", xml);
  if (judged.kind == wsman::RequestClass::Change || xml.empty()) return 0;
  // What the machine's side reads must be of that kind: the simulator reads envelopes so.
  const Result<wsman::Request> request = wsman::parse_request(xml);
  if (!request) return 0;
  if (judged.kind == wsman::RequestClass::Read && !request->only_reads()) std::abort();
  const bool switches = request->operation == wsman::Operation::Put || request->operation == wsman::Operation::Invoke;
  if (judged.kind == wsman::RequestClass::Power && !switches) std::abort();
  return 0;
}
