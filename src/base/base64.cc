#include "amtgate/base/base64.h"

#include <cstdint>

namespace amtgate {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

}  // namespace

std::string to_base64(Bytes bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Result<Buffer> from_base64(std::string_view text) {
  Buffer out;
  std::uint32_t group = 0;
  unsigned digits = 0, padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_space(c)) continue;
    const std::size_t value = kDigits.find(c);
    const bool pad = c == '=' && digits >= 2 && digits + padding < 4;
    if (!pad && (value == std::string_view::npos || padding > 0)) {
      return Error{Errc::BadValue, "not base64 at offset " + std::to_string(i)};
    }
    if (pad) {
      ++padding;
      continue;
    }
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (++digits < 4) continue;
    for (const unsigned shift : {16U, 8U, 0U}) out.push_back(static_cast<std::uint8_t>(group >> shift));
    group = digits = 0;
  }
  const bool filled = (digits == 2 && (group & 15) != 0) || (digits == 3 && (group & 3) != 0);
  if (digits == 1 || filled || (padding > 0 && digits + padding != 4)) {
    return Error{Errc::BadValue, "base64 that ends within a byte"};
  }
  if (digits == 2) out.push_back(static_cast<std::uint8_t>(group >> 4));
  if (digits == 3) {
    out.push_back(static_cast<std::uint8_t>(group >> 10));
    out.push_back(static_cast<std::uint8_t>(group >> 2));
  }
  return out;
}

}  // namespace amtgate
