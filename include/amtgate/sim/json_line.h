// JsonLine: one event of the simulator as one line of JSON: {"t":1.250,"event":"auth","ok":true,…}.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace amtgate::sim {

class JsonLine {
 public:
  /// Starts the line with the event's name. Names and keys are ours: lower case, no escaping needed.
  explicit JsonLine(std::string_view event);

  /// Text from anywhere: quotes, backslashes and control characters are escaped, bytes above 0x7e written as
  /// \u00XX, so that the line stays ASCII whatever a client sent.
  JsonLine& add(std::string_view key, std::string_view value);
  JsonLine& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
  /// Characters: those beyond ASCII as \uXXXX, as JSON has them.
  JsonLine& add(std::string_view key, const std::u32string& value);
  JsonLine& add(std::string_view key, bool value);
  JsonLine& add(std::string_view key, double value);  // three digits behind the point
  template <std::integral T>
  requires(!std::same_as<T, bool>) JsonLine& add(std::string_view key, T value) {
    begin_value(key);
    text_ += std::to_string(value);
    return *this;
  }

  /// The fields so far without braces: what the edge puts its time and connection number in front of.
  const std::string& fields() const { return text_; }

 private:
  void begin_value(std::string_view key);

  std::string text_;
};

}  // namespace amtgate::sim
