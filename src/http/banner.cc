#include "amtgate/http/banner.h"

#include <algorithm>
#include <array>

namespace amtgate::http {
namespace {

constexpr std::array<std::string_view, 2> kProducts = {"Intel(R) Active Management Technology",
                                                       "Intel(R) Standard Manageability"};
constexpr std::string_view kServer = "server:";
constexpr std::size_t kMaxVersion = 32;

bool same_word(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() && std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

}  // namespace

std::string banner_request(std::string_view host) {
  return "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\nConnection: close\r\n\r\n";
}

std::optional<Banner> parse_banner(std::string_view head) {
  head = head.substr(0, kMaxBannerHead);
  if (!head.starts_with("HTTP/1.")) return std::nullopt;
  while (!head.empty()) {
    const std::size_t newline = head.find('\n');
    if (newline == std::string_view::npos) return std::nullopt;  // a line that is cut says half the truth
    const std::string_view line = head.substr(0, newline);
    head.remove_prefix(newline + 1);
    if (line.empty() || line == "\r") return std::nullopt;
    if (!same_word(line.substr(0, kServer.size()), kServer)) continue;
    const std::string_view server = trimmed(line.substr(kServer.size()));
    for (const std::string_view product : kProducts) {
      if (!server.starts_with(product)) continue;
      const std::string_view version = trimmed(server.substr(product.size()));
      const bool plain = version.size() <= kMaxVersion &&
                         std::ranges::all_of(version, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
      return Banner{std::string(product), plain ? std::string(version) : std::string()};
    }
    return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace amtgate::http
