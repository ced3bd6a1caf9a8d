// A hostile device against ClientRole. Byte 0 picks the size of its screen and the limit; then records as
// fuzz_machine.h has them. Who follows the events must have the screen, whatever came.
#include <algorithm>
#include <cstdlib>

#include "amtgate/rfb/client_role.h"
#include "tests/support/fuzz_machine.h"

using namespace amtgate;
using namespace amtgate::rfb;

namespace {

/// Draws what the events say.
void follow(Screen& seen, const Screen& screen, const ClientRole::Event& event) {
  if (const auto* resized = std::get_if<ClientRole::Resized>(&event)) {
    if (!seen.resize(resized->size)) std::abort();
    return;
  }
  const auto* part = std::get_if<ClientRole::Changed>(&event);
  if (part == nullptr) return;
  if (seen.format() != screen.format() && !seen.set_format(screen.format())) std::abort();
  const PixelView v = screen.view();
  const Rect area = clip(clip(part->area, seen.size()), screen.size());  // it may have been resized again since
  for (unsigned y = 0; y < area.height; ++y) {
    const Rect row{area.x, static_cast<std::uint16_t>(area.y + y), area.width, 1};
    if (!seen.put(row, Bytes(v.at(row.x, row.y), row.width * v.bytes_per_pixel()))) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr Size kSizes[] = {{64, 64}, {130, 70}, {1, 1}, {0, 0}};
  const TimePoint now{seconds(1)};
  ClientRole::Options options;
  if (data[0] & 4) options.frame_buffer_limit = 10'000;
  Screen screen, seen;
  ClientRole role(options, {kSizes[data[0] & 3], kRgb565, "AMT"}, screen, now);
  bool too_large = false;
  test::fuzz_machine(role, now, Bytes(data + 1, size - 1), [&](const ClientRole::Event& event, TimePoint at) {
    const Size s = screen.size();
    too_large = too_large || std::size_t{s.width} * s.height > 300'000;  // too slow to follow, from here on
    if (!too_large) follow(seen, screen, event);
    if (std::holds_alternative<ClientRole::Rung>(event)) {
      role.pointer({static_cast<std::uint8_t>(at.time_since_epoch().count()), 65535, 3}, at);
      if (role.takes_input()) role.key({true, {0x61}}, at);
      role.release_buttons(at);
    }
    if (role.output().size() > 2 * ClientRole::kMaxOutput) std::abort();
  });
  if (too_large || screen.size() != seen.size() || screen.format() != seen.format()) return 0;
  const PixelView a = screen.view(), b = seen.view();
  if (!std::equal(a.data, a.data + a.stride * a.size.height, b.data)) std::abort();
  return 0;
}
