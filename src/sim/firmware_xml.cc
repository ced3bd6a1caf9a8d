#include "amtgate/sim/firmware_xml.h"

#include <algorithm>
#include <cstdio>

#include "amtgate/wsman/xml_writer.h"

namespace amtgate::sim {
namespace {

using wsman::Instance;
using wsman::Operation;
using wsman::XmlWriter;

constexpr wsman::ReferencePrefixes kNames{.addressing = "b:", .wsman = "c:", .common = "h:"};
// In a pull's items h is the class, so the time's namespace comes next.
constexpr wsman::ReferencePrefixes kItemNames{.addressing = "b:", .wsman = "c:", .common = "i:"};

std::string message_id(std::uint64_t counter) {
  char text[64];
  std::snprintf(text, sizeof text, "uuid:00000000-8086-8086-8086-%012llX", static_cast<unsigned long long>(counter));
  return text;
}

Instance sorted(const Instance& in) {
  std::vector<wsman::Property> properties = in.properties();
  std::ranges::stable_sort(properties, {}, &wsman::Property::name);
  return Instance(in.class_name(), std::move(properties));
}

void write_items(XmlWriter& xml, const wsman::Request& request, const std::vector<wsman::Item>& items) {
  xml.open("g:Items");
  for (const wsman::Item& item : items) {
    const bool both = request.mode == wsman::EnumerationMode::Both;
    if (both) xml.open("c:Item");
    if (request.mode != wsman::EnumerationMode::References) {
      xml.open("h:" + item.instance.class_name());
      write_properties(xml, "h:", sorted(item.instance), kItemNames);
      xml.close();
    }
    if (request.mode != wsman::EnumerationMode::Objects && item.reference) {
      xml.open("b:EndpointReference");
      write_reference(xml, *item.reference, kNames);
      xml.close();
    }
    if (both) xml.close();
  }
  xml.close();
}

void write_body(XmlWriter& xml, const wsman::Request& request, const wsman::Reply& reply) {
  switch (request.operation) {
    case Operation::Get:
    case Operation::Put:
      xml.open("g:" + reply.instance.class_name());
      write_properties(xml, "g:", sorted(reply.instance), kNames);
      return xml.close();
    case Operation::Invoke:
      xml.open("g:" + request.method + "_OUTPUT");
      write_properties(xml, "g:", reply.instance, kNames);
      return xml.close();
    case Operation::Create:
      xml.open("g:ResourceCreated");
      if (reply.created) write_reference(xml, *reply.created, kNames);
      return xml.close();
    case Operation::Enumerate:
      xml.open("g:EnumerateResponse");
      xml.leaf("g:EnumerationContext", reply.context);
      return xml.close();
    case Operation::Pull:
      xml.open("g:PullResponse");
      if (!reply.context.empty()) xml.leaf("g:EnumerationContext", reply.context);
      write_items(xml, request, reply.items);
      if (reply.end) xml.leaf("g:EndOfSequence", "");
      return xml.close();
    case Operation::Identify:
      xml.open("g:IdentifyResponse");
      write_properties(xml, "g:", reply.instance, kNames);
      return xml.close();
    case Operation::Delete:
    case Operation::Release: return;
  }
}

/// What g is bound to.
std::string own_namespace(const wsman::Request& request) {
  switch (request.operation) {
    case Operation::Create: return std::string(wsman::kTransfer);
    case Operation::Enumerate:
    case Operation::Pull:
    case Operation::Release: return std::string(wsman::kEnumeration);
    case Operation::Identify: return std::string(wsman::kIdentity);
    default: return wsman::class_uri(request.class_name);
  }
}

}  // namespace

std::string firmware_xml(const wsman::Request& request, const wsman::Reply& reply, std::uint64_t counter) {
  // Items of a base class come under their own class's name.
  const bool pull = request.operation == Operation::Pull;
  std::string h(wsman::kCimCommon);
  if (pull)
    h = wsman::class_uri(reply.items.empty() ? request.class_name : reply.items.front().instance.class_name());
  const std::string g = own_namespace(request);
  XmlWriter xml;
  xml.open("a:Envelope", {{"xmlns:a", wsman::kSoap},
                          {"xmlns:b", wsman::kAddressing},
                          {"xmlns:c", wsman::kWsman},
                          {"xmlns:d", wsman::kTrust},
                          {"xmlns:e", wsman::kSecurity},
                          {"xmlns:f", wsman::kCimBinding},
                          {"xmlns:g", g},
                          {"xmlns:h", h},
                          {"xmlns:i", wsman::kCimCommon}});
  xml.open("a:Header");
  xml.leaf("b:To", wsman::kAnonymous);
  xml.leaf("b:RelatesTo", request.message_id);
  const std::string action = wsman::action(request.operation, request.class_name, request.method);
  if (!action.empty()) xml.leaf("b:Action", action + "Response", {{"a:mustUnderstand", "true"}});
  xml.leaf("b:MessageID", message_id(counter));
  if (!request.class_name.empty()) xml.leaf("c:ResourceURI", wsman::class_uri(request.class_name));
  xml.close();
  xml.open("a:Body");
  write_body(xml, request, reply);
  xml.close();
  xml.close();
  return xml.take();
}

std::string firmware_fault_xml(std::string_view relates_to, std::string_view code, std::string_view reason,
                               std::string_view detail, std::uint64_t counter) {
  XmlWriter xml;
  xml.open("a:Envelope", {{"xmlns:a", wsman::kSoap},
                          {"xmlns:b", wsman::kAddressing},
                          {"xmlns:c", wsman::kEnumeration},
                          {"xmlns:d", wsman::kTransfer},
                          {"xmlns:e", wsman::kWsman},
                          {"xmlns:f", wsman::kEventing},
                          {"xmlns:g", wsman::kCimBinding},
                          {"xmlns:h", wsman::kTrust},
                          {"xmlns:i", wsman::kSecurity}});
  xml.open("a:Header");
  xml.leaf("b:To", wsman::kAnonymous);
  xml.leaf("b:RelatesTo", relates_to);
  xml.leaf("b:Action", wsman::kFaultAction, {{"a:mustUnderstand", "true"}});
  xml.leaf("b:MessageID", message_id(counter));
  xml.close();
  xml.open("a:Body");
  xml.open("a:Fault");
  xml.open("a:Code");
  xml.leaf("a:Value", "a:Sender");
  xml.open("a:Subcode");
  xml.leaf("a:Value", code);
  xml.close();
  xml.close();
  xml.open("a:Reason");
  xml.leaf("a:Text", reason, {{"xml:lang", "en-US"}});
  xml.close();
  xml.leaf("a:Detail", detail);
  xml.close();
  xml.close();
  xml.close();
  return xml.take();
}

}  // namespace amtgate::sim
