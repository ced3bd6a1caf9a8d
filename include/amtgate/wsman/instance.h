// Instance: what a WS-Management body holds: an instance of a class, the input of a method or its output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace amtgate::wsman {

struct Selector;

/// A reference to an instance (WS-Addressing's EndpointReference). AMT does not look at its address.
struct Reference {
  std::string class_name;
  std::vector<Selector> selectors;

  friend bool operator==(const Reference&, const Reference&) = default;
};

/// One key of an instance. A key of an association is a reference.
struct Selector {
  std::string name;
  std::variant<std::string, Reference> value;

  friend bool operator==(const Selector&, const Selector&) = default;
};

/// WS-CIM's Datetime: "2024-01-03T00:44:35Z", in an element of its own.
struct Datetime {
  std::string text;

  friend bool operator==(const Datetime&, const Datetime&) = default;
};

/// A property or parameter. Numbers and booleans are text, as on the wire; an array is a repeated name.
struct Property {
  std::string name;
  std::variant<std::string, Datetime, Reference> value;

  friend bool operator==(const Property&, const Property&) = default;
};

class Instance {
 public:
  Instance() = default;
  explicit Instance(std::string class_name, std::vector<Property> properties = {})
      : class_name_(std::move(class_name)), properties_(std::move(properties)) {}

  /// Of a method: its class, as the elements are in that namespace.
  const std::string& class_name() const { return class_name_; }
  const std::vector<Property>& properties() const { return properties_; }

  /// The first of that name as text, a Datetime's too. Empty when there is none, or it is a reference.
  std::optional<std::string_view> text(std::string_view name) const;
  /// Every text of that name.
  std::vector<std::string_view> texts(std::string_view name) const;
  const Reference* reference(std::string_view name) const;
  /// Empty also when it is no number of the type. Decimal, as AMT writes it.
  std::optional<std::uint64_t> number(std::string_view name) const;
  /// "true" and "false", in any case, 1 and 0.
  std::optional<bool> boolean(std::string_view name) const;
  bool has(std::string_view name) const;

  /// Appends.
  Instance& add(std::string name, std::string value);
  Instance& add(std::string name, Datetime value);
  Instance& add(std::string name, Reference value);
  /// In place of the first of that name, the rest of them goes; appends where there is none.
  Instance& set(std::string_view name, std::string value);
  void erase(std::string_view name);

  friend bool operator==(const Instance&, const Instance&) = default;

 private:
  std::string class_name_;
  std::vector<Property> properties_;
};

}  // namespace amtgate::wsman
