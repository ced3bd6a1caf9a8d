#include "amtgate/sim/machine_side.h"

#include <array>

namespace amtgate::sim {

std::string_view name(Door door) {
  constexpr std::array<std::string_view, 7> kNames = {"redirection", "redirection-tls", "rfb", "web", "web-tls",
                                                      "asf",         "asf-tls"};
  return kNames[static_cast<std::size_t>(door)];
}

bool has_tls(Door door) {
  return door == Door::Tls || door == Door::WebTls || door == Door::AsfTls;
}

bool is_web(Door door) {
  return door == Door::Web || door == Door::WebTls || door == Door::Asf || door == Door::AsfTls;
}

}  // namespace amtgate::sim
