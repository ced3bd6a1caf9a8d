#include "amtgate/cli/film_player.h"

#include <csignal>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>

#include "amtgate/auth/random.h"
#include "amtgate/base/earliest.h"
#include "amtgate/cli/exit.h"
#include "amtgate/cli/film_reader.h"
#include "amtgate/net/listen.h"
#include "amtgate/net/loop.h"
#include "amtgate/net/stream.h"
#include "amtgate/session/screen_viewer.h"

namespace amtgate::cli {
namespace {

constexpr std::uint16_t kFirstDisplay = 5901, kLastDisplay = 5999;

class Player {
 public:
  Player(net::Loop& loop, FilmReader reader, const PlayOptions& options)
      : loop_(loop), reader_(std::move(reader)), options_(options), timer_(loop, [this] { turn(); }) {}

  Result<void> listen() {
    Endpoint at = options_.listen;
    const bool any = at.port.value == 0;
    if (any) at.port.value = kFirstDisplay;
    Result<sys::UniqueFd> fd = net::open_listener({.at = at});
    while (!fd && any && fd.error().code == Errc::Busy && at.port.value < kLastDisplay) {
      ++at.port.value;
      fd = net::open_listener({.at = at});
    }
    if (!fd) return fd.error();
    listener_ = std::make_unique<net::Listener>(loop_, std::move(*fd), net::Destination::Socket,
                                                [this](net::Accepted a) { accepted(std::move(a)); });
    std::fprintf(stderr, "amtgate: %s waits for a VNC viewer at %s", options_.name.c_str(), at.to_string().c_str());
    if (any) std::fprintf(stderr, " (display :%u)", at.port.value - 5900U);
    std::fputc('\n', stderr);
    return {};
  }

  int code() const { return code_; }

 private:
  void accepted(net::Accepted a) {
    if (stream_) return;  // it has its viewer; this one is hung up on
    stream_ = std::make_unique<net::Stream>(loop_, std::move(a.fd));
    viewer_.emplace(session::ViewerOptions{.password = {}, .hands = session::Hands::Off}, random_, loop_.now());
    stream_->on_ready([this](net::Ready) { turn(); });
    turn();
  }

  void turn() {
    if (!stream_ || done_) return;
    std::array<std::uint8_t, 4096> buffer;
    while (true) {
      const net::IoResult got = stream_->read(buffer);
      if (got.status == net::Io::Again) break;
      if (got.status != net::Io::Ok) return finish(kDone);
      viewer_->receive(Bytes(buffer).first(got.bytes), loop_.now());
    }
    viewer_->tick(loop_.now());
    drain();
    if (done_) return;
    play();
    if (done_) return;
    if (rfb::ServerRole* role = viewer_->screen()) role->show(reader_.film().screen().view(), loop_.now());
    while (!viewer_->output().empty()) {
      const net::IoResult put = stream_->write(viewer_->output());
      if (put.status != net::Io::Ok) break;
      viewer_->sent(put.bytes);
    }
    stream_->want(true, !viewer_->output().empty());
    if (const auto due = earliest({viewer_->deadline(), frame_ ? due_ : std::nullopt})) timer_.arm_at(*due);
  }

  void drain() {
    while (auto event = viewer_->next_event()) {
      if (std::holds_alternative<session::ScreenViewer::Ready>(*event)) {
        if (!next_frame()) return;  // the first picture is there when the viewer comes in
        apply();
        viewer_->accept(reader_.film().screen().size(), options_.name, loop_.now());
      } else if (const auto* ended = std::get_if<session::ScreenViewer::Ended>(&*event)) {
        std::fprintf(stderr, "amtgate: the viewer: %s\n", ended->error.detail.c_str());
        return finish(kSaidNo);
      }
    }
  }

  /// Reads ahead by one. False where that went wrong.
  bool next_frame() {
    Result<std::optional<record::Film::Frame>> frame = reader_.next();
    if (!frame) {
      fail(kSaidNo, frame.error().detail);
      finish(kSaidNo);
      return false;
    }
    frame_ = std::move(*frame);
    if (!frame_) {
      if (!std::exchange(over_, true)) std::fprintf(stderr, "amtgate: that was all; the viewer may be closed\n");
      return true;
    }
    Duration wait = milliseconds(frame_->ms - std::min(frame_->ms, shown_ms_));
    if (options_.idle_limit > Duration::zero()) wait = std::min(wait, options_.idle_limit);
    due_ = loop_.now() + std::chrono::duration_cast<Duration>(wait / options_.speed);
    return true;
  }

  // The reader's screen has it already; this is when it is told of.
  void apply() {
    if (!frame_) return;
    shown_ms_ = frame_->ms;
    if (rfb::ServerRole* role = viewer_->screen()) {
      if (frame_->resized) role->resized(reader_.film().screen().size());
      for (const rfb::Rect& r : frame_->changed) role->changed(r);
    }
    frame_.reset();
  }

  void play() {
    if (!viewer_->joined()) return;
    if (!frame_ && !over_ && !next_frame()) return;
    while (frame_ && loop_.now() >= *due_) {
      apply();
      if (!next_frame()) return;
    }
  }

  void finish(int code) {
    done_ = true;
    code_ = code;
    timer_.cancel();
    if (stream_) stream_->want(false, false);
    loop_.stop();
  }

  net::Loop& loop_;
  FilmReader reader_;
  const PlayOptions& options_;
  auth::SystemRandom random_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::Stream> stream_;
  std::optional<session::ScreenViewer> viewer_;
  std::optional<record::Film::Frame> frame_;  // read, not shown yet
  std::optional<TimePoint> due_;
  std::uint32_t shown_ms_ = 0;
  bool over_ = false;
  bool done_ = false;
  int code_ = kDone;
  net::Timer timer_;
};

}  // namespace

int play_film(const PlayOptions& options) {
  Result<FilmReader> reader = FilmReader::open(options.file);
  if (!reader) return fail(kSaidNo, reader.error().detail);
  Result<std::unique_ptr<net::Loop>> loop = net::Loop::create();
  if (!loop) return fail(kSaidNo, loop.error().detail);
  Player player(**loop, std::move(*reader), options);
  if (const Result<void> r = player.listen(); !r) return fail(kSaidNo, r.error().detail);
  net::Signal on_int(**loop, SIGINT, [&] { (*loop)->stop(); });
  net::Signal on_term(**loop, SIGTERM, [&] { (*loop)->stop(); });
  (*loop)->run();
  return player.code();
}

}  // namespace amtgate::cli
