// Caller: where requests go. The edge below implements it over HTTP, tests over a simulated machine in memory, so
// that what is done with a machine is written once, as a plain sequence of calls.
#pragma once

#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/wsman/reply.h"
#include "amtgate/wsman/request.h"

namespace amtgate::wsman {

class Caller {
 public:
  virtual ~Caller() = default;
  /// Blocks. Errors: those of the transport (Unreachable, Timeout, Closed, AuthFailed, Untrusted) and of a reply that
  /// is none. A fault is a reply.
  virtual Result<Reply> call(const Request& request) = 0;
};

/// Items of one enumeration; no class of AMT has so many.
inline constexpr std::size_t kMaxItems = 2000;

// In all of these a fault is an error: Unsupported where the firmware lacks the class or operation, Refused else,
// with what was asked and Fault::sentence().

Result<Instance> get(Caller& machine, std::string_view class_name, std::vector<Selector> selectors = {});
/// Gives what the machine says the instance is now.
Result<Instance> put(Caller& machine, Instance instance, std::vector<Selector> selectors = {});
Result<Reference> create(Caller& machine, Instance instance);
Result<void> remove(Caller& machine, std::string_view class_name, std::vector<Selector> selectors);
/// The output, after check_return_value().
Result<Instance> invoke(Caller& machine, std::string_view method, Instance input,
                        std::vector<Selector> selectors = {});
/// Pulls to the end. Errors: also TooLarge.
Result<std::vector<Item>> enumerate(Caller& machine, std::string_view class_name,
                                    EnumerationMode mode = EnumerationMode::Objects);

}  // namespace amtgate::wsman
