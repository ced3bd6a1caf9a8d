// A small RFB client for tests: takes what a KvmServer sends and keeps a copy of the screen, in the server's pixels.
#pragma once

#include <gtest/gtest.h>

#include "amtgate/rfb/client_handshake.h"
#include "amtgate/rfb/server_messages.h"
#include "amtgate/sim/kvm_server.h"

namespace amtgate::test {

class KvmViewer {
 public:
  explicit KvmViewer(TimePoint now, std::string password = {}) : handshake_({.password = std::move(password)}, now) {}

  /// Moves bytes both ways, at most `chunk` at a time, until nothing moves. The server's error, if it ended.
  std::optional<Error> pump(sim::KvmServer& server, TimePoint now, std::size_t chunk = SIZE_MAX) {
    for (;;) {
      bool moved = false;
      const Bytes mine = ready_ ? out_.view() : handshake_.output();
      if (!mine.empty()) {
        const Buffer part(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(std::min(chunk, mine.size())));
        if (ready_) {
          out_.sent(part.size());
        } else {
          handshake_.sent(part.size());
        }
        moved = true;
        if (const Result<void> r = server.receive(part, now); !r) return r.error();
      }
      const Bytes theirs = server.output();
      if (!theirs.empty()) {
        const Buffer part(theirs.begin(),
                          theirs.begin() + static_cast<std::ptrdiff_t>(std::min(chunk, theirs.size())));
        server.sent(part.size());
        moved = true;
        take(part, now);
      }
      if (!moved) break;
    }
    if (server.deadline() && *server.deadline() <= now) {
      if (const Result<void> r = server.tick(now); !r) return r.error();
    }
    return std::nullopt;
  }

  template <class M>
  void send(const M& m) {
    rfb::encode(out_.buffer(), m);
  }
  void set_format(const rfb::PixelFormat& format) {
    send(rfb::SetPixelFormat{format});
    format_ = format;
    reader_.set_bytes_per_pixel(format.bytes_per_pixel());
    resize(size);
  }
  void request(bool incremental) { send(rfb::UpdateRequest{incremental, {0, 0, size.width, size.height}}); }

  const Buffer& screen() const { return screen_; }
  bool ready() const { return ready_; }

  rfb::Size size;
  unsigned updates = 0, rectangles = 0, resizes = 0;
  unsigned raw = 0, zrle = 0;
  std::vector<Buffer> texts;
  std::optional<Error> error;  // of the handshake
  std::uint64_t surplus() const { return zrle_.surplus_bytes(); }

 private:
  void take(Bytes in, TimePoint now) {
    if (!ready_) {
      if (const Result<void> r = handshake_.receive(in, now); !r) error = r.error();
      while (const auto e = handshake_.next_event()) {
        if (const auto* ready = std::get_if<rfb::ClientHandshake::Ready>(&*e)) {
          ready_ = true;
          format_ = ready->init.format;
          reader_.set_bytes_per_pixel(format_.bytes_per_pixel());
          resize(ready->init.size);
        }
      }
      if (!ready_) return;
      const Buffer rest = handshake_.take_rest();
      reader_.receive(rest);
    } else {
      reader_.receive(in);
    }
    for (;;) {
      const auto m = reader_.next();
      ASSERT_TRUE(m) << m.error().detail;
      if (!*m) return;
      if (const auto* r = std::get_if<rfb::Rectangle>(&**m)) draw(*r);
      if (std::holds_alternative<rfb::UpdateEnd>(**m)) ++updates;
      if (const auto* t = std::get_if<rfb::ServerCutText>(&**m)) texts.emplace_back(t->text.begin(), t->text.end());
    }
  }

  void resize(rfb::Size s) {
    size = s;
    screen_.assign(std::size_t{s.width} * s.height * format_.bytes_per_pixel(), 0);
  }

  void draw(const rfb::Rectangle& r) {
    ++rectangles;
    if (r.encoding == rfb::kDesktopSize) {
      ++resizes;
      return resize({r.area.width, r.area.height});
    }
    const std::size_t bytes = format_.bytes_per_pixel();
    Buffer pixels(r.data.begin(), r.data.end());
    if (r.encoding == rfb::kZrle) {
      ++zrle;
      pixels.resize(std::size_t{r.area.width} * r.area.height * bytes);
      const Result<void> ok = zrle_.decode(r.data, r.area.width, r.area.height, bytes, pixels);
      ASSERT_TRUE(ok) << ok.error().detail;
    } else {
      ++raw;
    }
    ASSERT_LE(r.area.x + r.area.width, size.width);
    ASSERT_LE(r.area.y + r.area.height, size.height);
    for (std::size_t y = 0; y < r.area.height; ++y) {
      std::copy_n(pixels.begin() + static_cast<std::ptrdiff_t>(y * r.area.width * bytes), r.area.width * bytes,
                  screen_.begin() + static_cast<std::ptrdiff_t>(((r.area.y + y) * size.width + r.area.x) * bytes));
    }
  }

  rfb::ClientHandshake handshake_;
  rfb::ServerMessageReader reader_;
  rfb::ZrleDecoder zrle_;
  rfb::PixelFormat format_;
  Outbox out_;
  bool ready_ = false;
  Buffer screen_;
};

inline Buffer pixels_of(const sim::KvmPicture& p, const rfb::PixelFormat& f = rfb::kRgb565) {
  Buffer out;
  p.read({0, 0, p.size().width, p.size().height}, f, out);
  return out;
}

}  // namespace amtgate::test
