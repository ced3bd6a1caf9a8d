#include "amtgate/rfb/pixel_format.h"

#include <bit>

#include "amtgate/base/writer.h"

namespace amtgate::rfb {

PixelFormat read_pixel_format(Reader& in) {
  PixelFormat f;
  f.bits_per_pixel = in.u8();
  f.depth = in.u8();
  f.big_endian = in.u8() != 0;
  f.true_colour = in.u8() != 0;
  f.red_max = in.be16();
  f.green_max = in.be16();
  f.blue_max = in.be16();
  f.red_shift = in.u8();
  f.green_shift = in.u8();
  f.blue_shift = in.u8();
  in.skip(3);
  return f;
}

void write_pixel_format(Buffer& out, const PixelFormat& f) {
  Writer(out)
      .u8(f.bits_per_pixel)
      .u8(f.depth)
      .u8(f.big_endian ? 1 : 0)
      .u8(f.true_colour ? 1 : 0)
      .be16(f.red_max)
      .be16(f.green_max)
      .be16(f.blue_max)
      .u8(f.red_shift)
      .u8(f.green_shift)
      .u8(f.blue_shift)
      .zeros(3);
}

bool valid(const PixelFormat& f) {
  if (f.bits_per_pixel != 8 && f.bits_per_pixel != 16 && f.bits_per_pixel != 32) return false;
  if (!f.true_colour) return f.bits_per_pixel == 8;
  const auto fits = [&](unsigned max, unsigned shift) {
    return std::has_single_bit(max + 1U) && shift + static_cast<unsigned>(std::bit_width(max)) <= f.bits_per_pixel;
  };
  return fits(f.red_max, f.red_shift) && fits(f.green_max, f.green_shift) && fits(f.blue_max, f.blue_shift);
}

bool same_pixels(const PixelFormat& a, const PixelFormat& b) {
  if (a.bits_per_pixel != b.bits_per_pixel || a.true_colour != b.true_colour) return false;
  if (a.bits_per_pixel > 8 && a.big_endian != b.big_endian) return false;
  if (!a.true_colour) return true;
  return a.red_max == b.red_max && a.green_max == b.green_max && a.blue_max == b.blue_max &&
         a.red_shift == b.red_shift && a.green_shift == b.green_shift && a.blue_shift == b.blue_shift;
}

std::string to_string(const PixelFormat& f) {
  if (f == kRgb565) return "RGB565";
  if (f == kRgb332) return "RGB332";
  if (f == kGrey8) return "grey 8";
  if (f == kGrey4) return "grey 4";
  std::string out = std::to_string(f.bits_per_pixel) + " bits a pixel, depth " + std::to_string(f.depth);
  if (!f.true_colour) return out + ", colour map";
  const auto triple = [](unsigned r, unsigned g, unsigned b) {
    return std::to_string(r) + "/" + std::to_string(g) + "/" + std::to_string(b);
  };
  out +=
      ", " + triple(f.red_max, f.green_max, f.blue_max) + " at " + triple(f.red_shift, f.green_shift, f.blue_shift);
  if (f.bits_per_pixel > 8) out += f.big_endian ? ", big-endian" : ", little-endian";
  return out;
}

}  // namespace amtgate::rfb
