// When sessions of ours ended. AMT has one of each kind, takes a while to close it, and says "busy" meanwhile.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "amtgate/base/inet.h"
#include "amtgate/base/service.h"
#include "amtgate/base/time.h"

namespace amtgate::device {

class Endings {
 public:
  using Key = std::pair<IpAddress, Service>;
  /// "Busy" within this time of an ending may be that session.
  static constexpr Duration kClosing = seconds(6);

  bool closing(const Key& key, TimePoint now) {
    const std::lock_guard lock(mutex_);
    const auto at = at_.find(key);
    return at != at_.end() && now - at->second < kClosing;
  }
  /// From now to the end of what is returned: a session.
  static std::shared_ptr<const void> begin(const std::shared_ptr<Endings>& self, const Key& key) {
    {
      const std::lock_guard lock(self->mutex_);
      self->at_.erase(key);
    }
    return {nullptr, [self, key](const void*) { self->ended(key, Clock::now()); }};
  }

 private:
  void ended(const Key& key, TimePoint now) {
    const std::lock_guard lock(mutex_);
    std::erase_if(at_, [now](const auto& e) { return now - e.second >= kClosing; });
    at_[key] = now;
  }

  std::mutex mutex_;
  std::map<Key, TimePoint> at_;  // not older than kClosing, but for what nobody has asked for since
};

}  // namespace amtgate::device
