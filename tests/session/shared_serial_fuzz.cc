// Hostile users and a hostile device at one serial console. Records: a byte says who (bits 0..2: users 1 to 3, 4: the
// device, 5: the owner) and how many bytes follow (bits 3..7).
#include <algorithm>
#include <cstdlib>

#include "amtgate/session/shared_serial.h"
#include "amtgate/session/telnet_user.h"

using namespace amtgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  TimePoint now{seconds(1)};
  session::SharedSerial s({.name = "pc1", .keep = 256});
  s.add_user({1}, std::make_unique<session::TelnetUser>("amtgate"), "one", now);
  s.add_user({2}, std::make_unique<session::SolUser>(milliseconds(0), now), "two", now);
  s.add_user({3}, std::make_unique<session::RawUser>(), "three", now);
  std::size_t typed = 0;
  const auto settle = [&] {
    while (auto e = s.next_event()) {
      if (std::holds_alternative<session::SharedSerial::NeedDevice>(*e)) s.device_opened({}, now);
      if (const auto* ended = std::get_if<session::SharedSerial::UserEnded>(&*e)) s.remove_user(ended->id, now);
    }
    if (!s.device_output().empty()) s.device_sent(s.device_output().size(), now);
  };
  settle();
  for (std::size_t at = 0; at < size;) {
    const unsigned control = data[at++];
    const std::size_t n = std::min<std::size_t>(control >> 3U, size - at);
    const Bytes bytes(data + at, n);
    at += n;
    now += milliseconds(200);
    const unsigned who = control & 7U;
    if (who >= 1 && who <= 3) {
      const session::UserId id{who};
      if (s.takes(id)) {
        typed += n;
        s.receive_user(id, bytes, now);
      }
      if (n % 2 == 0 && !s.user_output(id).empty()) s.user_sent(id, s.user_output(id).size(), now);
    } else if (who == 4) {
      if (s.takes_device()) s.receive_device(bytes, now);
    } else {
      switch (n) {
        case 0: s.device_closed({Errc::Closed, "gone"}, now); break;
        case 1: s.park("is being switched off", now + seconds(10), now); break;
        case 2: s.unpark(now); break;
        case 3: (void)s.give({2}, now); break;
        case 4: s.remove_user({1}, now); break;
        case 5: s.device_failed({{Errc::Timeout, "no"}, 0}, now); break;
        default: now += seconds(10); break;
      }
    }
    s.tick(now);
    settle();
  }
  if (s.rx_bytes() > typed) std::abort();
  return 0;
}
