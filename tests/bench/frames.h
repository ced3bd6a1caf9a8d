// Screens as a PC shows them, in RGB565, made without a random device: a boot console that scrolls, a desktop on
// which windows move and text is typed, and a video that fills the screen.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "amtgate/rfb/screen.h"

namespace amtgate::bench {

class Frames {
 public:
  enum class Kind { Console, Desktop, Video };
  static constexpr Kind kKinds[] = {Kind::Console, Kind::Desktop, Kind::Video};
  static const char* name(Kind k) {
    return k == Kind::Console ? "console" : k == Kind::Desktop ? "desktop" : "video";
  }

  Frames(Kind kind, rfb::Size size) : kind_(kind), size_(size), pixels_(std::size_t{size.width} * size.height) {
    for (auto& glyph : glyphs_) {
      for (auto& row : glyph) row = static_cast<std::uint8_t>(next() & next() & 0x7e);
      glyph[0] = glyph[1] = glyph[13] = glyph[14] = glyph[15] = 0;
      for (std::size_t i = 3; i < 13; i += 2) glyph[i] = glyph[i - 1];  // strokes are higher than a pixel
    }
    step();
  }

  /// The next frame.
  void step() {
    switch (kind_) {
      case Kind::Console: console(); break;
      case Kind::Desktop: desktop(); break;
      case Kind::Video: video(); break;
    }
    ++frame_;
  }
  rfb::PixelView view() const {
    return {reinterpret_cast<const std::uint8_t*>(pixels_.data()), std::size_t{size_.width} * 2, rfb::kRgb565, size_};
  }
  std::uint16_t* data() { return pixels_.data(); }
  rfb::Rect all() const { return {0, 0, size_.width, size_.height}; }

 private:
  static std::uint16_t rgb(unsigned r, unsigned g, unsigned b) {
    return static_cast<std::uint16_t>(r >> 3 << 11 | g >> 2 << 5 | b >> 3);
  }
  unsigned next() {
    return static_cast<unsigned>((state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL) >> 33);
  }

  void box(unsigned x, unsigned y, unsigned w, unsigned h, std::uint16_t colour) {
    for (unsigned j = y; j < std::min<unsigned>(y + h, size_.height); ++j) {
      for (unsigned i = x; i < std::min<unsigned>(x + w, size_.width); ++i)
        pixels_[std::size_t{j} * size_.width + i] = colour;
    }
  }
  void letter(unsigned x, unsigned y, unsigned c, std::uint16_t ink, std::uint16_t edge) {
    if (x + 8 > size_.width || y + 16 > size_.height) return;
    for (unsigned j = 0; j < 16; ++j) {
      for (unsigned i = 0; i < 8; ++i) {
        std::uint16_t& p = pixels_[std::size_t{y + j} * size_.width + x + i];
        if (glyphs_[c % glyphs_.size()][j] >> i & 1) {
          p = ink;
        } else if (edge != 0 && i > 0 && (glyphs_[c % glyphs_.size()][j] >> (i - 1) & 1)) {
          p = edge;  // as smoothed letters have it
        }
      }
    }
  }
  void words(unsigned x, unsigned y, unsigned columns, std::uint16_t ink, std::uint16_t edge = 0) {
    for (unsigned c = 0, left = 0; c < columns; ++c) {
      if (left == 0) {
        left = 2 + next() % 9;
        continue;
      }
      --left;
      letter(x + 8 * c, y, next() % 40, ink, edge);
    }
  }

  void console() {
    const unsigned rows = size_.height / 16U, columns = size_.width / 8U;
    const auto line = [&](unsigned row) {
      const unsigned y = row * 16;
      box(0, y, size_.width, 16, 0);
      const bool status = next() % 4 == 0;
      if (status) words(0, y, 8, next() % 8 ? rgb(85, 255, 85) : rgb(255, 85, 85));
      words(status ? 64 : 0, y, next() % (columns * 3 / 4), rgb(170, 170, 170));
    };
    if (frame_ == 0) {
      for (unsigned row = 0; row < rows; ++row) line(row);
      return;
    }
    constexpr unsigned kLines = 3;
    const std::size_t moved = std::size_t{kLines} * 16 * size_.width;
    std::copy(pixels_.begin() + static_cast<std::ptrdiff_t>(moved), pixels_.end(), pixels_.begin());
    for (unsigned row = rows - kLines; row < rows; ++row) line(row);
  }

  void desktop() {
    state_ = 42;  // what does not move is the same in each frame
    const unsigned w = size_.width, h = size_.height;
    for (unsigned y = 0; y < h; ++y) {  // a background of soft colours
      for (unsigned x = 0; x < w; ++x) {
        pixels_[std::size_t{y} * w + x] = rgb(20 + 60 * y / h, 60 + 70 * x / w, 120 + 80 * (h - y) / h);
      }
    }
    box(0, h - 40, w, 40, rgb(32, 32, 40));
    for (unsigned i = 0; i < 8; ++i) box(8 + 48 * i, h - 34, 28, 28, rgb(next() & 255, next() & 255, next() & 255));
    const auto window = [&](unsigned x, unsigned y, unsigned ww, unsigned wh) {
      box(x, y, ww, wh, rgb(255, 255, 255));
      box(x, y, ww, 28, rgb(225, 228, 232));
      words(x + 8, y + 6, 24, rgb(30, 30, 30), rgb(140, 140, 145));
      for (unsigned row = y + 36; row + 16 < y + wh; row += 18) {
        words(x + 10, row, (ww - 20) / 8 * (60 + next() % 40) / 100, rgb(20, 20, 20), rgb(150, 150, 150));
      }
      // A picture in it, with the noise of a camera.
      for (unsigned j = y + wh / 2; j < std::min(y + wh - 10, h); ++j) {
        for (unsigned i = x + ww * 2 / 3; i < std::min(x + ww - 10, w); ++i) {
          pixels_[std::size_t{j} * w + i] =
              rgb((i * 3 + next() % 16) & 255, (j * 2 + next() % 16) & 255, (i + j) / 2 & 255);
        }
      }
    };
    window(w / 12, h / 12, w / 2, h * 2 / 3);
    window(w / 3 + 7 * frame_ % (w / 8), h / 5 + 3 * frame_ % (h / 8), w / 2, h / 2);
  }

  void video() {
    const unsigned w = size_.width, h = size_.height;
    const double t = frame_ * 0.15;
    for (unsigned y = 0; y < h; ++y) {
      const double fy = y * 0.011;
      for (unsigned x = 0; x < w; ++x) {
        const double fx = x * 0.013;
        const unsigned grain = next() % 10;
        const double a = std::sin(fx + t) + std::sin(fy * 1.7 - t), b = std::cos(fx * 0.7 + fy + t);
        pixels_[std::size_t{y} * w + x] =
            rgb(static_cast<unsigned>(100 + 50 * a) + grain, static_cast<unsigned>(110 + 80 * b) + grain,
                static_cast<unsigned>(120 + 30 * (a + b)) + grain);
      }
    }
  }

  Kind kind_;
  rfb::Size size_;
  std::vector<std::uint16_t> pixels_;
  std::array<std::array<std::uint8_t, 16>, 64> glyphs_{};
  std::uint64_t state_ = 7;
  unsigned frame_ = 0;
};

}  // namespace amtgate::bench
