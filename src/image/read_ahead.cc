#include "amtgate/image/read_ahead.h"

#include <algorithm>

namespace amtgate::image {

std::uint64_t ReadAhead::read(std::uint64_t from, std::uint64_t length) {
  const std::uint64_t end = from + length;
  ++turn_;
  auto at = std::ranges::find_if(
      sequences_, [&](const Sequence& s) { return s.used != 0 && from >= s.next && from - s.next < kSkip; });
  if (at == sequences_.end()) {
    // The same read again, since it had to wait, is no news.
    at = std::ranges::find_if(sequences_, [&](const Sequence& s) { return s.used != 0 && end == s.next; });
    if (at == sequences_.end()) {
      at = std::ranges::min_element(sequences_, {}, &Sequence::used);
      *at = {end, length, turn_};
      return end;
    }
    at->used = turn_;
  } else {
    at->next = end;
    at->run += length;
    at->used = turn_;
  }
  return at->run < kLeast ? end : end + std::min(kAhead * at->run, kMost);
}

}  // namespace amtgate::image
