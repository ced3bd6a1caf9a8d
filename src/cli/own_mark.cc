#include "amtgate/cli/own_mark.h"

#include <unistd.h>

#include "amtgate/config/load.h"

namespace amtgate::cli {

std::uint32_t own_mark(const config::Config& config) {
  return ::geteuid() == 0 ? config.intercept.mark + 1 : 0;
}

std::uint32_t own_mark(const Common& common) {
  if (::geteuid() != 0) return 0;
  const config::Parsed parsed = config::load(common.config);
  return parsed ? own_mark(*parsed.config) : 0;
}

}  // namespace amtgate::cli
