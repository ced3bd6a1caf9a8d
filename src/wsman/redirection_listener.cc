#include "amtgate/wsman/redirection_listener.h"

namespace amtgate::wsman {

Result<bool> set_listener(Caller& machine, bool on) {
  Result<Instance> service = get(machine, "AMT_RedirectionService");
  if (!service) return service.error();
  const bool was = service->boolean("ListenerEnabled").value_or(false);
  if (was == on) return was;
  service->set("ListenerEnabled", on ? "true" : "false");
  const Result<Instance> done = put(machine, std::move(*service));
  if (!done) return done.error();
  return was;
}

}  // namespace amtgate::wsman
