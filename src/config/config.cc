#include "amtgate/config/config.h"

#include <algorithm>

namespace amtgate::config {

bool Target::serves(Service s) const {
  return std::ranges::find(services, s) != services.end();
}

const Target* Config::find(std::string_view name) const {
  const auto at = std::ranges::find(targets, name, &Target::name);
  return at == targets.end() ? nullptr : &*at;
}

}  // namespace amtgate::config
