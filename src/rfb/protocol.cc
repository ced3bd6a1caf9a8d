#include "amtgate/rfb/protocol.h"

#include <algorithm>

namespace amtgate::rfb {

std::string_view name(Version v) {
  switch (v) {
    case Version::V3_3: return "3.3";
    case Version::V3_7: return "3.7";
    case Version::V3_8: return "3.8";
  }
  return "?";
}

std::string_view text(Greeting g) {
  return g == Greeting::V4_0 ? "RFB 004.000\n" : "RFB 003.008\n";
}

std::string_view name(SecurityType t) {
  switch (t) {
    case SecurityType::None: return "none";
    case SecurityType::VncAuth: return "vnc-password";
    case SecurityType::VeNCrypt: return "vencrypt";
    case SecurityType::Plain: return "plain";
    case SecurityType::Invalid: break;
  }
  return "?";
}

namespace {

std::optional<unsigned> three_digits(std::string_view t) {
  unsigned n = 0;
  for (const char c : t) {
    if (c < '0' || c > '9') return std::nullopt;
    n = n * 10 + static_cast<unsigned>(c - '0');
  }
  return n;
}

}  // namespace

std::optional<VersionNumber> parse_version(Bytes line) {
  const std::string_view t = as_text(line);
  if (t.size() != kVersionSize || !t.starts_with("RFB ") || t[7] != '.' || t[11] != '\n') return std::nullopt;
  const auto major = three_digits(t.substr(4, 3));
  const auto minor = three_digits(t.substr(8, 3));
  if (!major || !minor) return std::nullopt;
  return VersionNumber{*major, *minor};
}

std::string printable(Bytes text, std::size_t limit) {
  std::string out;
  for (const std::uint8_t b : text.first(std::min(limit, text.size()))) {
    out.push_back(b >= 0x20 && b <= 0x7e ? static_cast<char>(b) : '?');
  }
  return out;
}

}  // namespace amtgate::rfb
