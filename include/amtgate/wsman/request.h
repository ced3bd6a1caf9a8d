// Request: one WS-Management operation, to bytes and back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amtgate/base/result.h"
#include "amtgate/wsman/instance.h"
#include "amtgate/wsman/names.h"

namespace amtgate::wsman {

/// What an enumeration gives: instances, references to them, or both.
enum class EnumerationMode { Objects, References, Both };

struct Request {
  Operation operation = Operation::Get;
  std::string class_name;
  std::vector<Selector> selectors;
  std::string method;   // of Invoke
  Instance body;        // of Put and Create the instance, of Invoke the parameters in the method's own order
  std::string context;  // of Pull and Release
  EnumerationMode mode = EnumerationMode::Objects;
  std::string message_id;

  /// "Get AMT_GeneralSettings", "CIM_BootService.SetBootConfigRole": for messages to a person.
  std::string what() const;
  /// Sending it twice does what sending it once does: Get, Enumerate, Pull, Release, Identify.
  bool only_reads() const;
};

Request get(std::string_view class_name, std::vector<Selector> selectors = {});
Request put(Instance body, std::vector<Selector> selectors = {});
Request create(Instance body);
Request remove(std::string_view class_name, std::vector<Selector> selectors);
Request enumerate(std::string_view class_name, EnumerationMode mode = EnumerationMode::Objects);
/// `input` has the class of the method.
Request invoke(std::string_view method, Instance input, std::vector<Selector> selectors = {});
Request identify();

/// The envelope, UTF-8, without an XML declaration, as short as AMT takes it.
std::string to_xml(const Request& request);

/// What a client sent. Errors: those of Document::parse, Unsupported (an action that AMT does not have), BadValue (no
/// action or no ResourceURI).
Result<Request> parse_request(std::string_view xml);

}  // namespace amtgate::wsman
