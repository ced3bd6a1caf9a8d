#include "amtgate/config/values.h"

#include <algorithm>
#include <charconv>

#include "amtgate/base/hex.h"

namespace amtgate::config {
namespace {

constexpr std::size_t kMaxInterface = 15;  // IFNAMSIZ less the final zero
constexpr std::size_t kMaxPath = 4095;     // PATH_MAX less the final zero
constexpr std::size_t kMaxHostName = 253;  // RFC 1035, 2.3.4
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxWord = 40;

Error wrong(std::string text) {
  return Error{Errc::BadValue, std::move(text)};
}
std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
bool is_word(std::string_view text, std::string_view also) {
  return !text.empty() &&
         std::ranges::all_of(text, [&](char c) { return is_alnum(c) || also.find(c) != std::string_view::npos; });
}

bool is_multicast(const IpAddress& a) {
  return a.is_v4() ? (a.bytes()[0] & 0xf0U) == 0xe0U : a.bytes()[0] == 0xffU;
}

bool is_host_name(std::string_view text) {
  if (text.size() > kMaxHostName) return false;
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.size() > kMaxLabel || !is_word(label, "-_") || label.front() == '-' || label.back() == '-')
      return false;
    if (dot == std::string_view::npos) {
      // A name whose last label is a number is a mistyped address (RFC 3696, 2).
      return !std::ranges::all_of(label, is_digit);
    }
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin);
    const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Result<bool> parse_yes_no(std::string_view text) {
  if (text == "yes") return true;
  if (text == "no") return false;
  return wrong(quoted(text) + " is neither yes nor no");
}

Result<std::uint32_t> parse_number(std::string_view text, std::uint32_t least, std::uint32_t most, Radix radix) {
  const bool hex = radix == Radix::DecimalOrHex && (text.starts_with("0x") || text.starts_with("0X"));
  const std::string_view digits = hex ? text.substr(2) : text;
  std::uint32_t n = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), n, hex ? 16 : 10);
  if (digits.empty() || ec != std::errc{} || end != digits.data() + digits.size() || n < least || n > most) {
    return wrong(quoted(text) + " is not a number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return n;
}

Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t most) {
  unsigned shift = 0;
  std::string_view digits = text;
  if (!digits.empty() && !is_digit(digits.back())) {
    switch (digits.back()) {
      case 'k':
      case 'K': shift = 10; break;
      case 'm':
      case 'M': shift = 20; break;
      case 'g':
      case 'G': shift = 30; break;
      default: return wrong(quoted(text) + " is not a size (digits, then k, M, G or nothing)");
    }
    digits.remove_suffix(1);
  }
  std::uint64_t n = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (digits.empty() || ec != std::errc{} || end != digits.data() + digits.size()) {
    return wrong(quoted(text) + " is not a size (digits, then k, M, G or nothing)");
  }
  if (n == 0 || n > most >> shift)
    return wrong(quoted(text) + " is not from 1 to " + std::to_string(most) + " bytes");
  return n << shift;
}

Result<std::string> parse_path(std::string_view text) {
  if (text.empty() || text.front() != '/') return wrong(quoted(text) + " is not a path from the root (/...)");
  if (text.size() > kMaxPath) return wrong("the path is longer than " + std::to_string(kMaxPath) + " bytes");
  if (std::ranges::any_of(text, is_control)) return wrong("the path holds a control character");
  return std::string(text);
}

Result<std::string> parse_interface(std::string_view text, InterfaceKind kind) {
  std::string_view name = text;
  if (kind == InterfaceKind::Pattern && name.size() > 1 && name.back() == '+') name.remove_suffix(1);
  if (text.size() > kMaxInterface || !is_word(name, "._:-") || name == "." || name == "..") {
    return wrong(quoted(text) + " is not the name of an interface");
  }
  return std::string(text);
}

Result<Host> parse_host(std::string_view text) {
  if (text.find(',') != std::string_view::npos) {
    return wrong(quoted(text) + " holds a comma; the words of a list are separated by blanks");
  }
  const bool network = text.find('/') != std::string_view::npos;
  const bool v6 = text.find(':') != std::string_view::npos;
  if (!network && !v6 && is_host_name(text)) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (lower.back() == '.') lower.pop_back();
    return Host{std::move(lower)};
  }
  Result<Network> parsed = Network::parse(text);
  if (!parsed) {
    if (network) return wrong(parsed.error().detail);
    return wrong(quoted(text) + " is neither an IP address, a network nor a host name");
  }
  if (parsed->prefix == 0) return wrong(quoted(text) + " is every address there is");
  if (parsed->address.is_unspecified() || is_multicast(parsed->address)) {
    return wrong(quoted(text) + " is no machine's address");
  }
  return Host{*parsed};
}

Result<std::string> parse_pin(std::string_view text) {
  std::string_view digits = text;
  if (digits.starts_with("sha256:")) digits.remove_prefix(7);
  if (digits.size() != 64 || !std::ranges::all_of(digits, [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      })) {
    return wrong(quoted(text) + " is not sha256: and 64 hexadecimal digits");
  }
  const Result<Buffer> bytes = from_hex(digits);
  if (!bytes) return bytes.error();
  return to_hex(*bytes);
}

Result<std::string> parse_keyboard(std::string_view text) {
  const std::size_t open = text.find('(');
  const std::string_view layout = text.substr(0, open);
  bool good = layout.size() <= kMaxWord && is_word(layout, "_-");
  if (open != std::string_view::npos) {
    const std::string_view rest = text.substr(open + 1);
    good = good && !rest.empty() && rest.size() <= kMaxWord && rest.back() == ')' &&
           is_word(rest.substr(0, rest.size() - 1), "_-.");
  }
  if (!good) return wrong(quoted(text) + " is not the name of an XKB layout, as de or de(nodeadkeys)");
  return std::string(text);
}

Result<std::string> parse_word(std::string_view text) {
  if (text.size() > kMaxWord || !is_word(text, "._-")) {
    return wrong(quoted(text) + " is not 1 to 40 letters, digits, '.', '_' and '-'");
  }
  return std::string(text);
}

std::string to_string(const Host& host) {
  if (const auto* network = std::get_if<Network>(&host)) {
    return network->is_single() ? network->address.to_string() : network->to_string();
  }
  return std::get<std::string>(host);
}

}  // namespace amtgate::config
