// The first words of an AMT web server to a stranger: the Server header tells the version of the firmware.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace amtgate::http {

/// Of a reply's status line and header.
inline constexpr std::size_t kMaxBannerHead = 8192;

struct Banner {
  std::string product;  // "Intel(R) Active Management Technology", "Intel(R) Standard Manageability"
  std::string version;  // "16.1.30"
};

/// The question that it answers without a login.
std::string banner_request(std::string_view host);

/// `head`: from the status line to the empty line behind the header, or as much of it as came. Nothing where it is
/// not HTTP or the server is another.
std::optional<Banner> parse_banner(std::string_view head);

}  // namespace amtgate::http
