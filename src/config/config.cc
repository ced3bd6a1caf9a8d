#include "amtgate/config/config.h"

#include <algorithm>

namespace amtgate::config {

std::string to_string(const SerialDoor& door) {
  switch (door.kind) {
    case SerialDoor::Kind::Tcp: return "tcp:" + door.at.to_string();
    case SerialDoor::Kind::Telnet: return "telnet:" + door.at.to_string();
    case SerialDoor::Kind::Pty: return "pty:" + door.path;
  }
  return {};
}

bool Target::serves(Service s) const {
  return std::ranges::find(services, s) != services.end();
}

const Target* Config::find(std::string_view name) const {
  const auto at = std::ranges::find(targets, name, &Target::name);
  return at == targets.end() ? nullptr : &*at;
}

}  // namespace amtgate::config
