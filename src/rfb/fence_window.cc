#include "amtgate/rfb/fence_window.h"

#include <algorithm>

namespace amtgate::rfb {

bool FenceWindow::open() const {
  return updates_.size() < kMinUpdates || (bytes_ < kBytes && updates_.size() < kMaxUpdates);
}

std::optional<std::uint32_t> FenceWindow::sent(std::size_t bytes) {
  if (updates_.size() == kMaxUpdates) return std::nullopt;
  updates_.push_back({next_, bytes});
  bytes_ += bytes;
  return next_++;
}

void FenceWindow::answered(std::uint32_t number) {
  const auto it = std::find_if(updates_.begin(), updates_.end(), [&](const Update& u) { return u.number == number; });
  if (it == updates_.end()) return;
  const auto end = it + 1;
  for (auto u = updates_.begin(); u != end; ++u) bytes_ -= u->bytes;
  updates_.erase(updates_.begin(), end);
}

}  // namespace amtgate::rfb
