#include "amtgate/sim/kvm_screen.h"

#include <algorithm>
#include <array>
#include <string>

namespace amtgate::sim {
namespace {

using rfb::PixelFormat;
using rfb::Rect;
using rfb::Size;

constexpr std::array<std::uint16_t, 8> kBars{0xffff, 0xffe0, 0x07ff, 0x07e0, 0xf81f, 0xf800, 0x001f, 0x0000};
constexpr std::uint16_t kWhite = 0xffff, kRed = 0xf800;
constexpr unsigned kFrameWidth = 2;

struct Colour {
  unsigned red, green, blue;  // 5, 6 and 5 bits
};
Colour split(std::uint16_t p) {
  const unsigned v = p;
  return {v >> 11, v >> 5 & 63, v & 31};
}

/// Scales so that the largest value becomes 255.
unsigned full(unsigned value, unsigned max) {
  return (value * 255 + max / 2) / max;
}

unsigned luma(std::uint16_t p) {
  const Colour c = split(p);
  return (full(c.red, 31) * 77 + full(c.green, 63) * 151 + full(c.blue, 31) * 28) >> 8;
}

unsigned to_332(std::uint16_t p) {
  const Colour c = split(p);
  return c.red >> 2 << 5 | c.green >> 3 << 2 | c.blue >> 3;
}

void put(Buffer& out, std::uint16_t p, const PixelFormat& format) {
  unsigned v = p;
  if (format == rfb::kRgb332) v = to_332(p);
  if (format == rfb::kGrey8) v = luma(p);
  if (format == rfb::kGrey4) v = luma(p) >> 4;
  out.push_back(static_cast<std::uint8_t>(v));
  if (format.bits_per_pixel == 16) out.push_back(static_cast<std::uint8_t>(v >> 8));
}

void put_ppm(Buffer& out, std::uint16_t p, const PixelFormat& format) {
  std::array<unsigned, 3> rgb{};
  if (format == rfb::kGrey8 || format == rfb::kGrey4) {
    rgb.fill(format == rfb::kGrey8 ? luma(p) : full(luma(p) >> 4, 15));
  } else if (format == rfb::kRgb332) {
    const unsigned v = to_332(p);
    rgb = {full(v >> 5, 7), full(v >> 2 & 7, 7), full(v & 3, 3)};
  } else {
    const Colour c = split(p);
    rgb = {full(c.red, 31), full(c.green, 63), full(c.blue, 31)};
  }
  for (const unsigned v : rgb) out.push_back(static_cast<std::uint8_t>(v));
}

std::uint16_t noise(unsigned x, unsigned y) {
  std::uint32_t v = x * 0x9e3779b1U ^ y * 0x85ebca77U;
  v ^= v >> 15;
  v *= 0x2c1b3c6dU;
  return static_cast<std::uint16_t>(v >> 13);
}

unsigned lane_top(Size size) {
  return size.height / 2U + 2 * (size.height / 8U);
}

Rect box_at(Size size, std::uint32_t frame) {
  if (size.width == 0 || size.height == 0) return {};
  const unsigned lane = size.height - lane_top(size);
  const unsigned width = std::max(1U, size.width / 8U), height = std::max(1U, lane * 3 / 4);
  const unsigned step = std::max(1U, size.width / 64U), travel = size.width - width + 1;
  return {static_cast<std::uint16_t>(std::uint64_t{frame} * step % travel),
          static_cast<std::uint16_t>(lane_top(size) + (lane - height) / 2), static_cast<std::uint16_t>(width),
          static_cast<std::uint16_t>(height)};
}

}  // namespace

KvmPicture::KvmPicture(Size size, std::uint32_t frame, Cover cover)
    : size_(size),
      frame_(frame),
      cover_(cover),
      box_(box_at(size, frame)),
      ramp_top_(size.height / 2U),
      noise_top_(ramp_top_ + size.height / 8U),
      lane_top_(lane_top(size)) {}

std::uint16_t KvmPicture::pixel(unsigned x, unsigned y) const {
  if (x >= size_.width || y >= size_.height || cover_ == Cover::Black) return 0;
  if (cover_ == Cover::Prompt) {
    const bool inside =
        x >= size_.width / 3U && x < size_.width * 2U / 3 && y >= size_.height * 2U / 5 && y < size_.height * 3U / 5;
    return inside ? kWhite : std::uint16_t{0};
  }
  if (y < ramp_top_) return kBars[x * kBars.size() / size_.width];
  if (y < noise_top_) {
    const unsigned v = x * 32 / size_.width;
    return static_cast<std::uint16_t>(v << 11 | (v << 1 | v >> 4) << 5 | v);
  }
  if (y < lane_top_) return noise(x, y);
  if (x < box_.x || y < box_.y || x >= box_.x + box_.width + 0U || y >= box_.y + box_.height + 0U) return 0;
  const unsigned dx = std::min(x - box_.x, box_.x + box_.width - 1U - x);
  const unsigned dy = std::min(y - box_.y, box_.y + box_.height - 1U - y);
  return std::min(dx, dy) < kFrameWidth ? kRed : kWhite;
}

void KvmPicture::read(Rect area, const PixelFormat& format, Buffer& out) const {
  for (unsigned y = area.y; y < area.y + area.height + 0U; ++y) {
    for (unsigned x = area.x; x < area.x + area.width + 0U; ++x) put(out, pixel(x, y), format);
  }
}

Buffer KvmPicture::ppm(const PixelFormat& format) const {
  Buffer out;
  append(out, "P6\n" + std::to_string(size_.width) + " " + std::to_string(size_.height) + "\n255\n");
  out.reserve(out.size() + std::size_t{3} * size_.width * size_.height);
  for (unsigned y = 0; y < size_.height; ++y) {
    for (unsigned x = 0; x < size_.width; ++x) put_ppm(out, pixel(x, y), format);
  }
  return out;
}

bool changed(Size size, Rect area, std::uint32_t frame_a, std::uint32_t frame_b) {
  const Rect a = box_at(size, frame_a), b = box_at(size, frame_b);
  return a != b && (area.intersects(a) || area.intersects(b));
}

KvmScreen::KvmScreen(Size size, milliseconds frame_time, TimePoint now)
    : size_(size), frame_time_(frame_time), start_(now) {}

void KvmScreen::tick(TimePoint now) {
  if (frame_time_ <= milliseconds{0} || now <= start_) return;
  frame_ = std::max(frame_, static_cast<std::uint32_t>((now - start_) / frame_time_));
}

std::optional<TimePoint> KvmScreen::next_frame() const {
  if (frame_time_ <= milliseconds{0}) return std::nullopt;
  return start_ + (std::int64_t{frame_} + 1) * frame_time_;
}

}  // namespace amtgate::sim
