#include "amtgate/sim/kvm_server.h"

#include <algorithm>

#include "amtgate/base/earliest.h"
#include "amtgate/base/take_front.h"
#include "amtgate/rfb/server_init.h"
#include "amtgate/rfb/server_messages.h"

namespace amtgate::sim {
namespace {

using rfb::Rect;
using rfb::Size;

constexpr unsigned kTile = rfb::kMaxTileSide;
/// How much of an update is made ahead of the wire.
constexpr std::size_t kAhead = 32U << 10U;
/// Answers to a viewer that asks much and reads little; above it they are left out.
constexpr std::size_t kMaxAnswers = 16U << 10U;

unsigned tiles_across(unsigned pixels) {
  return (pixels + kTile - 1) / kTile;
}

Rect tile_at(Size screen, unsigned index) {
  const unsigned x = index % tiles_across(screen.width) * kTile, y = index / tiles_across(screen.width) * kTile;
  return {static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y),
          static_cast<std::uint16_t>(std::min<unsigned>(kTile, screen.width - x)),
          static_cast<std::uint16_t>(std::min<unsigned>(kTile, screen.height - y))};
}

rfb::ServerHandshake::Options handshake_options(const KvmOptions& o) {
  rfb::ServerHandshake::Options h;
  h.greeting = o.greeting;
  h.none = o.none;
  h.password = o.password;
  h.extra_types = o.extra_types;
  h.step_timeout = h.password_timeout = o.step_timeout;
  return h;
}

}  // namespace

KvmServer::KvmServer(KvmOptions options, KvmScreen& screen, TimePoint now)
    : options_(std::move(options)),
      screen_(screen),
      handshake_(handshake_options(options_), now),
      zrle_(options_.zrle),
      last_seen_(now),
      format_(options_.native) {
  if (!options_.refusal.empty()) handshake_.refuse(options_.refusal, now);
}

Result<void> KvmServer::receive(Bytes in, TimePoint now) {
  if (over_) return {};
  last_seen_ = now;
  if (!connected_) {
    if (const Result<void> r = handshake_.receive(in, now); !r) return end(r.error());
    if (const Result<void> r = on_handshake(now); !r) return end(r.error());
    if (!connected_) return {};
    const Buffer rest = handshake_.take_rest();
    reader_.receive(rest);
  } else {
    reader_.receive(in);
  }
  screen_.tick(now);
  for (;;) {
    const auto message = reader_.next();
    if (!message) return end(message.error());
    if (!*message) break;
    if (const Result<void> r = on_message(**message, now); !r) return end(r.error());
  }
  return advance();
}

Result<void> KvmServer::on_handshake(TimePoint now) {
  while (const auto event = handshake_.next_event()) {
    if (const auto* ready = std::get_if<rfb::ServerHandshake::ViewerReady>(&*event)) {
      viewer_ = *ready;
      if (const Result<void> r = handshake_.accept(now); !r) return r;
    } else if (const auto* init = std::get_if<rfb::ServerHandshake::ClientInit>(&*event)) {
      events_.push_back(Connected{viewer_->version, viewer_->security, init->shared});
    } else if (std::holds_alternative<rfb::ServerHandshake::Refused>(*event)) {
      return Error{Errc::Refused, "the viewer was told: " + options_.refusal};
    } else {
      connected_ = true;
      viewer_size_ = drawn_size_ = screen_.size();
      drawn_cover_ = screen_.cover();
      forget_tiles();
      rfb::write_server_init(out_.buffer(), {viewer_size_, format_, options_.name});
      if (options_.idle > Duration{}) idle_at_ = now + options_.idle;
      if (options_.no_display > Duration{}) display_gone_at_ = now + options_.no_display;
    }
  }
  return {};
}

Result<void> KvmServer::on_message(const rfb::ClientMessage& message, TimePoint now) {
  if (const auto* m = std::get_if<rfb::SetPixelFormat>(&message)) return on_format(*m);
  if (const auto* m = std::get_if<rfb::SetEncodings>(&message)) return on_encodings(*m);
  if (const auto* m = std::get_if<rfb::UpdateRequest>(&message)) return on_request(*m);
  if (const auto* m = std::get_if<rfb::KeyEvent>(&message)) {
    events_.push_back(Key{m->down, m->key, hid_usage(m->key)});
    if (idle_at_) idle_at_ = now + options_.idle;
    return {};
  }
  if (const auto* m = std::get_if<rfb::PointerEvent>(&message)) {
    events_.push_back(Pointer{m->buttons, m->x, m->y});
    if (idle_at_) idle_at_ = now + options_.idle;
    return {};
  }
  if (const auto* m = std::get_if<rfb::ClientCutText>(&message)) {
    if (m->extended) return Error{Errc::Unsupported, "cut text of negative length"};
    on_cut_text(*m);
    return {};
  }
  if (const auto* m = std::get_if<rfb::OtherClientMessage>(&message)) {
    return Error{Errc::Unsupported, "viewer message of type " + std::to_string(static_cast<unsigned>(m->type))};
  }
  return Error{Errc::Unsupported, "viewer message that AMT does not have"};
}

