#include <algorithm>
#include <cstdlib>

#include "amtgate/redir/framing.h"

using namespace amtgate;

// The first byte chooses table and chunk size; what is cut must be what was fed, in order and complete.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr Service kServices[] = {Service::Sol, Service::Ider};
  const auto direction = data[0] & 2 ? redir::Direction::FromDevice : redir::Direction::FromClient;
  redir::MessageCutter cutter(kServices[data[0] & 1], direction);
  const std::size_t chunk = 1 + (data[0] >> 2);
  const Bytes in = Bytes(data, size).subspan(1);
  Buffer out;
  bool lost = false;
  for (Bytes left = in; !left.empty() && !lost;) {
    const Bytes part = left.first(std::min(chunk, left.size()));
    left = left.subspan(part.size());
    cutter.feed(part);
    for (;;) {
      const auto message = cutter.next();
      lost = !message;
      if (lost || !*message) break;
      if ((*message)->empty()) std::abort();
      append(out, **message);
    }
    if (cutter.kept() > redir::kMaxServiceMessage) std::abort();
  }
  append(out, cutter.take_rest());
  if (!std::equal(out.begin(), out.end(), in.begin())) std::abort();
  (void)redir::next_message(in, direction).has_value();
  (void)redir::is_login_success(in);
  return 0;
}
