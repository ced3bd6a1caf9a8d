// WebSeats: how many sessions a worker's web ports have at once, each of which may hold a request of half a megabyte;
// and how many of them one client, so that nobody takes them all.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "amtgate/base/inet.h"

namespace amtgate::gateway {

class WebSeats {
 public:
  static constexpr std::size_t kMost = 256;
  static constexpr std::size_t kMostOfOne = kMost / 2;

  enum class Room { Yes, NotForThis, None };
  Room room(const IpAddress& client) const {
    if (taken_ >= kMost) return Room::None;
    const auto it = by_client_.find(client);
    return it != by_client_.end() && it->second >= kMostOfOne ? Room::NotForThis : Room::Yes;
  }
  void take(const IpAddress& client) {
    ++taken_;
    ++by_client_[client];
  }
  void leave(const IpAddress& client) {
    --taken_;
    const auto it = by_client_.find(client);
    if (--it->second == 0) by_client_.erase(it);
  }

 private:
  std::size_t taken_ = 0;
  std::unordered_map<IpAddress, std::size_t> by_client_;
};

}  // namespace amtgate::gateway
