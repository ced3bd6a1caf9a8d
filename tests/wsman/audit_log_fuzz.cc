#include "amtgate/wsman/audit_log.h"

#include "amtgate/base/base64.h"

using namespace amtgate;

namespace {
void show(Bytes record) {
  const Result<wsman::AuditRecord> r = wsman::parse_audit_record(record);
  if (r) (void)(r->sentence() + r->application_name() + r->who);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  show({data, size});
  if (const Result<Buffer> bytes = from_base64(as_text({data, size}))) show(*bytes);
  return 0;
}
