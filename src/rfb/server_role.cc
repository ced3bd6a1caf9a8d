#include "amtgate/rfb/server_role.h"

#include <algorithm>

#include "amtgate/base/reader.h"
#include "amtgate/base/take_front.h"
#include "amtgate/base/writer.h"
#include "amtgate/rfb/pixel_translation.h"
#include "amtgate/rfb/server_init.h"
#include "amtgate/rfb/server_messages.h"

namespace amtgate::rfb {
namespace {

/// Rectangles in one update. More than would be counted in 16 bits come with the next one, where 65535 would mean
/// another thing to those who know LastRect. (It is not needed: an update is complete before its first byte goes
/// out.)
constexpr std::size_t kMaxRectangles = 65000;

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
  loss_.resize(size);
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
    Buffer behind;
    behind.swap(sync_answer_);
    if (Result<void> r = on_message(**message); !r) return r;
    answer(behind);
    if (answers_ > kMaxAnswers) return Error{Errc::TooLarge, "it does not read the answers that it asks for"};
  }
}

void ServerRole::sent(std::size_t n) {
  out_.sent(n);
  answers_ -= std::min(answers_, n);
}

Result<void> ServerRole::on_message(const ClientMessage& message) {
  if (const auto* format = std::get_if<SetPixelFormat>(&message)) {
    colour_map_due_ = !format->format.true_colour;
    // Some viewers (TigerVNC) leave what they have in the old format as it is; it comes anew in the better one.
    if (format->format != encoder_.format()) {
      damage_.add_all();
      if (shown_) shown_->forget();
    }
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
  } else if (const auto* fence = std::get_if<ClientFence>(&message)) {
    on_fence(*fence);
  } else if (const auto* continuous = std::get_if<EnableContinuousUpdates>(&message)) {
    on_continuous_updates(*continuous);
  } else if (const auto* text = std::get_if<ClientCutText>(&message)) {
    ignored_ += text->length;
  } else if (const auto* other = std::get_if<OtherClientMessage>(&message)) {
    ignored_ += other->message.size();
    if (other->type == ClientType::SetDesktopSize && speaks_extended() && denied_ < kMaxDenied) ++denied_;
  }
  return {};
}

void ServerRole::on_encodings(const SetEncodings& m) {
  encoder_.set_encodings(m.encodings);
  if (!encoder_.encodings().copy_rect) shown_.reset();
  // Said once: a viewer that stops listing it stops sending them.
  if (encoder_.encodings().qemu_key && !qemu_key_said_) qemu_key_due_ = true;
  if (encoder_.encodings().fence && !fences_said_) {
    fences_said_ = true;
    Buffer say;
    encode(say, ServerFence{kFenceRequest, {}});
    answer(say);
  }
  // Only to who knows fences: nothing else tells how fast it is.
  if (encoder_.encodings().continuous_updates && fences_said_ && !continuous_said_) {
    continuous_said_ = true;
    Buffer say;
    encode(say, EndOfContinuousUpdates{});
    answer(say);
  }
  // One that has learned to follow gets the real size with its next update.
  if (viewer_size_ != screen_size_ && follows() == (picture_ != nullptr)) fit();
}

