#include "amtgate/wsman/request_class.h"

#include <algorithm>
#include <array>
#include <optional>
#include <pugixml.hpp>

#include "amtgate/wsman/document.h"
#include "amtgate/wsman/names.h"
#include "amtgate/wsman/xml_writer.h"

namespace amtgate::wsman {
namespace {

// What an envelope says that is no danger is short; a log line is no place for more.
constexpr std::size_t kMaxWhat = 120;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// What is behind the last colon, in lower case: as the most careless reader would take a name.
std::string careless_name(const pugi::xml_node& node) {
  std::string_view name = node.name();
  name.remove_prefix(name.rfind(':') + 1);
  std::string out(name);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

struct Count {
  unsigned actions = 0, headers = 0, bodies = 0, envelopes = 0;
};

void count(const pugi::xml_node& node, Count& n) {
  for (const pugi::xml_node child : node.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string name = careless_name(child);
    if (name == "action") ++n.actions;
    if (name == "header") ++n.headers;
    if (name == "body") ++n.bodies;
    if (name == "envelope") ++n.envelopes;
    count(child, n);
  }
}

unsigned elements_in(const pugi::xml_node& node) {
  const auto children = node.children();
  return static_cast<unsigned>(std::count_if(children.begin(), children.end(),
                                             [](const pugi::xml_node& n) { return n.type() == pugi::node_element; }));
}

/// Text and no element, in one piece.
bool is_leaf(const pugi::xml_node& node) {
  const pugi::xml_node only = node.first_child();
  return !only || (only.type() == pugi::node_pcdata && !only.next_sibling());
}

/// No comments, no CDATA, no DOCTYPE, no instructions but the declaration of UTF-8, nothing around the root: what
/// parsers are known to read differently.
bool is_plain(std::string_view xml) {
  while (!xml.empty() && blank(xml.front())) xml.remove_prefix(1);
  while (!xml.empty() && blank(xml.back())) xml.remove_suffix(1);
  if (xml.starts_with("<?xml ")) {
    const std::size_t end = xml.find("?>");
    if (end == std::string_view::npos) return false;
    std::string declaration(xml.substr(0, end));
    std::ranges::transform(declaration, declaration.begin(), lower);
    if (declaration.find("encoding") != std::string::npos && declaration.find("utf-8") == std::string::npos)
      return false;
    xml.remove_prefix(end + 2);
    while (!xml.empty() && blank(xml.front())) xml.remove_prefix(1);
  }
  return xml.starts_with('<') && xml.ends_with('>') && xml.find("<!") == std::string_view::npos &&
         xml.find("<?") == std::string_view::npos && xml.find('\0') == std::string_view::npos;
}

/// What AMT_BootSettingData can do that outlives the next boot, or opens what was closed.
bool erases_or_opens(const pugi::xml_node& settings) {
  constexpr std::array<std::string_view, 8> kDangerous = {
      "secureerase",        "platformerase", "reflashbios", "configurationdatareset",
      "userpasswordbypass", "rsepassword",   "rpeenabled",  "uefibootparametersarray"};
  for (const pugi::xml_node property : settings.children()) {
    if (property.type() != pugi::node_element) continue;
    if (std::ranges::find(kDangerous, careless_name(property)) == kDangerous.end()) continue;
    const std::string_view value = text(property);
    if (!is_leaf(property) || (!value.empty() && value != "false" && value != "0")) return true;
  }
  return false;
}

struct Method {
  std::string_view class_name, method;
};
constexpr std::array<Method, 5> kPowerMethods = {{{"CIM_PowerManagementService", "RequestPowerStateChange"},
                                                  {"IPS_PowerManagementService", "RequestOSPowerSavingStateChange"},
                                                  {"CIM_BootConfigSetting", "ChangeBootOrder"},
                                                  {"CIM_BootService", "SetBootConfigRole"},
                                                  {"CIM_BootService", "RequestStateChange"}}};

/// Of an envelope that says the same to everybody: its header has one action for one class, its body one element or
/// none. `class_name` is what the header names, wherever the action is not its own.
RequestClass judge_operation(const ActionParts& action, std::string_view action_uri, std::string_view class_name,
                             const pugi::xml_node& body) {
  const unsigned elements = elements_in(body);
  const pugi::xml_node content = first_element(body);
  const std::string_view element = local_name(content);
  switch (action.op) {
    case Operation::Get: return elements == 0 ? RequestClass::Read : RequestClass::Change;
    case Operation::Enumerate:
    case Operation::Pull:
    case Operation::Release:
      return elements == 1 && element == name(action.op) ? RequestClass::Read : RequestClass::Change;
    case Operation::Put:
      if (elements == 1 && class_name == "AMT_BootSettingData" && element == class_name &&
          !erases_or_opens(content)) {
        return RequestClass::Power;
      }
      return RequestClass::Change;
    case Operation::Invoke:
      for (const Method& m : kPowerMethods) {
        if (class_name != m.class_name || action.method != m.method) continue;
        const bool agrees = action_uri == wsman::action(Operation::Invoke, m.class_name, m.method) && elements == 1 &&
                            element == std::string(m.method) + "_INPUT";
        return agrees ? RequestClass::Power : RequestClass::Change;
      }
      return RequestClass::Change;
    default: return RequestClass::Change;
  }
}

Judged judge_envelope(std::string_view xml) {
  Judged out{RequestClass::Change, "an envelope that is not understood", {}};
  const Result<Document> doc = Document::parse(xml);
  if (!doc) return out;
  const pugi::xml_node header = doc->header(), body = doc->body();
  const pugi::xml_node envelope = body.parent();
  out.message_id = std::string(text(child(header, "MessageID")).substr(0, kMaxWhat));
  const pugi::xml_node action_node = child(header, "Action");
  const std::string_view action_uri = text(action_node);
  const std::optional<ActionParts> action = parse_action(action_uri);
  const std::string_view uri = text(child(header, "ResourceURI"));
  const std::string_view class_name = class_of(uri);
  if (action && is_identifier(class_name)) {
    const std::string of(class_name.substr(0, kMaxWhat));
    out.what = action->op == Operation::Invoke ? of + "." + action->method.substr(0, kMaxWhat)
                                               : std::string(name(action->op)) + " " + of;
  }

  Count n;
  count(envelope.parent(), n);
  const bool single = n.envelopes == 1 && n.headers == 1 && n.bodies == 1 && n.actions <= 1 && header &&
                      elements_in(envelope) == 2 && elements_in(envelope.parent()) == 1;
  const auto parts = body.children();
  const bool text_in_body = elements_in(body) != static_cast<unsigned>(std::distance(parts.begin(), parts.end()));
  if (!single || text_in_body || !is_plain(xml)) return out;
  if (n.actions == 0) {
    // Identify has no action, and nothing that would name a class.
    const pugi::xml_node content = first_element(body);
    if (local_name(content) != "Identify" || elements_in(body) != 1 || elements_in(content) != 0 ||
        child(header, "ResourceURI")) {
      return out;
    }
    out.kind = RequestClass::Read;
    out.what = "Identify";
    return out;
  }
  const auto uris = header.children();
  const auto named = std::count_if(uris.begin(), uris.end(),
                                   [](const pugi::xml_node& c) { return careless_name(c) == "resourceuri"; });
  if (!action || !is_leaf(action_node) || named != 1 || !is_leaf(child(header, "ResourceURI")) ||
      !is_identifier(class_name)) {
    return out;
  }
  // A class that goes by two addresses could be two classes.
  const bool known_class = uri == class_uri(class_name);
  out.kind = judge_operation(*action, action_uri, class_name, body);
  if (out.kind == RequestClass::Power && !known_class) out.kind = RequestClass::Change;
  return out;
}

}  // namespace

std::string_view name(RequestClass c) {
  switch (c) {
    case RequestClass::Read: return "read";
    case RequestClass::Power: return "power";
    case RequestClass::Change: return "change";
  }
  return "?";
}

Judged judge_request(std::string_view method, std::string_view path, std::string_view body) {
  const std::string_view page = path.substr(0, path.find('?'));
  if (method == "POST" && path == "/wsman") {
    if (!body.empty()) return judge_envelope(body);
    return {RequestClass::Read, "POST /wsman without a body", {}};  // what asks for a challenge
  }
  Judged out{
      RequestClass::Change, std::string(method.substr(0, 16)) + " " + std::string(page.substr(0, kMaxWhat)), {}};
  // The forms of the pages are sent in bodies; whether a firmware takes them from a query nobody knows.
  const bool looks = (method == "GET" || method == "HEAD") && page.size() == path.size() && body.empty();
  if (looks) out.kind = RequestClass::Read;
  return out;
}

std::string access_denied(std::string_view message_id, std::string_view reason) {
  XmlWriter xml;
  xml.open("a:Envelope", {{"xmlns:a", kSoap}, {"xmlns:b", kAddressing}, {"xmlns:e", kWsman}});
  xml.open("a:Header");
  xml.leaf("b:To", kAnonymous);
  if (!message_id.empty()) xml.leaf("b:RelatesTo", message_id);
  xml.leaf("b:Action", kFaultAction, {{"a:mustUnderstand", "true"}});
  xml.leaf("b:MessageID", "uuid:00000000-8086-8086-8086-000000000000");
  xml.close();
  xml.open("a:Body");
  xml.open("a:Fault");
  xml.open("a:Code");
  xml.leaf("a:Value", "a:Sender");
  xml.open("a:Subcode");
  xml.leaf("a:Value", "e:AccessDenied");
  xml.close();
  xml.close();
  xml.open("a:Reason");
  xml.leaf("a:Text", reason, {{"xml:lang", "en-US"}});
  xml.close();
  xml.leaf("a:Detail", "");
  xml.close();
  xml.close();
  xml.close();
  return xml.take();
}

}  // namespace amtgate::wsman
