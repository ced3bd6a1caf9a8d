// Loopback addresses of this process alone, so that tests can listen on fixed ports while another run of them does.
#pragma once

#include <unistd.h>

#include "amtgate/base/inet.h"

namespace amtgate::test {

/// 127.x.y.`last`
inline IpAddress own_loopback(unsigned last) {
  const auto pid = static_cast<unsigned>(::getpid());
  return IpAddress::v4({127, static_cast<std::uint8_t>(64 + (pid >> 8) % 128), static_cast<std::uint8_t>(pid),
                        static_cast<std::uint8_t>(last)});
}

}  // namespace amtgate::test
