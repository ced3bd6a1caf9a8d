// The names of WS-Management as AMT speaks it: namespaces, actions, class URIs.
//
// Source: DSP0226, DSP0227; the class URIs as AMT's clients send them (go-wsman-messages, MeshCommander).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace amtgate::wsman {

inline constexpr std::string_view kSoap = "http://www.w3.org/2003/05/soap-envelope";
inline constexpr std::string_view kAddressing = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
inline constexpr std::string_view kAnonymous = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
inline constexpr std::string_view kFaultAction = "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault";
inline constexpr std::string_view kWsman = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
inline constexpr std::string_view kTransfer = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
inline constexpr std::string_view kEnumeration = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
inline constexpr std::string_view kEventing = "http://schemas.xmlsoap.org/ws/2004/08/eventing";
inline constexpr std::string_view kTrust = "http://schemas.xmlsoap.org/ws/2005/02/trust";
inline constexpr std::string_view kSecurity =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
inline constexpr std::string_view kCimBinding = "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd";
inline constexpr std::string_view kIdentity = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
inline constexpr std::string_view kCimCommon = "http://schemas.dmtf.org/wbem/wscim/1/common";

/// The ResourceURI of a class, which is at once the namespace of its properties and the stem of its methods' actions:
/// "CIM_BootService" to "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_BootService". AMT_, IPS_ and CIM_
/// classes are known; another name comes back as it is.
std::string class_uri(std::string_view class_name);

/// The class of a ResourceURI: what is behind its last slash.
std::string_view class_of(std::string_view uri);

/// Letters, digits and '_': what a class or method may be called, and what is safe as the name of an element.
bool is_identifier(std::string_view name);

enum class Operation { Get, Put, Create, Delete, Enumerate, Pull, Release, Invoke, Identify };

/// "Get", "Put" and so on, as a person reads it.
std::string_view name(Operation op);

/// The action of a request. `class_name` and `method` count for Invoke only. Identify has none: empty.
std::string action(Operation op, std::string_view class_name, std::string_view method);

/// Reads an action again. Empty for what no AMT has, such as eventing's.
struct ActionParts {
  Operation op;
  std::string method;  // of Invoke
};
std::optional<ActionParts> parse_action(std::string_view action);

}  // namespace amtgate::wsman