Result<void> KvmServer::on_format(const rfb::SetPixelFormat& m) {
  const bool ok = m.format == rfb::kRgb565 || m.format == rfb::kRgb332 ||
                  (options_.grey_formats && (m.format == rfb::kGrey8 || m.format == rfb::kGrey4));
  events_.push_back(FormatAsked{m.format, ok});
  if (!ok) return Error{Errc::Unsupported, "invalid pixel format: " + to_string(m.format)};
  format_ = m.format;
  return {};
}

Result<void> KvmServer::on_encodings(const rfb::SetEncodings& m) {
  const auto has = [&](std::int32_t e) {
    return std::find(m.encodings.begin(), m.encodings.end(), e) != m.encodings.end();
  };
  const bool ok = has(rfb::kRaw);
  events_.push_back(EncodingsAsked{m.encodings, ok});
  if (!ok) return Error{Errc::BadValue, "RAW is not among the encodings"};
  encodings_set_ = true;
  offered_zrle_ = has(rfb::kZrle);
  offered_resize_ = has(rfb::kDesktopSize);
  const bool channel = options_.data_channel && has(rfb::kKvmDataChannel);
  if (channel && !offered_channel_) answer(to_cut_text(rfb::KvmData{}));
  offered_channel_ = channel;
  return {};
}

Result<void> KvmServer::on_request(const rfb::UpdateRequest& m) {
  if (!encodings_set_) return Error{Errc::BadValue, "a request without RAW among the encodings"};
  // One update answers all requests that wait for it.
  if (request_) {
    request_->incremental = request_->incremental && m.incremental;
    request_->area = around(request_->area, m.area);
  } else {
    request_ = Request{m.incremental, m.area};
  }
  if (!m.incremental) await_full_request_ = false;
  return {};
}

void KvmServer::on_cut_text(const rfb::ClientCutText& m) {
  if (const auto command = rfb::parse_kvm_ext_cmd(m.text)) {
    events_.push_back(ExtCommand{command->command, command->value});
    if (options_.ext_commands) on_ext_command(*command);
  } else if (const auto data = rfb::parse_kvm_data(m.text)) {
    const bool keep_alive = data->data.empty();
    if (offered_channel_ && !data->acknowledge && !keep_alive) answer(to_cut_text(rfb::KvmData{true, {}}));
  } else {
    events_.push_back(CutText{m.length});
  }
}

void KvmServer::on_ext_command(const rfb::KvmExtCmd& m) {
  using Cmd = rfb::KvmExtCmd;
  switch (m.command) {
    case Cmd::GetDecimation: answer(to_cut_text(Cmd{m.command, decimation_, 0})); break;
    case Cmd::SetDecimation:
      decimation_ = std::clamp<std::uint8_t>(m.value, 1, 3);
      answer(to_cut_text(Cmd{m.command, 0, std::nullopt}));
      break;
    case Cmd::GetZlib: answer(to_cut_text(Cmd{m.command, static_cast<std::uint8_t>(zlib_), std::nullopt})); break;
    case Cmd::SetZlib:
      if (zlib_ != (m.value != 0)) {
        zlib_ = m.value != 0;
        // A tile that is being sent is made as a whole: the change is between two.
        zrle_ = rfb::ZrleEncoder(zlib_ ? options_.zrle : rfb::ZrleForm::Stored);
      }
      answer(to_cut_text(Cmd{m.command, 0, std::nullopt}));
      break;
    default: break;
  }
}

void KvmServer::answer(Bytes text) {
  if (answers_.size() + out_.view().size() > kAhead + kMaxAnswers) return;
  encode(answers_, rfb::ServerCutText{text, 0});
}

Result<void> KvmServer::advance() {
  // Back-pressure: nothing new while the last is not on the wire.
  if (!connected_ || over_ || sending_ || !output().empty()) return {};
  if (!answers_.empty()) {
    append(out_.buffer(), answers_);
    answers_.clear();
    return {};
  }
  if (!request_ && options_.back_to_back && !first_request_) request_ = Request{true, whole(viewer_size_)};
  if (!request_) return {};
  const Size size = screen_.size();
  const std::uint64_t bytes = std::uint64_t{size.width} * size.height * format_.bytes_per_pixel();
  if (bytes > options_.frame_buffer_limit) {
    return end({Errc::TooLarge, "frame buffer of " + std::to_string(bytes) + " bytes (limit " +
                                    std::to_string(options_.frame_buffer_limit) + ")"});
  }
  if (size != drawn_size_) {
    drawn_size_ = size;
    forget_tiles();
    if (!offered_resize_) events_.push_back(Resized{size, false});
  }
  if (screen_.cover() != drawn_cover_) {
    drawn_cover_ = screen_.cover();
    forget_tiles();
  }
  if (size != viewer_size_ && offered_resize_) {
    send_resize();
  } else if (!await_full_request_) {
    begin_update();
  }
  return {};
}

