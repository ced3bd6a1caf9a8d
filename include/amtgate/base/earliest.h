// The end of every machine's deadline() that has more than one.
#pragma once

#include <initializer_list>
#include <optional>

#include "amtgate/base/time.h"

namespace amtgate {

/// The first of those that there are; empty when there is none.
inline std::optional<TimePoint> earliest(std::initializer_list<std::optional<TimePoint>> times) {
  std::optional<TimePoint> first;
  for (const std::optional<TimePoint>& t : times) {
    if (t && (!first || *t < *first)) first = t;
  }
  return first;
}

}  // namespace amtgate
