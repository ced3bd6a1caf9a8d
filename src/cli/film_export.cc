#include "amtgate/cli/film_export.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <optional>

#include "amtgate/cli/film_reader.h"
#include "amtgate/cli/picture.h"
#include "amtgate/sys/file.h"
#include "amtgate/sys/pipe.h"

namespace amtgate::cli {
namespace {

struct Measure {
  rfb::Size most;
  std::uint64_t length_ms = 0;
  std::size_t frames = 0;
};

/// Errors of what is at the end of a film that was cut off are none here.
Result<Measure> measure(const std::string& path) {
  Result<FilmReader> reader = FilmReader::open(path);
  if (!reader) return reader.error();
  Measure out;
  while (true) {
    const Result<std::optional<record::Film::Frame>> frame = reader->next();
    if (!frame && out.frames == 0) return frame.error();
    if (!frame || !*frame) break;
    const rfb::Size size = reader->film().screen().size();
    out.most.width = std::max(out.most.width, size.width);
    out.most.height = std::max(out.most.height, size.height);
    out.length_ms = (*frame)->ms;
    ++out.frames;
  }
  if (out.frames == 0) return Error{Errc::Refused, path + ": there is no picture in it"};
  return out;
}

/// The picture in the upper left of a black one. Codecs want even sides.
class Canvas {
 public:
  explicit Canvas(rfb::Size most)
      : width_((most.width + 1U) / 2 * 2), height_((most.height + 1U) / 2 * 2), rgb_(width_ * height_ * 3) {}
  void draw(const Picture& p) {
    std::ranges::fill(rgb_, std::uint8_t{0});
    const std::size_t row = std::size_t{p.size.width} * 3;
    for (std::size_t y = 0; y < p.size.height; ++y) std::memcpy(&rgb_[y * width_ * 3], &p.rgb[y * row], row);
  }
  Bytes rgb() const { return rgb_; }
  std::string size() const { return std::to_string(width_) + "x" + std::to_string(height_); }

 private:
  std::size_t width_, height_;
  Buffer rgb_;
};

class Progress {
 public:
  explicit Progress(std::uint64_t all)
      : all_(std::max<std::uint64_t>(all, 1)), shown_(::isatty(STDERR_FILENO) != 0) {}
  ~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  void at(std::uint64_t ms) {
    const auto percent = static_cast<int>(ms * 100 / all_);
    if (!shown_ || percent == last_) return;
    last_ = percent;
    std::fprintf(stderr, "\r\033[K%d %%", percent);
  }

 private:
  std::uint64_t all_;
  bool shown_;
  int last_ = -1;
};

}  // namespace

Result<void> export_video(const std::string& film, const std::string& out, const VideoOptions& options) {
  const Result<Measure> all = measure(film);
  if (!all) return all.error();
  Result<FilmReader> reader = FilmReader::open(film);
  if (!reader) return reader.error();
  Canvas canvas(all->most);
  Result<sys::PipeTo> ffmpeg = sys::PipeTo::start(
      {"ffmpeg", "-y", "-nostdin", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", canvas.size(),
       "-r", std::to_string(options.fps), "-i", "-", "-pix_fmt", "yuv420p", out});
  if (!ffmpeg) {
    if (ffmpeg.error().code == Errc::Unreachable) {
      return Error{Errc::Unreachable, "ffmpeg is not here, and makes the video: apt install ffmpeg; or write a .fbs"};
    }
    return ffmpeg.error();
  }
  Progress progress(all->length_ms);
  const auto period = [&](std::uint64_t n) { return n * 1000 / options.fps; };
  std::uint64_t written = 0;  // pictures
  std::uint64_t skipped = 0;  // milliseconds that were cut
  std::uint64_t last = 0;     // of the picture that is on the canvas
  bool drawn = false;
  // Each picture of the film stays until the next one.
  const auto hold = [&](std::uint64_t until) -> Result<void> {
    const std::uint64_t wait = until - last;
    if (options.idle_limit_ms > 0 && wait > options.idle_limit_ms) skipped += wait - options.idle_limit_ms;
    while (drawn && period(written) < until - skipped) {
      if (const Result<void> r = ffmpeg->write(canvas.rgb()); !r) return r;
      ++written;
    }
    return {};
  };
  while (true) {
    const Result<std::optional<record::Film::Frame>> frame = reader->next();
    if (!frame || !*frame) break;
    if (!hold((*frame)->ms)) break;
    canvas.draw(picture_of(reader->film()));
    drawn = true;
    last = (*frame)->ms;
    progress.at(last);
  }
  (void)hold(last + 1000 / options.fps).has_value();
  if (written == 0) (void)ffmpeg->write(canvas.rgb()).has_value();
  if (const int status = ffmpeg->finish(); status != 0) {
    return Error{Errc::Refused,
                 "ffmpeg made no " + out + " (exit status " + std::to_string(status) + "); it has said why above"};
  }
  return {};
}

Result<void> export_picture(const std::string& film, const std::string& out, std::uint32_t at_ms) {
  Result<FilmReader> reader = FilmReader::open(film);
  if (!reader) return reader.error();
  std::optional<Picture> shown;
  std::uint32_t length = 0;
  while (true) {
    const Result<std::optional<record::Film::Frame>> frame = reader->next();
    if (!frame && !shown) return frame.error();
    if (!frame || !*frame) break;
    length = (*frame)->ms;
    if (length > at_ms && shown) break;
    shown = picture_of(reader->film());
    if (length > at_ms) break;
  }
  if (!shown) return Error{Errc::Refused, film + ": there is no picture in it"};
  const Result<std::string> png = to_png(*shown);
  if (!png) return png.error();
  return sys::write_file(out, *png, 0600);
}

}  // namespace amtgate::cli
