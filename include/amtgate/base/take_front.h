// The end of every machine's next_event().
#pragma once

#include <deque>
#include <optional>
#include <utility>

namespace amtgate {

/// The first of what waits; empty when nothing does.
template <class T>
std::optional<T> take_front(std::deque<T>& waiting) {
  if (waiting.empty()) return std::nullopt;
  T first = std::move(waiting.front());
  waiting.pop_front();
  return first;
}

}  // namespace amtgate
