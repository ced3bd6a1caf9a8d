// Reply: what a machine answered to a request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/wsman/instance.h"

namespace amtgate::wsman {

/// A SOAP fault. `subcode` is the local name: "AccessDenied".
struct Fault {
  std::string subcode;
  std::string reason;                      // the firmware's words
  std::optional<std::uint32_t> pt_status;  // "AMT-STATUS n" in the detail

  /// One sentence: what the firmware refused and what to do about it.
  std::string sentence() const;
};

struct Item {
  Instance instance;                   // of an enumeration of references without a class
  std::optional<Reference> reference;  // where references were asked for
};

struct Reply {
  std::optional<Fault> fault;
  Instance instance;                 // Get, Put: the instance; Invoke: the output, of class METHOD_OUTPUT; Identify
  std::optional<Reference> created;  // Create
  std::vector<Item> items;           // Pull
  std::string context;               // Enumerate, Pull: empty at the end
  bool end = false;                  // Pull: that was the last
};

/// Errors: those of Document::parse. A fault is no error.
Result<Reply> parse_reply(std::string_view xml);

/// Whether a method did what it was asked; `reply` is that of an Invoke. Errors: Refused with what the ReturnValue
/// means in that method's family, Busy where it is at it already, BadValue where there is none.
Result<void> check_return_value(std::string_view class_name, std::string_view method, const Instance& output);

/// Intel's name of a PT_STATUS in words ("not permitted"), or its number.
std::string pt_status_text(std::uint64_t status);

}  // namespace amtgate::wsman
