#include "amtgate/sim/json_line.h"

#include <fmt/format.h>

#include <cmath>

namespace amtgate::sim {

JsonLine::JsonLine(std::string_view event) : text_("\"event\":\"") {
  text_ += event;
  text_ += '"';
}

void JsonLine::begin_value(std::string_view key) {
  text_ += ",\"";
  text_ += key;
  text_ += "\":";
}

JsonLine& JsonLine::add(std::string_view key, std::string_view value) {
  constexpr char kHex[] = "0123456789abcdef";
  begin_value(key);
  text_ += '"';
  for (const char c : value) {
    const auto b = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (b >= 0x20 && b < 0x7f) {
      text_ += c;
    } else {
      text_ += "\\u00";
      text_ += kHex[b >> 4];
      text_ += kHex[b & 15];
    }
  }
  text_ += '"';
  return *this;
}

JsonLine& JsonLine::add(std::string_view key, const std::u32string& value) {
  begin_value(key);
  text_ += '"';
  const auto unit = [this](std::uint32_t u) { text_ += fmt::format("\\u{:04x}", u); };
  for (const char32_t c : value) {
    if (c == U'"' || c == U'\\') {
      text_ += '\\';
      text_ += static_cast<char>(c);
    } else if (c >= 0x20 && c < 0x7f) {
      text_ += static_cast<char>(c);
    } else if (c < 0x10000) {
      unit(c);
    } else {
      unit(0xd800 + ((c - 0x10000) >> 10));
      unit(0xdc00 + (c & 0x3ff));
    }
  }
  text_ += '"';
  return *this;
}

JsonLine& JsonLine::add(std::string_view key, bool value) {
  begin_value(key);
  text_ += value ? "true" : "false";
  return *this;
}

JsonLine& JsonLine::add(std::string_view key, double value) {
  begin_value(key);
  text_ += fmt::format("{:.3f}", std::isfinite(value) ? value : 0.0);  // JSON has no word for the others
  return *this;
}

}  // namespace amtgate::sim
