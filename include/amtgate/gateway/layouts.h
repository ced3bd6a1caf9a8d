// Layouts: keyboard layouts by name, compiled once.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "amtgate/rfb/keyboard_layout.h"

namespace amtgate::gateway {

class Layouts {
 public:
  /// From any thread. A name that XKB does not know (the configuration was checked; its files may be gone) is us, and
  /// said in the log; null only where not even that can be had.
  std::shared_ptr<const rfb::KeyboardLayout> get(const std::string& name);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const rfb::KeyboardLayout>> known_;
};

}  // namespace amtgate::gateway
