// What a request to a machine's web port would do to it, as far as rights go: look, switch on and off, or anything.
//
// The answer must be what AMT does, not what the sender says it is. So a request is less than a change only when
// nothing in it can be read in two ways: what is not understood whole, or what a less careful reader than ours could
// take for something else, is a change.
#pragma once

#include <string>
#include <string_view>

namespace amtgate::wsman {

enum class RequestClass {
  Read,    // Get, Enumerate, Pull, Release, Identify; a page
  Power,   // the power state, and from what it boots next
  Change,  // all else
};

/// "read", "power", "change".
std::string_view name(RequestClass c);

struct Judged {
  RequestClass kind = RequestClass::Change;
  std::string what;  // "CIM_PowerManagementService.RequestPowerStateChange", "GET /index.htm": for the log
  std::string message_id;
};

/// `path` with its query, as it goes to the machine. Changes in doubt.
Judged judge_request(std::string_view method, std::string_view path, std::string_view body);

/// How the reason of a fault begins that the gateway gives in the machine's place.
inline constexpr std::string_view kGatewayReason = "the gateway does not let this through: ";

/// A SOAP fault that says no, in AMT's shape: what `reason` says reaches the person at the client.
std::string access_denied(std::string_view message_id, std::string_view reason);

}  // namespace amtgate::wsman
