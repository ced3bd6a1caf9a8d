#include "amtgate/wsman/event_log.h"

#include "amtgate/base/base64.h"

using namespace amtgate;

namespace {
void show(Bytes record) {
  const Result<wsman::Event> event = wsman::parse_event(record);
  if (event) (void)(event->sentence() + event->severity_name() + event->entity_name());
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  show({data, size});
  if (const Result<Buffer> bytes = from_base64(as_text({data, size}))) show(*bytes);
  return 0;
}
