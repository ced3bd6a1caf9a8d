// Letters with an accent and the dead key that makes them: Latin-1, Latin Extended-A and their neighbours.
#pragma once

#include <optional>

#include "amtgate/rfb/client_messages.h"

namespace amtgate::rfb {

/// What to press, one after the other: the dead key, then the key of `base`. For U+00B4 and U+00A8 `base` is the
/// character itself: the dead key twice.
struct DeadSequence {
  Keysym dead;
  char32_t base;
};

/// Empty for a character that no single dead key makes.
/// Source: Unicode's canonical decompositions; strokes and signs of their own as X.org's en_US.UTF-8 Compose has
/// them. There an accent alone is dead key and space, but acute and diaeresis are the dead key twice (Windows wants a
/// space there, too).
std::optional<DeadSequence> dead_sequence(char32_t character);

/// The other way round; empty for a pair that makes nothing.
std::optional<char32_t> compose(Keysym dead, char32_t base);

/// XKB's dead_* keysyms.
constexpr bool is_dead(Keysym key) {
  return key.value >= 0xfe50 && key.value <= 0xfe93;
}

}  // namespace amtgate::rfb
