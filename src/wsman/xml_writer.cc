#include "amtgate/wsman/xml_writer.h"

#include <cassert>

#include "amtgate/wsman/names.h"

namespace amtgate::wsman {
namespace {

void escape(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        // XML has no way to write the others.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n' || c == '\r') out += c;
    }
  }
}

}  // namespace

void XmlWriter::open(std::string_view name, std::initializer_list<Attribute> attributes) {
  out_ += '<';
  out_ += name;
  for (const auto& [key, value] : attributes) {
    out_ += ' ';
    out_ += key;
    out_ += "=\"";
    escape(out_, value);
    out_ += '"';
  }
  out_ += '>';
  open_.emplace_back(name);
}

void XmlWriter::close() {
  assert(!open_.empty());
  out_ += "</";
  out_ += open_.back();
  out_ += '>';
  open_.pop_back();
}

void XmlWriter::text(std::string_view text) {
  escape(out_, text);
}

void XmlWriter::leaf(std::string_view name, std::string_view value, std::initializer_list<Attribute> attributes) {
  open(name, attributes);
  text(value);
  close();
}

std::string XmlWriter::take() {
  assert(open_.empty());
  return std::move(out_);
}

void write_selectors(XmlWriter& xml, const std::vector<Selector>& selectors, const ReferencePrefixes& names) {
  if (selectors.empty()) return;
  const std::string wsman(names.wsman), addressing(names.addressing);
  xml.open(wsman + "SelectorSet");
  for (const Selector& s : selectors) {
    xml.open(wsman + "Selector", {{"Name", s.name}});
    if (const auto* reference = std::get_if<Reference>(&s.value)) {
      xml.open(addressing + "EndpointReference");
      write_reference(xml, *reference, names);
      xml.close();
    } else {
      xml.text(std::get<std::string>(s.value));
    }
    xml.close();
  }
  xml.close();
}

void write_reference(XmlWriter& xml, const Reference& reference, const ReferencePrefixes& names) {
  const std::string addressing(names.addressing);
  xml.leaf(addressing + "Address", kAnonymous);
  xml.open(addressing + "ReferenceParameters");
  xml.leaf(std::string(names.wsman) + "ResourceURI", class_uri(reference.class_name));
  write_selectors(xml, reference.selectors, names);
  xml.close();
}

void write_properties(XmlWriter& xml, std::string_view prefix, const Instance& instance,
                      const ReferencePrefixes& names) {
  for (const Property& p : instance.properties()) {
    xml.open(std::string(prefix) + p.name);
    if (const auto* value = std::get_if<std::string>(&p.value)) {
      xml.text(*value);
    } else if (const auto* time = std::get_if<Datetime>(&p.value)) {
      if (names.common.empty()) {
        xml.leaf("c:Datetime", time->text, {{"xmlns:c", kCimCommon}});
      } else {
        xml.leaf(std::string(names.common) + "Datetime", time->text);
      }
    } else {
      write_reference(xml, std::get<Reference>(p.value), names);
    }
    xml.close();
  }
}

}  // namespace amtgate::wsman
