#include "amtgate/wsman/request.h"

#include <pugixml.hpp>

#include "amtgate/wsman/document.h"
#include "amtgate/wsman/xml_writer.h"

namespace amtgate::wsman {
namespace {

constexpr ReferencePrefixes kPrefixes{.addressing = "A:", .wsman = "W:"};

void write_body(XmlWriter& xml, const Request& r) {
  switch (r.operation) {
    case Operation::Put:
    case Operation::Create:
      xml.open("r:" + r.body.class_name(), {{"xmlns:r", class_uri(r.body.class_name())}});
      write_properties(xml, "r:", r.body, kPrefixes);
      return xml.close();
    case Operation::Invoke:
      xml.open("r:" + r.method + "_INPUT", {{"xmlns:r", class_uri(r.class_name)}});
      write_properties(xml, "r:", r.body, kPrefixes);
      return xml.close();
    case Operation::Enumerate:
      xml.open("n:Enumerate", {{"xmlns:n", kEnumeration}});
      if (r.mode == EnumerationMode::References) xml.leaf("W:EnumerationMode", "EnumerateEPR");
      if (r.mode == EnumerationMode::Both) xml.leaf("W:EnumerationMode", "EnumerateObjectAndEPR");
      return xml.close();
    case Operation::Pull:
      xml.open("n:Pull", {{"xmlns:n", kEnumeration}});
      xml.leaf("n:EnumerationContext", r.context);
      xml.leaf("n:MaxElements", "999");
      xml.leaf("n:MaxCharacters", "99999");
      return xml.close();
    case Operation::Release:
      xml.open("n:Release", {{"xmlns:n", kEnumeration}});
      xml.leaf("n:EnumerationContext", r.context);
      return xml.close();
    case Operation::Identify: xml.open("i:Identify", {{"xmlns:i", kIdentity}}); return xml.close();
    case Operation::Get:
    case Operation::Delete: return;
  }
}

}  // namespace

std::string Request::what() const {
  if (operation == Operation::Invoke) return class_name + "." + method;
  if (operation == Operation::Identify) return "Identify";
  return std::string(name(operation)) + " " + class_name;
}

bool Request::only_reads() const {
  switch (operation) {
    case Operation::Get:
    case Operation::Enumerate:
    case Operation::Pull:
    case Operation::Release:
    case Operation::Identify: return true;
    case Operation::Put:
    case Operation::Create:
    case Operation::Delete:
    case Operation::Invoke: return false;
  }
  return false;
}

Request get(std::string_view class_name, std::vector<Selector> selectors) {
  Request r;
  r.class_name = class_name;
  r.selectors = std::move(selectors);
  return r;
}
Request put(Instance body, std::vector<Selector> selectors) {
  Request r;
  r.operation = Operation::Put;
  r.class_name = body.class_name();
  r.selectors = std::move(selectors);
  r.body = std::move(body);
  return r;
}
Request create(Instance body) {
  Request r = put(std::move(body));
  r.operation = Operation::Create;
  return r;
}
Request remove(std::string_view class_name, std::vector<Selector> selectors) {
  Request r = get(class_name, std::move(selectors));
  r.operation = Operation::Delete;
  return r;
}
Request enumerate(std::string_view class_name, EnumerationMode mode) {
  Request r = get(class_name);
  r.operation = Operation::Enumerate;
  r.mode = mode;
  return r;
}
Request invoke(std::string_view method, Instance input, std::vector<Selector> selectors) {
  Request r = put(std::move(input), std::move(selectors));
  r.operation = Operation::Invoke;
  r.method = method;
  return r;
}
Request identify() {
  Request r;
  r.operation = Operation::Identify;
  return r;
}

std::string to_xml(const Request& r) {
  XmlWriter xml;
  xml.open("E:Envelope", {{"xmlns:E", kSoap}, {"xmlns:A", kAddressing}, {"xmlns:W", kWsman}});
  xml.open("E:Header");
  if (r.operation != Operation::Identify) {
    xml.leaf("A:Action", action(r.operation, r.class_name, r.method));
    xml.leaf("A:To", "/wsman");
    xml.leaf("W:ResourceURI", class_uri(r.class_name));
    xml.leaf("A:MessageID", r.message_id);
    xml.open("A:ReplyTo");
    xml.leaf("A:Address", kAnonymous);
    xml.close();
    write_selectors(xml, r.selectors, kPrefixes);
  }
  xml.close();
  xml.open("E:Body");
  write_body(xml, r);
  xml.close();
  xml.close();
  return xml.take();
}

Result<Request> parse_request(std::string_view xml) {
  const Result<Document> doc = Document::parse(xml);
  if (!doc) return doc.error();
  const pugi::xml_node header = doc->header();
  const pugi::xml_node content = first_element(doc->body());
  if (local_name(content) == "Identify") return identify();
  const std::string_view uri = text(child(header, "Action"));
  if (uri.empty()) return Error{Errc::BadValue, "a request without an action"};
  const std::optional<ActionParts> parts = parse_action(uri);
  if (!parts) return Error{Errc::Unsupported, "the action " + std::string(uri.substr(0, 200))};
  Request r;
  r.operation = parts->op;
  r.method = parts->method;
  r.class_name = class_of(text(child(header, "ResourceURI")));
  if (!is_identifier(r.class_name)) return Error{Errc::BadValue, "a request without a class in its ResourceURI"};
  r.message_id = text(child(header, "MessageID"));
  r.selectors = read_selectors(child(header, "SelectorSet"));
  switch (r.operation) {
    case Operation::Put:
    case Operation::Create: r.body = read_instance(content); break;
    case Operation::Invoke: {
      const Instance input = read_instance(content);
      r.body = Instance(r.class_name, input.properties());
      break;
    }
    case Operation::Enumerate: {
      const std::string_view mode = text(child(content, "EnumerationMode"));
      if (mode == "EnumerateEPR") r.mode = EnumerationMode::References;
      if (mode == "EnumerateObjectAndEPR") r.mode = EnumerationMode::Both;
      break;
    }
    case Operation::Pull:
    case Operation::Release: r.context = text(child(content, "EnumerationContext")); break;
    default: break;
  }
  return r;
}

}  // namespace amtgate::wsman
