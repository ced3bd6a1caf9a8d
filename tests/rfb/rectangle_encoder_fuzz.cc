// What a viewer may set, and pixels of a device, in records: 0 and 16 bytes of a pixel format; 1, a count and that
// many encodings of a byte each (128 and up: negative); 2, a device's format, width, height, and as many bytes as
// that needs, or as there are, which then come again. Rectangles must be counted right and be no longer than they may
// be.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "amtgate/base/reader.h"
#include "amtgate/rfb/rectangle_encoder.h"

using namespace amtgate;
using namespace amtgate::rfb;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr PixelFormat kDevices[] = {kRgb565, kRgb332, kGrey8, kGrey4};
  Reader in(Bytes(data, size));
  RectangleEncoder encoder;
  Screen screen;
  Buffer pixels, out;
  std::size_t budget = 4U << 20U;  // pixels, so that an input is done in time
  while (in.remaining() > 0) {
    const unsigned kind = in.u8() % 3U;
    if (kind == 0) {
      const PixelFormat format = read_pixel_format(in);
      if (encoder.set_format(format).has_value() != valid(format)) std::abort();
    } else if (kind == 1) {
      std::vector<std::int32_t> list;
      for (const std::uint8_t b : in.take(std::min<std::size_t>(in.u8(), in.remaining()))) {
        list.push_back(b < 128 ? b : -static_cast<std::int32_t>(b - 128U) - 129);  // -129 to -256: levels
        list.push_back(b < 128 ? b : 31 - static_cast<std::int32_t>(b));
      }
      encoder.set_encodings(list);
    } else {
      const PixelFormat& format = kDevices[in.u8() % 4U];
      const Size s{static_cast<std::uint16_t>(in.u8() * 2U), in.u8()};
      const std::size_t area = std::size_t{s.width} * s.height;
      if (area > budget) return 0;
      budget -= area;
      if (!screen.set_format(format) || !screen.resize(s)) std::abort();
      const Bytes some = in.take(std::min(in.remaining(), area * format.bytes_per_pixel()));
      pixels.resize(area * format.bytes_per_pixel());
      for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = some.empty() ? 0 : some[i % some.size()];
      if (!screen.put({0, 0, s.width, s.height}, pixels)) std::abort();
      const Rect part{static_cast<std::uint16_t>(in.u8()), static_cast<std::uint16_t>(in.u8()), 65535, 65535};
      for (const Rect& wanted : {Rect{0, 0, s.width, s.height}, part}) {
        out.clear();
        const Rect what = clip(wanted, s);
        const std::size_t count = encoder.encode(out, screen.view(), wanted);
        const std::size_t raw = std::size_t{what.width} * what.height * encoder.format().bytes_per_pixel();
        if ((count == 0) != what.empty() || count > RectangleEncoder::kMaxRectangles) std::abort();
        if (out.size() > raw + raw / 100 + 64 * count) std::abort();
      }
    }
  }
  return 0;
}
