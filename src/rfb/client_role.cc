#include "amtgate/rfb/client_role.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "amtgate/base/take_front.h"

namespace amtgate::rfb {
namespace {

/// Released while it is not pressed to keep AMT awake: Shift_R, which no PC acts upon.
constexpr Keysym kIdleKey{0xffe2};
constexpr std::uint8_t kButtons = 0x1f;

std::uint16_t inside(std::uint16_t v, std::uint16_t limit) {
  return limit == 0 ? std::uint16_t{0} : std::min(v, static_cast<std::uint16_t>(limit - 1));
}

/// The smallest rectangle around the pixels of `area` that differ from those on the screen; empty if none does. Much
/// of what AMT sends is what was there before.
Rect changed_part(const PixelView& screen, const Rect& area, Bytes pixels) {
  const std::size_t bytes = screen.bytes_per_pixel(), row = area.width * bytes;
  unsigned top = area.height, bottom = 0;
  std::size_t left = row, right = 0;  // in bytes of the row
  for (unsigned y = 0; y < area.height; ++y) {
    const std::uint8_t* was = screen.at(area.x, area.y + y);
    const std::uint8_t* is = pixels.data() + y * row;
    if (std::memcmp(was, is, row) == 0) continue;
    top = std::min(top, y);
    bottom = y + 1;
    left = std::min<std::size_t>(left, static_cast<std::size_t>(std::mismatch(is, is + left, was).first - is));
    std::size_t last = row;
    while (last > right && was[last - 1] == is[last - 1]) --last;
    right = last;
  }
  if (bottom == 0) return {};
  const auto from = static_cast<unsigned>(left / bytes), to = static_cast<unsigned>((right + bytes - 1) / bytes);
  return {static_cast<std::uint16_t>(area.x + from), static_cast<std::uint16_t>(area.y + top),
          static_cast<std::uint16_t>(to - from), static_cast<std::uint16_t>(bottom - top)};
}

}  // namespace

ClientRole::ClientRole(const Options& options, const ServerInit& init, Screen& screen, TimePoint now)
    : options_(options), screen_(screen), size_(init.size), pointer_sent_(now), last_input_(now) {
  // The format is set even where it is the default: there is firmware that keeps the one of its last session.
  full_colour_ = std::uint64_t{size_.width} * size_.height * 2 <= options_.frame_buffer_limit;
  const PixelFormat& format = full_colour_ ? kRgb565 : kRgb332;
  encode(out_.buffer(), SetPixelFormat{format});
  reader_.set_bytes_per_pixel(format.bytes_per_pixel());
  const bool recoloured = screen_.format() != format;
  if (!screen_.set_format(format)) {  // the old picture has no room in it, and need not stay
    (void)screen_.resize({});
    (void)screen_.set_format(format);
  }
  // A screen that does not fit is refused in receive().
  if (screen_.resize(size_)) events_.push_back(Resized{size_});
  if (recoloured) events_.push_back(Changed{whole(size_)});
  send_encodings();
  request(false);
}

void ClientRole::send_encodings() {
  SetEncodings m;
  if (!raw_only_) m.encodings.push_back(kZrle);
  m.encodings.push_back(kRaw);
  m.encodings.push_back(kDesktopSize);
  encode(out_.buffer(), m);
}

void ClientRole::request(bool incremental) {
  encode(out_.buffer(), UpdateRequest{incremental, whole(size_)});
}

Result<void> ClientRole::receive(Bytes in, TimePoint) {
  if (screen_.size() != size_) {
    return Error{Errc::TooLarge, "a screen of " + std::to_string(size_.width) + "x" + std::to_string(size_.height)};
  }
  reader_.receive(in);
  for (;;) {
    const auto message = reader_.next();
    if (!message) return message.error();
    if (!*message) break;
    if (Result<void> r = on_message(**message); !r) return r;
  }
  if (full()) return Error{Errc::TooLarge, "it takes no input"};
  return {};
}

Result<void> ClientRole::on_message(const ServerMessage& message) {
  if (const auto* r = std::get_if<Rectangle>(&message)) return on_rectangle(*r);
  if (std::holds_alternative<UpdateBegin>(message)) {
    resized_ = false;
  } else if (std::holds_alternative<Bell>(message)) {
    events_.push_back(Rung{});
  } else if (std::holds_alternative<UpdateEnd>(message)) {
    events_.push_back(Complete{});
    const bool anew = give_up_zrle_ || resized_;
    if (give_up_zrle_) {
      give_up_zrle_ = false;
      raw_only_ = true;
      send_encodings();
    }
    // No request is under way now, so nothing of the old format can come behind the new one.
    if (resized_) {
      if (Result<void> r = choose_format(); !r) return r;
    }
    request(!anew);
  }
  return {};  // cut texts are AMT's own, a colour map is never used
}

Result<void> ClientRole::on_rectangle(const Rectangle& r) {
  if (r.encoding == kDesktopSize) return on_resize({r.area.width, r.area.height});
  const std::size_t bytes_per_pixel = screen_.format().bytes_per_pixel();
  if (r.area.x + r.area.width > size_.width || r.area.y + r.area.height > size_.height) {
    if (r.encoding == kZrle && !give_up_zrle_ && r.area.width <= kMaxTileSide && r.area.height <= kMaxTileSide) {
      // The stream has to be read all the same.
      pixels_.resize(std::size_t{r.area.width} * r.area.height * bytes_per_pixel);
      (void)zrle_.decode(r.data, r.area.width, r.area.height, bytes_per_pixel, pixels_);
    }
    return glitch("a rectangle outside of the screen");
  }
  if (r.encoding != kZrle) {
    put(r.area, r.data, {});
    return {};
  }
  if (give_up_zrle_) return {};
  pixels_.resize(std::size_t{r.area.width} * r.area.height * bytes_per_pixel);
  if (!zrle_.decode(r.data, r.area.width, r.area.height, bytes_per_pixel, pixels_)) {
    give_up_zrle_ = true;
    return glitch("a tile that cannot be decoded");
  }
  put(r.area, pixels_, zrle_.tile());
  return {};
}

void ClientRole::put(const Rect& area, Bytes pixels, Bytes tile) {
  drawn_ = true;
  const Rect changed = changed_part(screen_.view(), area, pixels);
  if (changed.empty()) return;
  (void)screen_.put_tile(area, pixels, tile);  // all were checked
  events_.push_back(Changed{changed});
}

Result<void> ClientRole::on_resize(Size size) {
  resized_ = true;
  drawn_ = false;
  size_ = size;
  if (Result<void> r = screen_.resize(size); !r) return r;
  events_.push_back(Resized{size});
  return {};
}

Result<void> ClientRole::choose_format() {
  const bool full = std::uint64_t{size_.width} * size_.height * 2 <= options_.frame_buffer_limit;
  if (full == full_colour_) return {};
  full_colour_ = full;
  const PixelFormat& format = full ? kRgb565 : kRgb332;
  encode(out_.buffer(), SetPixelFormat{format});
  reader_.set_bytes_per_pixel(format.bytes_per_pixel());
  events_.push_back(Changed{whole(size_)});  // colours of the old format are not all in the new one
  return screen_.set_format(format);
}

Result<void> ClientRole::glitch(const std::string& what) {
  if (++glitches_ < kMaxGlitches) return {};
  return Error{Errc::BadValue, what + ", and " + std::to_string(kMaxGlitches) + " like it"};
}

std::optional<ClientRole::Event> ClientRole::next_event() {
  return take_front(events_);
}

void ClientRole::key(const KeyEvent& event, TimePoint now) {
  if (moved_) send_pointer(now);
  if (event.key == kIdleKey) idle_key_down_ = event.down;
  encode(out_.buffer(), event);
  last_input_ = now;
}

void ClientRole::pointer(const PointerEvent& event, TimePoint now) {
  const PointerEvent m{static_cast<std::uint8_t>(event.buttons & kButtons), event.x, event.y};
  const bool moves_only = m.buttons == (moved_ ? moved_->buttons : pointer_.buttons);
  moved_ = m;
  if (takes_input() && (!moves_only || now - pointer_sent_ >= kMoveInterval)) send_pointer(now);
}

void ClientRole::release_buttons(TimePoint now) {
  if (moved_) send_pointer(now);
  if (pointer_.buttons == 0) return;
  moved_ = {0, pointer_.x, pointer_.y};
  send_pointer(now);
}

void ClientRole::send_pointer(TimePoint now) {
  pointer_ = {moved_->buttons, inside(moved_->x, size_.width), inside(moved_->y, size_.height)};
  moved_.reset();
  encode(out_.buffer(), pointer_);
  pointer_sent_ = last_input_ = now;
}

std::optional<TimePoint> ClientRole::deadline() const {
  std::optional<TimePoint> due;
  if (options_.keep_awake > Duration{}) due = last_input_ + options_.keep_awake;
  if (moved_ && takes_input() && (!due || pointer_sent_ + kMoveInterval < *due)) due = pointer_sent_ + kMoveInterval;
  return due;
}

Result<void> ClientRole::tick(TimePoint now) {
  if (moved_ && takes_input() && now - pointer_sent_ >= kMoveInterval) send_pointer(now);
  if (options_.keep_awake > Duration{} && now - last_input_ >= options_.keep_awake) {
    // While the user holds the key down the PC repeats it, and AMT is asked for by nobody else: wait on.
    if (!idle_key_down_ && takes_input()) encode(out_.buffer(), KeyEvent{false, kIdleKey});
    last_input_ = now;
  }
  if (full()) return Error{Errc::TooLarge, "it takes no input"};
  return {};
}

}  // namespace amtgate::rfb
