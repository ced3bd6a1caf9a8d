#include "amtgate/record/film.h"

#include <zlib.h>

#include <algorithm>
#include <new>
#include <string_view>

#include "amtgate/base/reader.h"
#include "amtgate/rfb/protocol.h"
#include "amtgate/rfb/server_init.h"

namespace amtgate::record {
namespace {

constexpr std::size_t kOpening = 12 + 4;  // version, security type
constexpr std::size_t kWireBytes = 4;     // of a pixel in kRgb888
/// Deflate data of one rectangle beyond its pixels: stored blocks have a header each.
constexpr std::size_t kMaxOverhead = 64U << 10U;

}  // namespace

struct Film::Inflate {
  Inflate() {
    if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  }
  ~Inflate() { inflateEnd(&stream); }
  Inflate(const Inflate&) = delete;
  Inflate& operator=(const Inflate&) = delete;

  /// Exactly `out.size()` bytes from all of `in`.
  bool run(Bytes in, MutableBytes out) {
    stream.next_in = const_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    const int r = inflate(&stream, Z_SYNC_FLUSH);
    return (r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR) && stream.avail_out == 0 && stream.avail_in == 0;
  }

  z_stream stream{};
};

Film::Film() = default;
Film::~Film() = default;

Result<std::optional<Film::Frame>> Film::next() {
  if (error_) return *error_;
  std::optional<Frame> frame;
  while (!frame) {
    Result<bool> moved = step(frame);
    if (moved && !*moved) {
      Result<std::optional<FbsReader::Block>> block = fbs_.next();
      if (!block) {
        moved = block.error();
      } else if (!*block) {
        return std::optional<Frame>();
      } else {
        stream_.erase(stream_.begin(), stream_.begin() + static_cast<std::ptrdiff_t>(at_));
        at_ = 0;
        append(stream_, (*block)->data);
        ms_ = (*block)->ms;
      }
    }
    if (!moved) {
      error_ = moved.error();
      return *error_;
    }
  }
  return frame;
}

/// False: more bytes are needed.
Result<bool> Film::step(std::optional<Frame>& out) {
  const Bytes in = Bytes(stream_).subspan(at_);
  std::size_t used = 0;
  Result<bool> done = false;
  if (!begun_) {
    done = open(in, used);
  } else if (left_ > 0) {
    done = rectangle(in, used);
    if (done && *done && --left_ == 0) {
      frame_.ms = ms_;
      out = std::move(frame_);
      frame_ = {};
    }
  } else if (!in.empty()) {
    Reader r(in);
    const unsigned type = r.u8();
    if (type == 2) {  // bell
      done = true;
      used = 1;
    } else if (type == 0) {
      r.u8();
      left_ = r.be16();
      used = 4;
      done = !r.failed();
      if (r.failed()) left_ = 0;
    } else {
      return Error{Errc::Unsupported, "message " + std::to_string(type) + " in the recording"};
    }
  }
  if (done && *done) at_ += used;
  return done;
}

Result<bool> Film::open(Bytes in, std::size_t& used) {
  if (in.size() < kOpening) return false;
  if (as_text(in.first(7)) != "RFB 003" || Reader(in.subspan(12)).be32() != 1) {
    return Error{Errc::Unsupported, "the recording does not begin as RFB 3.3 without a login does"};
  }
  Bytes rest = in.subspan(kOpening);
  const Result<std::optional<rfb::ServerInit>> init = rfb::take_server_init(rest);
  if (!init) return init.error();
  if (!*init) return false;
  if (!((*init)->format == rfb::kRgb888)) return Error{Errc::Unsupported, "pixels in another format than 32-bit RGB"};
  if (const Result<void> r = screen_.resize((*init)->size); !r) return r.error();
  name_ = (*init)->name;
  begun_ = true;
  used = in.size() - rest.size();
  return true;
}

Result<bool> Film::rectangle(Bytes in, std::size_t& used) {
  Reader r(in);
  rfb::Rect area;
  area.x = r.be16();
  area.y = r.be16();
  area.width = r.be16();
  area.height = r.be16();
  const auto encoding = static_cast<std::int32_t>(r.be32());
  if (r.failed()) return false;
  if (encoding == rfb::kDesktopSize) {
    const rfb::Size size{area.width, area.height};
    if (const Result<void> done = screen_.resize(size); !done) return done.error();
    frame_.resized = true;
    used = 12;
    return true;
  }
  if (encoding != rfb::kRaw && encoding != rfb::kZlib) {
    return Error{Errc::Unsupported, "encoding " + std::to_string(encoding) + " in the recording"};
  }
  const rfb::Size size = screen_.size();
  if (area.x + area.width > size.width || area.y + area.height > size.height) {
    return Error{Errc::BadValue, "a rectangle outside of the screen"};
  }
  const std::size_t bytes = std::size_t{area.width} * area.height * kWireBytes;
  if (encoding == rfb::kRaw) {
    const Bytes wire = r.take(bytes);
    if (r.failed()) return false;
    used = 12 + bytes;
    if (const Result<void> done = put(area, wire); !done) return done.error();
    return true;
  }
  const std::size_t length = r.be32();
  if (r.failed()) return false;
  if (length > bytes + kMaxOverhead) {
    return Error{Errc::TooLarge, std::to_string(length) + " bytes for a rectangle of " + std::to_string(bytes)};
  }
  const Bytes deflated = r.take(length);
  if (r.failed()) return false;
  if (!inflate_) inflate_ = std::make_unique<Inflate>();
  wire_.resize(bytes);
  if (!inflate_->run(deflated, wire_)) return Error{Errc::BadValue, "pixels that do not inflate"};
  used = 12 + 4 + length;
  if (const Result<void> done = put(area, wire_); !done) return done.error();
  return true;
}

/// AMT's own pixels have no more than RGB565, so nothing is lost.
Result<void> Film::put(const rfb::Rect& area, Bytes wire) {
  pixels_.resize(wire.size() / 2);
  for (std::size_t i = 0; i < pixels_.size() / 2; ++i) {
    const unsigned b = wire[i * 4], g = wire[i * 4 + 1], red = wire[i * 4 + 2];
    const unsigned v = (red >> 3U) << 11U | (g >> 2U) << 5U | b >> 3U;
    pixels_[i * 2] = static_cast<std::uint8_t>(v);
    pixels_[i * 2 + 1] = static_cast<std::uint8_t>(v >> 8U);
  }
  if (frame_.changed.size() < kMaxChanged) {
    frame_.changed.push_back(area);
  } else {
    frame_.changed.back() = around(frame_.changed.back(), area);
  }
  return screen_.put(area, pixels_);
}

}  // namespace amtgate::record
