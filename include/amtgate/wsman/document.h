// An XML document that came from the network, and what both directions have in common in it.
//
// pugixml does the parsing. It knows no namespaces, and AMT's own clients do not look at them: elements are found by
// their local name, at the place where SOAP has them.
#pragma once

#include <memory>
#include <string_view>

#include "amtgate/base/result.h"
#include "amtgate/wsman/instance.h"

namespace pugi {
class xml_document;
class xml_node;
}  // namespace pugi

namespace amtgate::wsman {

/// The longest envelope that is read: AMT's own are below 64 KiB.
inline constexpr std::size_t kMaxEnvelope = 1024 * 1024;
/// Levels of elements: an association whose keys are references has twelve.
inline constexpr unsigned kMaxDepth = 32;
/// Elements in one envelope.
inline constexpr std::size_t kMaxElements = 20'000;

/// A SOAP envelope, parsed. Errors: TooLarge (bytes, levels, elements), BadValue (no XML, a DOCTYPE, not UTF-8, no
/// envelope), each with the place.
class Document {
 public:
  static Result<Document> parse(std::string_view xml);
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;

  /// Null nodes where they are missing.
  pugi::xml_node header() const;
  pugi::xml_node body() const;

 private:
  explicit Document(std::unique_ptr<pugi::xml_document> xml);
  std::unique_ptr<pugi::xml_document> xml_;
};

/// "RFBPassword" of "g:RFBPassword".
std::string_view local_name(const pugi::xml_node& node);
/// The first child element of that local name; null if none.
pugi::xml_node child(const pugi::xml_node& node, std::string_view local);
/// The first child element.
pugi::xml_node first_element(const pugi::xml_node& node);
/// The text of an element without the blanks around it.
std::string_view text(const pugi::xml_node& node);

/// The element's children as properties.
Instance read_instance(const pugi::xml_node& node);
/// Of an element with Address and ReferenceParameters in it.
Reference read_reference(const pugi::xml_node& node);
/// Of a SelectorSet; null node: none.
std::vector<Selector> read_selectors(const pugi::xml_node& set);

/// Whether the bytes are UTF-8 without surrogates and overlong forms.
bool is_utf8(std::string_view text);

}  // namespace amtgate::wsman
