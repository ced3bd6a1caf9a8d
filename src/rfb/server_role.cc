#include "amtgate/rfb/server_role.h"

#include <algorithm>

#include "amtgate/base/writer.h"
#include "amtgate/rfb/pixel_translation.h"
#include "amtgate/rfb/server_init.h"
#include "amtgate/rfb/server_messages.h"

namespace amtgate::rfb {
namespace {

Rect whole(Size s) {
  return {0, 0, s.width, s.height};
}

/// The smallest rectangle around both.
Rect around(const Rect& a, const Rect& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  const unsigned x = std::min(a.x, b.x), y = std::min(a.y, b.y);
  const unsigned right = std::max(a.x + 0U + a.width, b.x + 0U + b.width);
  const unsigned bottom = std::max(a.y + 0U + a.height, b.y + 0U + b.height);
  return {static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y),
          static_cast<std::uint16_t>(std::min(right - x, 0xffffU)),
          static_cast<std::uint16_t>(std::min(bottom - y, 0xffffU))};
}

}  // namespace

/// The fixed picture of a viewer that cannot follow, and the part of it that has to be drawn anew.
struct ServerRole::Picture {
  Letterbox box;
  Screen screen;
  Damage stale;  // in pixels of the real screen
};

ServerRole::ServerRole(Size size, const std::string& name) : screen_size_(size), viewer_size_(size), name_(name) {
  write_server_init(out_.buffer(), {size, kRgb888, name});
  damage_.resize(size);
  damage_.add_all();
}

ServerRole::~ServerRole() = default;
ServerRole::ServerRole(ServerRole&&) noexcept = default;
ServerRole& ServerRole::operator=(ServerRole&&) noexcept = default;

Result<void> ServerRole::receive(Bytes in, TimePoint) {
  reader_.receive(in);
  for (;;) {
    const auto message = reader_.next();
    if (!message) return message.error();
    if (!*message) return {};
    if (Result<void> r = on_message(**message); !r) return r;
  }
}

Result<void> ServerRole::on_message(const ClientMessage& message) {
  if (const auto* format = std::get_if<SetPixelFormat>(&message)) {
    colour_map_due_ = !format->format.true_colour;
    // Some viewers (TigerVNC) leave what they have in the old format as it is; it comes anew in the better one.
    if (format->format != encoder_.format()) damage_.add_all();
    return encoder_.set_format(format->format);
  }
  if (const auto* encodings = std::get_if<SetEncodings>(&message)) {
    on_encodings(*encodings);
  } else if (const auto* request = std::get_if<UpdateRequest>(&message)) {
    on_request(*request);
  } else if (const auto* key = std::get_if<KeyEvent>(&message)) {
    event(*key);
  } else if (const auto* scan_code = std::get_if<QemuKeyEvent>(&message)) {
    event(*scan_code);
  } else if (const auto* pointer = std::get_if<PointerEvent>(&message)) {
    on_pointer(*pointer);
  } else if (const auto* text = std::get_if<ClientCutText>(&message)) {
    ignored_ += text->length;
  } else if (const auto* other = std::get_if<OtherClientMessage>(&message)) {
    ignored_ += other->message.size();
  }
  return {};
}

void ServerRole::on_encodings(const SetEncodings& m) {
  encoder_.set_encodings(m.encodings);
  // Said once: a viewer that stops listing it stops sending them.
  if (encoder_.encodings().qemu_key && !qemu_key_said_) qemu_key_due_ = true;
  // One that has learned to follow gets the real size with its next update.
  if (viewer_size_ != screen_size_ && follows() == (picture_ != nullptr)) fit();
}

void ServerRole::on_request(const UpdateRequest& m) {
  // Requests for a size that is no more go to what is left of it; the rest was not the viewer's to know.
  const Rect area = clip(m.area, viewer_size_);
  if (!m.incremental) {
    damage_.add(area);
    all_in_one_ |= !area.empty();
  }
  asked_ = asked_ ? around(*asked_, area) : area;
}

void ServerRole::on_pointer(PointerEvent m) {
  if (picture_) picture_->box.to_screen(m.x, m.y);
  // Moves without a change of the buttons follow each other closely, and only the last one counts.
  if (!events_.empty()) {
    auto* last = std::get_if<PointerEvent>(&events_.back());
    if (last != nullptr && last->buttons == m.buttons) {
      *last = m;
      return;
    }
  }
  event(m);
}

void ServerRole::event(Event e) {
  if (events_.size() < kMaxEvents) events_.push_back(e);
}

