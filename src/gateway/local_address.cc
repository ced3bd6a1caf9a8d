#include "amtgate/gateway/local_address.h"

#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "amtgate/base/handle.h"
#include "amtgate/sys/fd.h"

namespace amtgate::gateway {
namespace {

/// The host's addresses as one thread knows them. Reading them all takes a dozen system calls, so they are kept; a
/// socket that the kernel tells of each change (rtnetlink(7)) says with one call whether they still hold.
class HostAddresses {
 public:
  HostAddresses() : changes_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)) {
    sockaddr_nl name{};
    name.nl_family = AF_NETLINK;
    name.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (changes_ && ::bind(changes_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) {
      changes_.reset();
    }
  }

  bool has(const IpAddress& address) {
    if (changed()) read();
    return std::ranges::find(addresses_, address) != addresses_.end();
  }

 private:
  /// Takes all that the kernel has told. Only "nothing" means that nothing has changed: ENOBUFS is too much to tell.
  bool changed() {
    if (!changes_) return true;
    bool any = !known_;
    std::array<char, 4096> told;
    for (;;) {
      const ssize_t n = ::recv(changes_.get(), told.data(), told.size(), MSG_DONTWAIT | MSG_TRUNC);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return any;
      any = true;
      if (n < 0 && errno != ENOBUFS) {
        changes_.reset();
        return true;
      }
    }
  }

  void read() {
    known_ = false;
    addresses_.clear();
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return;
    const Handle<ifaddrs, &::freeifaddrs> owned(list);
    for (const ifaddrs* i = list; i != nullptr; i = i->ifa_next) {
      if (i->ifa_addr == nullptr) continue;
      const int family = i->ifa_addr->sa_family;
      if (family != AF_INET && family != AF_INET6) continue;
      sockaddr_storage storage{};
      std::memcpy(&storage, i->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
      addresses_.push_back(Endpoint::from_sockaddr(storage).address);
    }
    known_ = true;
  }

  sys::UniqueFd changes_;  // none: read each time
  bool known_ = false;
  std::vector<IpAddress> addresses_;
};

}  // namespace

// Not by trying to bind(): with net.ipv4.ip_nonlocal_bind set, any address could be bound, and a stranger would pass
// for the host itself.
bool is_local(const IpAddress& address) {
  if (address.is_loopback()) return true;
  thread_local HostAddresses host;
  return host.has(address);
}

}  // namespace amtgate::gateway
