#include "amtgate/gateway/local_address.h"

#include <ifaddrs.h>

#include <cstring>

#include "amtgate/base/handle.h"

namespace amtgate::gateway {

// Not by trying to bind(): with net.ipv4.ip_nonlocal_bind set, any address could be bound, and a stranger would pass
// for the host itself.
bool is_local(const IpAddress& address) {
  if (address.is_loopback()) return true;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return false;
  const Handle<ifaddrs, &::freeifaddrs> owned(list);
  for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    const int family = i->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, i->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (Endpoint::from_sockaddr(storage).address == address) return true;
  }
  return false;
}

}  // namespace amtgate::gateway
