#include "amtgate/gateway/layouts.h"

#include "amtgate/sys/log.h"

namespace amtgate::gateway {

std::shared_ptr<const rfb::KeyboardLayout> Layouts::get(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const rfb::KeyboardLayout>& known = known_[name];
  if (known) return known;
  Result<std::shared_ptr<const rfb::KeyboardLayout>> loaded = rfb::KeyboardLayout::load(name);
  if (!loaded) {
    log::error("keyboard.unknown", {{"keyboard", name}, {"why", loaded.error().detail}, {"used", "us"}});
    loaded = rfb::KeyboardLayout::load("us");
  }
  if (loaded) known = *loaded;
  return known;
}

}  // namespace amtgate::gateway
