// Service: what a session carries. The words of `services =`, of the log and of `amtgate sessions`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace amtgate {

enum class Service : std::uint8_t { Vnc, Sol, Ider, Wsman, Rmcp };

/// "vnc", "sol", "ider", "wsman", "rmcp".
constexpr std::string_view name(Service s) {
  switch (s) {
    case Service::Vnc: return "vnc";
    case Service::Sol: return "sol";
    case Service::Ider: return "ider";
    case Service::Wsman: return "wsman";
    case Service::Rmcp: return "rmcp";
  }
  return "?";
}

constexpr std::optional<Service> parse_service(std::string_view text) {
  for (const Service s : {Service::Vnc, Service::Sol, Service::Ider, Service::Wsman, Service::Rmcp}) {
    if (text == name(s)) return s;
  }
  return std::nullopt;
}

}  // namespace amtgate
