// The first byte chooses options and how the input is cut, the second the size of the screen and how fast its time
// runs.
#include <cstdlib>

#include "amtgate/sim/kvm_server.h"

using namespace amtgate;
using sim::KvmServer;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const unsigned how = data[0], what = data[1];
  Bytes in(data + 2, size - 2);
  sim::KvmOptions o;
  o.ext_commands = o.grey_formats = how & 1;
  o.resize_needs_full_request = how & 2;
  o.back_to_back = how & 4;
  o.zrle = static_cast<rfb::ZrleForm>(how >> 3 & 3);
  const std::size_t chunk = 1 + (how >> 5) * 24;
  const rfb::Size sizes[] = {{64, 64}, {100, 70}, {1, 1}, {200, 3}};
  TimePoint now{};
  sim::KvmScreen screen(sizes[what & 3], milliseconds(10), now);
  KvmServer s(o, screen, now);
  for (unsigned step = 0; !in.empty(); ++step) {
    const Bytes part = in.first(std::min(chunk, in.size()));
    in = in.subspan(part.size());
    if (!s.receive(part, now)) return 0;
    while (s.next_event()) {
    }
    now += milliseconds(what >> 2 & 7);
    if (step % 16 == 15 && (what & 0x20)) screen.set_mode(sizes[(what + step / 16) & 3]);
    if (!s.tick(now)) return 0;
    if (s.output().size() > (128U << 10U)) std::abort();
    if ((what & 0x40) == 0 || step % 4 == 0) {  // else a viewer that reads slowly
      for (unsigned i = 0; i < 64 && !s.output().empty(); ++i) s.sent(std::min<std::size_t>(s.output().size(), 4000));
    }
  }
  return 0;
}