void ServerRole::on_request(const UpdateRequest& m) {
  if (m.incremental && pushed_) return;
  // Requests for a size that is no more go to what is left of it; the rest was not the viewer's to know.
  const Rect area = clip(m.area, viewer_size_);
  if (!m.incremental) {
    damage_.add(area);
    if (shown_) shown_->forget(area);
    size_asked_ |= speaks_extended();
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

/// Messages are acted upon one after the other, so that the others' order is kept as it is.
void ServerRole::on_fence(const ClientFence& m) {
  if (!(m.flags & kFenceRequest)) {
    Reader r(m.payload);
    const std::uint32_t number = r.be32();
    if (r.done()) window_.answered(number);
    return;
  }
  Buffer say;
  encode(say, ServerFence{m.flags & (kBlockBefore | kBlockAfter | kSyncNext), m.payload});
  if (m.flags & kSyncNext) {
    sync_answer_ = std::move(say);
  } else {
    answer(say);
  }
}

void ServerRole::on_continuous_updates(const EnableContinuousUpdates& m) {
  if (!continuous_said_) return void(ignored_ += 10);
  if (m.enable) {
    pushed_ = m.area;
    return;
  }
  pushed_.reset();
  Buffer say;
  encode(say, EndOfContinuousUpdates{});
  answer(say);
}

void ServerRole::answer(Bytes message) {
  answers_ += message.size();
  append(out_.buffer(), message);
}

/// What of the picture the viewer takes now; empty: nothing.
std::optional<Rect> ServerRole::wanted() const {
  if (!pushed_ || !window_.open()) return asked_;
  const Rect area = clip(*pushed_, viewer_size_);
  return asked_ ? around(*asked_, area) : area;
}

void ServerRole::update_sent(std::size_t bytes) {
  asked_.reset();
  ++updates_;
  if (!pushed_) return;
  const std::optional<std::uint32_t> number = window_.sent(bytes);
  if (!number) return;
  Buffer payload;
  Writer(payload).be32(*number);
  encode(out_.buffer(), ServerFence{kFenceRequest | kBlockBefore, payload});
}

void ServerRole::event(Event e) {
  if (events_.size() < kMaxEvents) events_.push_back(e);
}

std::optional<ServerRole::Event> ServerRole::next_event() {
  return take_front(events_);
}

bool ServerRole::follows() const {
  return encoder_.encodings().desktop_size || encoder_.encodings().extended_desktop_size;
}

/// A viewer that knows both is told by the simpler one: it does not learn then that there is SetDesktopSize, and does
/// not ask for what AMT cannot do.
bool ServerRole::speaks_extended() const {
  return encoder_.encodings().extended_desktop_size && !encoder_.encodings().desktop_size;
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
  news_ = true;
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

/// It has asked, and taken the last update.
bool ServerRole::ready() const {
  return out_.view().size() < kLowMark && wanted();
}

std::optional<TimePoint> ServerRole::deadline() const {
  return ready() ? beat_ : std::nullopt;
}

Result<void> ServerRole::tick(TimePoint now) {
  if (!beat_ || now < *beat_) return {};
  loss_.beat();
  beat_.reset();
  if (loss_.growing()) beat_ = now + kStill;
  return {};
}

void ServerRole::show(const PixelView& screen, TimePoint now) {
  if (!ready() || screen.size != screen_size_) return;
  (void)tick(now);
  if (colour_map_due_) {
    encode_colour_map(out_.buffer(), colour_map(encoder_.format()));
    colour_map_due_ = false;
  }
  if (!picture_ && viewer_size_ != screen_size_) return send_size();
  if (size_asked_ || denied_ != 0) return send_size_answers();
  const PixelView view = picture_ ? letterboxed(screen) : screen;
  if (!damage_.empty()) return send_picture(view, now);
  if (!announce() && loss_.due()) send_exactly(view);
}

PixelView ServerRole::letterboxed(const PixelView& screen) {
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
  return p.screen.view();
}

/// Pseudo-rectangles without pixels, in an update of their own. False: there are none.
bool ServerRole::announce() {
  if (!qemu_key_due_) return false;
  qemu_key_due_ = false;
  qemu_key_said_ = true;
  Buffer& out = out_.buffer();
  const std::size_t head = out.size();
  encode(out, UpdateBegin{1});
  encode_rectangle_header(out, {}, kQemuExtendedKey);
  update_sent(out.size() - head);
  return true;
}

void ServerRole::send_size() {
  viewer_size_ = screen_size_;
  damage_.resize(viewer_size_);
  damage_.add_all();
  loss_.resize(viewer_size_);
  if (shown_) shown_->forget();
  if (speaks_extended()) {
    size_asked_ = true;
    return send_size_answers();
  }
  Buffer& out = out_.buffer();
  const std::size_t head = out.size();
  encode(out, UpdateBegin{1});
  encode_rectangle_header(out, whole(viewer_size_), kDesktopSize);
  // All of it is new to the viewer; some ask for what has changed only, and wait for the server to know that.
  update_sent(out.size() - head);
}

/// ExtendedDesktopSize, which may not come with pixels.
void ServerRole::send_size_answers() {
  Buffer& out = out_.buffer();
  const std::size_t head = out.size();
  encode(out, UpdateBegin{static_cast<std::uint16_t>((size_asked_ ? 1 : 0) + denied_)});
  // x 0: the server's own doing, y 0: no error; or 1: the viewer's wish, 1: prohibited.
  const auto say = [&](std::uint16_t code) {
    encode_rectangle_header(out, {code, code, viewer_size_.width, viewer_size_.height}, kExtendedDesktopSize);
    // One screen: id, x, y, width, height, flags (rfbproto).
    Writer w(out);
    w.u8(1).zeros(3).be32(0).be16(0).be16(0).be16(viewer_size_.width).be16(viewer_size_.height).be32(0);
  };
  if (size_asked_) say(0);
  for (; denied_ != 0; --denied_) say(1);
  size_asked_ = false;
  update_sent(out.size() - head);
}

void ServerRole::send_picture(const PixelView& view, TimePoint now) {
  const Rect area = *wanted();
  if (encoder_.encodings().copy_rect && !shown_) shown_.emplace();
  const bool kept = shown_ && shown_->fit(view);
  std::optional<ShownPicture::Copy> copy;
  if (kept && news_) {
    news_ = false;
    shown_->drop_known(view, area, damage_);
    copy = shown_->scroll(view, area, damage_);
  }
  rectangles_.clear();
  damage_.take(area, all_in_one_ ? SIZE_MAX : kMaxPixels, rectangles_);
  if (rectangles_.empty() && !copy) return;  // what has changed is not what was asked for
  all_in_one_ = false;
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
  if (copy) {
    encode_rectangle_header(out, copy->to, kCopyRect);
    Writer(out).be16(copy->to.x).be16(static_cast<unsigned>(copy->to.y + copy->dy));
    ++count;
    loss_.copy(copy->to, copy->dy);
  }
  for (const Rect& r : rectangles_) {
    if (count > kMaxRectangles - RectangleEncoder::kMaxRectangles) {
      damage_.add(r);
      continue;
    }
    count += encoder_.encode(out, view, r);
    loss_.remove(r);
    for (const Rect& part : encoder_.lossy()) loss_.add(part);
    if (kept) shown_->put(view, r);
  }
  if (loss_.growing() && !beat_) beat_ = now + kStill;
  put_count(head, count);
  update_sent(out.size() - head);
}

/// What has been shown with loss, and is still as it was then.
void ServerRole::send_exactly(const PixelView& view) {
  rectangles_.clear();
  loss_.take(*wanted(), kMaxStillPixels, rectangles_);
  if (rectangles_.empty()) return;
  Buffer& out = out_.buffer();
  const std::size_t head = out.size();
  encode(out, UpdateBegin{0});
  std::size_t count = 0;
  for (const Rect& r : rectangles_) count += encoder_.encode_exactly(out, view, r);
  put_count(head, count);
  update_sent(out.size() - head);
}

void ServerRole::put_count(std::size_t head, std::size_t count) {
  Buffer& out = out_.buffer();
  out[head + 2] = static_cast<std::uint8_t>(count >> 8);
  out[head + 3] = static_cast<std::uint8_t>(count);
}

}  // namespace amtgate::rfb
