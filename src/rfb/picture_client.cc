#include "amtgate/rfb/picture_client.h"

#include <algorithm>

#include "amtgate/rfb/screen.h"

namespace amtgate::rfb {
namespace {

constexpr std::size_t kWireBytes = 4;  // of a pixel in kRgb888
constexpr std::size_t kRgbBytes = 3;

/// A server that keeps sending and is not asked has run ahead; what it says of itself is not worth more.
constexpr std::size_t kMaxEvents = 1024;

}  // namespace

PictureClient::PictureClient() : reader_({.bytes_per_pixel = kWireBytes, .max_side = Screen::kMaxSide}) {}

Result<void> PictureClient::receive(Bytes in, TimePoint) {
  if (!begun_) {
    append(opening_, in);
    Bytes rest = opening_;
    const Result<std::optional<ServerInit>> init = take_server_init(rest);
    if (!init) return init.error();
    if (!*init) return {};
    if (Result<void> r = begin(**init); !r) return r;
    const Buffer kept(rest.begin(), rest.end());
    opening_.clear();
    reader_.receive(kept);
  } else {
    reader_.receive(in);
  }
  for (;;) {
    const Result<std::optional<ServerMessage>> message = reader_.next();
    if (!message) return message.error();
    if (!*message) return {};
    if (const auto* r = std::get_if<Rectangle>(&**message)) {
      if (Result<void> put_in = put(*r); !put_in) return put_in;
    } else if (std::holds_alternative<UpdateEnd>(**message)) {
      if (events_.size() < kMaxEvents) events_.emplace_back(Updated{complete()});
      if (watching_) request(true);
    }
  }
}

Result<void> PictureClient::begin(ServerInit init) {
  if (Result<void> r = resize(init.size); !r) return r;
  begun_ = true;
  name_ = std::move(init.name);
  encode(out_.buffer(), SetPixelFormat{kRgb888});
  encode(out_.buffer(), SetEncodings{{kRaw, kDesktopSize}});
  if (watching_) request(false);
  events_.emplace_back(Begun{});
  return {};
}

Result<void> PictureClient::resize(Size size) {
  const std::size_t pixels = std::size_t{size.width} * size.height;
  // As many as a device's own screen may have.
  if (size.width > Screen::kMaxSide || size.height > Screen::kMaxSide || pixels > Screen::kMaxBytes / 2) {
    return Error{Errc::TooLarge, "a screen of " + std::to_string(size.width) + "x" + std::to_string(size.height)};
  }
  size_ = size;
  rgb_.assign(pixels * kRgbBytes, 0);
  known_.assign(pixels, false);
  missing_ = pixels;
  return {};
}

Result<void> PictureClient::put(const Rectangle& r) {
  if (r.encoding == kDesktopSize) return resize({r.area.width, r.area.height});
  if (r.encoding != kRaw) return Error{Errc::Unsupported, "an encoding that was not asked for"};
  const Rect& a = r.area;
  if (a.x + a.width > size_.width || a.y + a.height > size_.height) {
    return Error{Errc::BadValue, "a rectangle outside of the screen"};
  }
  const std::uint8_t* from = r.data.data();
  for (unsigned y = 0; y < a.height; ++y) {
    const std::size_t first = std::size_t{a.y + y} * size_.width + a.x;
    for (std::size_t i = first; i < first + a.width; ++i, from += kWireBytes) {
      std::uint8_t* to = &rgb_[i * kRgbBytes];
      to[0] = from[2];
      to[1] = from[1];
      to[2] = from[0];
      missing_ -= known_[i] ? 0 : 1;
      known_[i] = true;
    }
  }
  return {};
}

void PictureClient::request(bool incremental) {
  encode(out_.buffer(), UpdateRequest{incremental, {0, 0, size_.width, size_.height}});
}

void PictureClient::watch() {
  if (watching_) return;
  watching_ = true;
  if (begun_) request(false);
}

void PictureClient::key(const KeyEvent& event) {
  encode(out_.buffer(), event);
}

void PictureClient::ask_back() {
  encode(out_.buffer(), UpdateRequest{false, {0, 0, 1, 1}});
}

std::optional<PictureClient::Event> PictureClient::next_event() {
  if (events_.empty()) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

}  // namespace amtgate::rfb
