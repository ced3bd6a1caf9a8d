// ImageHolders: the targets whose IDE-R session the gateway itself has or is opening: AMT has one, so that a client
// who wants it can be told why not. From any thread.
#pragma once

#include <mutex>
#include <set>
#include <string>

namespace amtgate::gateway {

class ImageHolders {
 public:
  void hold(const std::string& target) {
    const std::lock_guard lock(mutex_);
    targets_.insert(target);
  }
  void release(const std::string& target) {
    const std::lock_guard lock(mutex_);
    targets_.erase(target);
  }
  bool holds(const std::string& target) const {
    const std::lock_guard lock(mutex_);
    return targets_.contains(target);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> targets_;
};

}  // namespace amtgate::gateway
