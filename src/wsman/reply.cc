#include "amtgate/wsman/reply.h"

#include <charconv>
#include <pugixml.hpp>

#include "amtgate/wsman/document.h"
#include "amtgate/wsman/names.h"

namespace amtgate::wsman {
namespace {

std::optional<std::uint32_t> find_pt_status(std::string_view detail) {
  constexpr std::string_view kMark = "AMT-STATUS";
  const std::size_t at = detail.find(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  detail.remove_prefix(at + kMark.size());
  while (!detail.empty() && (detail.front() < '0' || detail.front() > '9')) detail.remove_prefix(1);
  std::uint32_t n = 0;
  const auto [end, ec] = std::from_chars(detail.data(), detail.data() + detail.size(), n);
  if (ec != std::errc{} || end == detail.data()) return std::nullopt;
  return n;
}

/// All text inside a node, in order.
std::string all_text(const pugi::xml_node& node) {
  struct Walker : pugi::xml_tree_walker {
    std::string text;
    bool for_each(pugi::xml_node& n) override {
      if (n.type() == pugi::node_pcdata || n.type() == pugi::node_cdata) text.append(n.value()).append(" ");
      return true;
    }
  } walker;
  pugi::xml_node copy = node;
  copy.traverse(walker);
  return walker.text;
}

Fault read_fault(const pugi::xml_node& node) {
  Fault f;
  const std::string_view subcode = text(child(child(child(node, "Code"), "Subcode"), "Value"));
  const std::string_view code = subcode.empty() ? text(child(child(node, "Code"), "Value")) : subcode;
  f.subcode = code.substr(code.rfind(':') == std::string_view::npos ? 0 : code.rfind(':') + 1);
  f.reason = text(child(child(node, "Reason"), "Text"));
  f.pt_status = find_pt_status(all_text(node));
  return f;
}

Item read_item(const pugi::xml_node& node) {
  if (local_name(node) == "EndpointReference") return {{}, read_reference(node)};
  if (local_name(node) != "Item") return {read_instance(node), std::nullopt};
  Item out;
  for (const pugi::xml_node n : node.children()) {
    if (n.type() != pugi::node_element) continue;
    if (local_name(n) == "EndpointReference") {
      out.reference = read_reference(n);
    } else {
      out.instance = read_instance(n);
    }
  }
  return out;
}

}  // namespace

Result<Reply> parse_reply(std::string_view xml) {
  const Result<Document> doc = Document::parse(xml);
  if (!doc) return doc.error();
  Reply r;
  const pugi::xml_node content = first_element(doc->body());
  const std::string_view kind = local_name(content);
  if (kind == "Fault") {
    r.fault = read_fault(content);
  } else if (kind == "ResourceCreated") {
    r.created = read_reference(content);
  } else if (kind == "EnumerateResponse" || kind == "PullResponse") {
    r.context = text(child(content, "EnumerationContext"));
    const pugi::xml_node items = child(content, "Items");
    for (const pugi::xml_node n : items.children()) {
      if (n.type() == pugi::node_element) r.items.push_back(read_item(n));
    }
    r.end = static_cast<bool>(child(content, "EndOfSequence"));
  } else if (content) {
    r.instance = read_instance(content);
  }
  return r;
}

}  // namespace amtgate::wsman