std::optional<ServerRole::Event> ServerRole::next_event() {
  if (events_.empty()) return std::nullopt;
  Event e = events_.front();
  events_.pop_front();
  return e;
}

bool ServerRole::follows() const {
  return encoder_.encodings().desktop_size || encoder_.encodings().extended_desktop_size;
}

/// Makes or drops the fixed picture.
void ServerRole::fit() {
  if (viewer_size_ == screen_size_ || follows()) {
    picture_.reset();
    return;
  }
  picture_ = std::make_unique<Picture>();
  picture_->box = Letterbox(screen_size_, viewer_size_);
  picture_->stale.resize(screen_size_);
  picture_->stale.add_all();
  damage_.add_all();
}

void ServerRole::changed(const Rect& area) {
  if (picture_) {
    picture_->stale.add(area);
    damage_.add(picture_->box.to_picture(area));
  } else if (viewer_size_ == screen_size_) {
    damage_.add(area);
  }  // else the viewer is about to be told of the new size, and to get all of it
}

void ServerRole::resized(Size size) {
  if (size == screen_size_) return;
  screen_size_ = size;
  // Also back to the size that the viewer has: what changed meanwhile was not noted.
  damage_.add_all();
  fit();
}

void ServerRole::ring() {
  if (out_.view().size() < kLowMark) encode(out_.buffer(), Bell{});
}

void ServerRole::show(const PixelView& screen) {
  if (!asked_ || out_.view().size() >= kLowMark || screen.size != screen_size_) return;
  if (colour_map_due_) {
    encode_colour_map(out_.buffer(), colour_map(encoder_.format()));
    colour_map_due_ = false;
  }
  if (!picture_ && viewer_size_ != screen_size_) return send_size();
  if (damage_.empty()) {
    if (announce()) asked_.reset();
    return;
  }
  if (!picture_) return send_picture(screen);
  Picture& p = *picture_;
  // As the screen is now, in its format; what is around the window stays black.
  if (p.screen.format() != screen.format) {
    (void)p.screen.set_format(screen.format);
    p.stale.add_all();
  }
  if (p.screen.size() != viewer_size_) (void)p.screen.resize(viewer_size_);
  rectangles_.clear();
  p.stale.take(whole(screen_size_), SIZE_MAX, rectangles_);
  for (const Rect& r : rectangles_) p.box.draw(screen, r, p.screen);
  send_picture(p.screen.view());
}

/// Pseudo-rectangles without pixels, in an update of their own.
bool ServerRole::announce() {
  if (!qemu_key_due_) return false;
  qemu_key_due_ = false;
  qemu_key_said_ = true;
  encode(out_.buffer(), UpdateBegin{1});
  encode_rectangle_header(out_.buffer(), {}, kQemuExtendedKey);
  return true;
}

void ServerRole::send_size() {
  viewer_size_ = screen_size_;
  damage_.resize(viewer_size_);
  damage_.add_all();
  encode(out_.buffer(), UpdateBegin{1});
  if (encoder_.encodings().desktop_size) {
    encode_rectangle_header(out_.buffer(), whole(viewer_size_), kDesktopSize);
  } else {
    // x 0: the server's own doing, y 0: no error; one screen: id, x, y, width, height, flags (rfbproto).
    encode_rectangle_header(out_.buffer(), whole(viewer_size_), kExtendedDesktopSize);
    Writer(out_.buffer())
        .u8(1)
        .u8(0)
        .be16(0)
        .be32(0)
        .be16(0)
        .be16(0)
        .be16(viewer_size_.width)
        .be16(viewer_size_.height)
        .be32(0);
  }
  // All of it is new to the viewer; some ask for what has changed only, and wait for the server to know that.
  asked_.reset();
  ++updates_;
}

void ServerRole::send_picture(const PixelView& view) {
  rectangles_.clear();
  damage_.take(*asked_, all_in_one_ ? SIZE_MAX : kMaxPixels, rectangles_);
  if (rectangles_.empty()) return;  // what has changed is not what was asked for
  all_in_one_ = false;
  asked_.reset();
  Buffer& out = out_.buffer();
  const std::size_t head = out.size();
  encode(out, UpdateBegin{0});
  std::size_t count = 0;
  if (qemu_key_due_) {
    qemu_key_due_ = false;
    qemu_key_said_ = true;
    encode_rectangle_header(out, {}, kQemuExtendedKey);
    ++count;
  }
  for (const Rect& r : rectangles_) count += encoder_.encode(out, view, r);
  out[head + 2] = static_cast<std::uint8_t>(count >> 8);
  out[head + 3] = static_cast<std::uint8_t>(count);
  ++updates_;
}

}  // namespace amtgate::rfb
