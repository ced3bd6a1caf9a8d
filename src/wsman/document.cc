#include "amtgate/wsman/document.h"

#include <cstring>
#include <pugixml.hpp>

#include "amtgate/wsman/names.h"

namespace amtgate::wsman {
namespace {

// No DOCTYPE is needed to understand AMT, and with none there are no entities of the sender's own.
constexpr unsigned kOptions =
    pugi::parse_escapes | pugi::parse_cdata | pugi::parse_wconv_attribute | pugi::parse_eol | pugi::parse_doctype;

/// Walks all elements. Errors: TooLarge.
Result<void> check_shape(const pugi::xml_node& root) {
  unsigned depth = 0;
  std::size_t elements = 0;
  pugi::xml_node at = root;
  for (;;) {
    if (at.type() == pugi::node_doctype) return Error{Errc::BadValue, "XML with a DOCTYPE, which SOAP forbids"};
    if (++elements > kMaxElements) {
      return Error{Errc::TooLarge, "XML of more than " + std::to_string(kMaxElements) + " nodes"};
    }
    if (const pugi::xml_node down = at.first_child()) {
      if (++depth > kMaxDepth)
        return Error{Errc::TooLarge, "XML of more than " + std::to_string(kMaxDepth) + " levels"};
      at = down;
      continue;
    }
    while (!at.next_sibling()) {
      at = at.parent();
      if (depth == 0 || at == root) return {};
      --depth;
    }
    at = at.next_sibling();
  }
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      ++i;
      continue;
    }
    const unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || more > text.size() - i - 1) return false;
    unsigned value = c & (0x3fU >> more);
    for (unsigned k = 1; k <= more; ++k) {
      const auto d = static_cast<unsigned char>(text[i + k]);
      if ((d & 0xc0U) != 0x80) return false;
      value = value << 6U | (d & 0x3fU);
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return false;
    if ((more == 2 && value < 0x800) || (more == 3 && value < 0x10000)) return false;
    i += more + 1;
  }
  return true;
}

Document::Document(std::unique_ptr<pugi::xml_document> xml) : xml_(std::move(xml)) {}
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

Result<Document> Document::parse(std::string_view xml) {
  if (xml.size() > kMaxEnvelope) {
    return Error{Errc::TooLarge, "an envelope of " + std::to_string(xml.size()) + " bytes (at most " +
                                     std::to_string(kMaxEnvelope) + ")"};
  }
  if (!is_utf8(xml)) return Error{Errc::BadValue, "XML that is not UTF-8"};
  auto doc = std::make_unique<pugi::xml_document>();
  const pugi::xml_parse_result parsed = doc->load_buffer(xml.data(), xml.size(), kOptions, pugi::encoding_utf8);
  if (!parsed) {
    return Error{Errc::BadValue,
                 "no XML: " + std::string(parsed.description()) + " at byte " + std::to_string(parsed.offset)};
  }
  if (const Result<void> shape = check_shape(*doc); !shape) return shape.error();
  if (local_name(first_element(*doc)) != "Envelope") return Error{Errc::BadValue, "XML without a SOAP envelope"};
  return Document(std::move(doc));
}

pugi::xml_node Document::header() const {
  return child(first_element(*xml_), "Header");
}
pugi::xml_node Document::body() const {
  return child(first_element(*xml_), "Body");
}

std::string_view local_name(const pugi::xml_node& node) {
  const char* name = node.name();
  const char* colon = std::strchr(name, ':');
  return colon == nullptr ? name : colon + 1;
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view local) {
  for (const pugi::xml_node n : node.children()) {
    if (n.type() == pugi::node_element && local_name(n) == local) return n;
  }
  return {};
}

pugi::xml_node first_element(const pugi::xml_node& node) {
  for (const pugi::xml_node n : node.children()) {
    if (n.type() == pugi::node_element) return n;
  }
  return {};
}

std::string_view text(const pugi::xml_node& node) {
  std::string_view t = node.text().get();
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!t.empty() && blank(t.front())) t.remove_prefix(1);
  while (!t.empty() && blank(t.back())) t.remove_suffix(1);
  return t;
}

std::vector<Selector> read_selectors(const pugi::xml_node& set) {
  std::vector<Selector> out;
  for (const pugi::xml_node n : set.children()) {
    if (n.type() != pugi::node_element || local_name(n) != "Selector") continue;
    Selector s;
    for (const pugi::xml_attribute a : n.attributes()) {
      // Some clients write the name's namespace: wsman:Name.
      const std::string_view name = a.name();
      if (name == "Name" || name.ends_with(":Name")) s.name = a.value();
    }
    const pugi::xml_node reference = child(n, "EndpointReference");
    if (reference) {
      s.value = read_reference(reference);
    } else {
      s.value = std::string(text(n));
    }
    out.push_back(std::move(s));
  }
  return out;
}

Reference read_reference(const pugi::xml_node& node) {
  const pugi::xml_node parameters = child(node, "ReferenceParameters");
  return {std::string(class_of(text(child(parameters, "ResourceURI")))),
          read_selectors(child(parameters, "SelectorSet"))};
}

Instance read_instance(const pugi::xml_node& node) {
  Instance out{std::string(local_name(node))};
  for (const pugi::xml_node n : node.children()) {
    if (n.type() != pugi::node_element) continue;
    std::string name(local_name(n));
    const pugi::xml_node inner = first_element(n);
    if (!inner) {
      out.add(std::move(name), std::string(text(n)));
    } else if (child(n, "ReferenceParameters")) {
      out.add(std::move(name), read_reference(n));
    } else if (local_name(inner) == "EndpointReference") {
      out.add(std::move(name), read_reference(inner));
    } else {
      // Datetime or Interval; what else there may be inside an element is text to us.
      out.add(std::move(name), Datetime{std::string(text(inner))});
    }
  }
  return out;
}

}  // namespace amtgate::wsman