void KvmServer::send_resize() {
  viewer_size_ = screen_.size();
  forget_tiles();
  encode(out_.buffer(), rfb::UpdateBegin{1});
  encode(out_.buffer(), rfb::Rectangle{whole(viewer_size_), rfb::kDesktopSize, {}});
  request_.reset();
  await_full_request_ = options_.resize_needs_full_request;
  events_.push_back(Resized{viewer_size_, true});
}

void KvmServer::begin_update() {
  const KvmPicture picture = screen_.picture();
  // AMT's clients ask incrementally from the beginning, and get everything.
  const bool everything = first_request_ || !request_->incremental;
  const Rect area = first_request_ ? whole(viewer_size_) : request_->area;
  Sending update{picture, {}, 0, format_, offered_zrle_};
  for (unsigned i = 0; i < tiles_.size(); ++i) {
    const Rect tile = tile_at(viewer_size_, i);
    if (!tile.intersects(area)) continue;
    if (!everything && tiles_[i].sent && !changed(drawn_size_, tile, tiles_[i].frame, picture.frame())) continue;
    tiles_[i] = {true, picture.frame()};
    update.tiles.push_back(tile);
  }
  if (update.tiles.empty() && !everything) return;  // wait for a change
  events_.push_back(Update{static_cast<unsigned>(update.tiles.size()), picture.frame(), request_->incremental});
  request_.reset();
  first_request_ = false;
  encode(out_.buffer(), rfb::UpdateBegin{static_cast<std::uint16_t>(update.tiles.size())});
  sending_ = std::move(update);
  make_tiles();
}

void KvmServer::make_tiles() {
  while (sending_ && out_.view().size() < kAhead) {
    if (sending_->next == sending_->tiles.size()) {
      sending_.reset();
      return;
    }
    const Rect tile = sending_->tiles[sending_->next++];
    pixels_.clear();
    sending_->picture.read(tile, sending_->format, pixels_);
    if (sending_->zrle) {
      rfb::encode_rectangle_header(out_.buffer(), tile, rfb::kZrle);
      zrle_.encode(out_.buffer(), pixels_, tile.width, tile.height, sending_->format.bytes_per_pixel());
    } else {
      encode(out_.buffer(), rfb::Rectangle{tile, rfb::kRaw, pixels_});
    }
  }
}

void KvmServer::forget_tiles() {
  tiles_.assign(std::size_t{tiles_across(viewer_size_.width)} * tiles_across(viewer_size_.height), Tile{});
}

Bytes KvmServer::output() const {
  const Bytes handshake = handshake_.output();
  return handshake.empty() ? out_.view() : handshake;
}

void KvmServer::sent(std::size_t n) {
  if (!handshake_.output().empty()) {
    handshake_.sent(n);
  } else {
    out_.sent(n);
  }
  if (!output().empty()) return;
  if (sending_) make_tiles();
  if (const Result<void> r = advance(); !r) late_error_ = r.error();
}

std::optional<TimePoint> KvmServer::deadline() const {
  if (late_error_) return last_seen_;
  if (over_) return std::nullopt;
  if (!connected_) return handshake_.deadline();
  const bool waiting = (request_ || (options_.back_to_back && !first_request_)) && !sending_ && output().empty();
  return earliest({idle_at_, display_gone_at_, waiting ? screen_.next_frame() : std::nullopt});
}

Result<void> KvmServer::tick(TimePoint now) {
  if (late_error_) {
    Error error = *late_error_;
    late_error_.reset();
    return error;
  }
  if (over_) return {};
  last_seen_ = now;
  if (!connected_) {
    if (const Result<void> r = handshake_.tick(now); !r) return end(r.error());
    return {};
  }
  screen_.tick(now);
  if (display_gone_at_ && now >= *display_gone_at_) return end({Errc::Closed, "no display is attached"});
  if (idle_at_ && now >= *idle_at_) return end({Errc::Timeout, "no keyboard or mouse"});
  return advance();
}

std::optional<KvmServer::Event> KvmServer::next_event() {
  return take_front(events_);
}

Result<void> KvmServer::end(Error error) {
  over_ = true;
  sending_.reset();
  request_.reset();
  return error;
}

}  // namespace amtgate::sim
