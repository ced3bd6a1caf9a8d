// A hostile viewer against ServerRole, behind ServerInit. Byte 0 picks the size of the screen and its format; then
// records as fuzz_machine.h has them. An event makes the screen change in one of several ways: a pointer fills an
// area or, with button 8, scrolls all of it. It is shown all the time.
#include <algorithm>
#include <cstdlib>

#include "amtgate/rfb/server_role.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;
using namespace amtgate::rfb;

namespace {

constexpr Size kSizes[] = {{64, 64}, {130, 70}, {1, 1}, {0, 0}, {20, 90}};

class Shown {
 public:
  using Event = ServerRole::Event;

  explicit Shown(unsigned choice) : role_(kSizes[choice % 5], "pc1") {
    if (choice & 128 && !screen_.set_format(kRgb332)) std::abort();
    if (!screen_.resize(kSizes[choice % 5])) std::abort();
  }

  Result<void> receive(Bytes in, TimePoint now) {
    Result<void> taken = role_.receive(in, now);
    now_ = now;
    if (taken) role_.show(screen_.view(), now);
    return taken;
  }
  std::optional<Event> next_event() { return role_.next_event(); }
  Bytes output() const { return role_.output(); }
  void sent(std::size_t n) {
    role_.sent(n);
    role_.show(screen_.view(), now_);
  }
  std::optional<TimePoint> deadline() const { return role_.deadline(); }
  Result<void> tick(TimePoint now) {
    now_ = now;
    Result<void> ticked = role_.tick(now);
    role_.show(screen_.view(), now);
    return ticked;
  }

  void on_event(const Event& event) {
    if (const auto* pointer = std::get_if<PointerEvent>(&event)) {
      const Size s = screen_.size();
      if (s.width != 0 && s.height != 0 && (pointer->x >= 65535 || pointer->y >= 65535)) return;
      const Rect area{pointer->x, pointer->y, pointer->buttons, pointer->buttons};
      if (pointer->buttons & 128) {
        scroll(pointer->buttons & 31, pointer->y);
      } else {
        fill(area, pointer->x * 31U + pointer->y);
        role_.changed(area);
      }
    } else if (const auto* key = std::get_if<KeyEvent>(&event)) {
      if (!screen_.resize(kSizes[key->key.value % 5])) std::abort();
      role_.resized(screen_.size());
      role_.ring();
    } else {
      if (!screen_.set_format(screen_.format() == kRgb565 ? kRgb332 : kRgb565)) std::abort();
      role_.changed({0, 0, 65535, 65535});
    }
    role_.show(screen_.view(), now_);
  }

 private:
  void put_row(unsigned y, Bytes row) {
    if (!screen_.put({0, static_cast<std::uint16_t>(y), screen_.size().width, 1}, row)) std::abort();
  }
  void fill(const Rect& wanted, unsigned seed) {
    const Rect area = clip(wanted, screen_.size());
    const std::size_t bytes = screen_.view().bytes_per_pixel();
    Buffer row(area.width * bytes);
    for (unsigned y = 0; y < area.height && area.width != 0; ++y) {
      for (std::uint8_t& b : row) b = static_cast<std::uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
      if (!screen_.put({area.x, static_cast<std::uint16_t>(area.y + y), area.width, 1}, row)) std::abort();
    }
  }
  void scroll(unsigned rows, unsigned seed) {
    const PixelView v = screen_.view();
    if (v.size.width == 0) return;
    for (unsigned y = 0; y < v.size.height; ++y) {
      if (y + rows < v.size.height) {
        const std::uint8_t* from = v.at(0, y + rows);
        put_row(y, Buffer(from, from + v.stride));
      } else {
        fill({0, static_cast<std::uint16_t>(y), v.size.width, 1}, seed + y);
      }
    }
    role_.changed({0, 0, v.size.width, v.size.height});
  }

  TimePoint now_;
  Screen screen_;
  ServerRole role_;
};
static_assert(Machine<Shown>);

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Shown shown(data[0]);
  test::fuzz_machine(shown, TimePoint{seconds(1)}, Bytes(data + 1, size - 1),
                     [&](const ServerRole::Event& event, TimePoint) { shown.on_event(event); });
  return 0;
}
