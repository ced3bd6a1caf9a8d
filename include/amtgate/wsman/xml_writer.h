// XmlWriter: XML on one line, as AMT and its clients write it: no declaration, no blanks, no self-closed elements.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amtgate/wsman/instance.h"

namespace amtgate::wsman {

class XmlWriter {
 public:
  using Attribute = std::pair<std::string_view, std::string_view>;

  /// The name must be valid; values and text are escaped.
  void open(std::string_view name, std::initializer_list<Attribute> attributes = {});
  void close();
  void leaf(std::string_view name, std::string_view text, std::initializer_list<Attribute> attributes = {});
  void text(std::string_view text);
  /// Every element must have been closed.
  std::string take();

 private:
  std::string out_;
  std::vector<std::string> open_;
};

/// With their colons.
struct ReferencePrefixes {
  std::string_view addressing, wsman;
  std::string_view common = "";  // of WS-CIM's Datetime; empty: the namespace is declared at the element
};

/// The properties as children of the open element, their names behind `prefix`.
void write_properties(XmlWriter& xml, std::string_view prefix, const Instance& instance,
                      const ReferencePrefixes& names);
/// A SelectorSet; nothing for none.
void write_selectors(XmlWriter& xml, const std::vector<Selector>& selectors, const ReferencePrefixes& names);
/// Address and ReferenceParameters.
void write_reference(XmlWriter& xml, const Reference& reference, const ReferencePrefixes& names);

}  // namespace amtgate::wsman
