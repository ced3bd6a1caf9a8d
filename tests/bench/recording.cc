#include "tests/bench/recording.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "amtgate/rfb/server_messages.h"
#include "tests/bench/frames.h"
#include "tests/bench/redirection.h"

namespace amtgate::bench {
namespace {

using rfb::Rect;

struct Entry {
  char part[16];
  std::uint64_t raw_at, raw_size, zrle_at, zrle_size;
};
/// The end of the file; the entries are before it.
struct Trailer {
  std::uint64_t width, height, frames;
};

class Recorder {
 public:
  Recorder(const std::string& path, rfb::Size size)
      : file_(std::fopen(path.c_str(), "wb")),
        size_(size),
        shown_(std::size_t{size.width} * size.height),
        next_(shown_.size()) {
    if (file_ == nullptr) die("cannot write " + path);
  }
  std::vector<std::uint16_t>& next() { return next_; }
  void number(unsigned n) {
    for (unsigned y = 0; y < 64; ++y) {
      for (unsigned x = 0; x < 64; ++x) {
        const unsigned bit = 15 - (y / 16 * 4 + x / 16);
        next_[std::size_t{size_.height - 64U + y} * size_.width + size_.width - 64 + x] = n >> bit & 1 ? 0xffff : 0;
      }
    }
  }
  /// False, and nothing is written, where the frame is the one before.
  bool frame(const char* part) {
    std::vector<Rect> tiles;
    for (unsigned y = 0; y < size_.height; y += 64) {
      for (unsigned x = 0; x < size_.width; x += 64) {
        const Rect tile{static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y),
                        static_cast<std::uint16_t>(std::min(64U, size_.width - x)),
                        static_cast<std::uint16_t>(std::min(64U, size_.height - y))};
        if (entries_.empty() || pixels(shown_, tile) != pixels(next_, tile)) tiles.push_back(tile);
      }
    }
    if (tiles.empty()) return false;
    Buffer raw, zrle;
    encode(raw, rfb::UpdateBegin{static_cast<std::uint16_t>(tiles.size())});
    encode(zrle, rfb::UpdateBegin{static_cast<std::uint16_t>(tiles.size())});
    for (const Rect& tile : tiles) {
      const Buffer p = pixels(next_, tile);
      encode(raw, rfb::Rectangle{tile, rfb::kRaw, p});
      rfb::encode_rectangle_header(zrle, tile, rfb::kZrle);
      encoder_.encode(zrle, p, tile.width, tile.height, 2);
    }
    Entry e{};
    std::snprintf(e.part, sizeof e.part, "%s", part);
    e.raw_at = put(raw);
    e.raw_size = raw.size();
    e.zrle_at = put(zrle);
    e.zrle_size = zrle.size();
    entries_.push_back(e);
    shown_ = next_;
    return true;
  }
  void close() {
    const Trailer t{size_.width, size_.height, entries_.size()};
    for (const Entry& e : entries_) put({reinterpret_cast<const std::uint8_t*>(&e), sizeof e});
    put({reinterpret_cast<const std::uint8_t*>(&t), sizeof t});
    if (std::fclose(file_) != 0) die("cannot write the recording");
  }
  unsigned count() const { return static_cast<unsigned>(entries_.size()); }

 private:
  std::uint64_t put(Bytes bytes) {
    const std::uint64_t at = written_;
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) die("cannot write the recording");
    written_ += bytes.size();
    return at;
  }
  Buffer pixels(const std::vector<std::uint16_t>& from, const Rect& r) const {
    Buffer out(std::size_t{r.width} * r.height * 2);
    for (unsigned y = 0; y < r.height; ++y) {
      std::memcpy(out.data() + std::size_t{y} * r.width * 2, &from[std::size_t{r.y + y} * size_.width + r.x],
                  r.width * std::size_t{2});
    }
    return out;
  }

  std::FILE* file_;
  rfb::Size size_;
  std::vector<std::uint16_t> shown_, next_;
  rfb::ZrleEncoder encoder_{rfb::ZrleForm::Zlib};
  std::vector<Entry> entries_;
  std::uint64_t written_ = 0;
};

/// Copies the pixels of `area` of a screen that is `width` wide.
void copy(const std::uint16_t* from, std::uint16_t* to, unsigned width, const Rect& area) {
  for (unsigned y = area.y; y < area.y + 0U + area.height; ++y) {
    std::copy_n(from + std::size_t{y} * width + area.x, area.width, to + std::size_t{y} * width + area.x);
  }
}

void part(Recorder& out, const char* name, Frames& frames, unsigned count) {
  for (unsigned i = 0; i < count; ++i, frames.step()) {
    std::copy_n(frames.data(), out.next().size(), out.next().begin());
    out.number(out.count());
    out.frame(name);
  }
}

void session(Recorder& out, rfb::Size size, unsigned frames) {
  Frames console(Frames::Kind::Console, size), desktop(Frames::Kind::Desktop, size);
  part(out, "boot text", console, frames + 1);
  part(out, "desktop", desktop, frames);
  const rfb::Size window{static_cast<std::uint16_t>(size.width * 4 / 9),
                         static_cast<std::uint16_t>(size.height * 4 / 9)};
  Frames video(Frames::Kind::Video, window);
  for (unsigned i = 0; i < frames; ++i, video.step()) {
    for (unsigned y = 0; y < window.height; ++y) {
      std::copy_n(video.data() + std::size_t{y} * window.width, window.width,
                  &out.next()[(std::size_t{y} + size.height / 4) * size.width + size.width / 4]);
    }
    out.number(out.count());
    out.frame("video");
  }
}

void single_tiles(Recorder& out, rfb::Size size, unsigned frames) {
  std::vector<Frames> kinds;
  for (const Frames::Kind kind : Frames::kKinds) kinds.emplace_back(kind, size);
  std::copy_n(kinds[1].data(), out.next().size(), out.next().begin());
  out.frame("first");
  const unsigned across = size.width / 64U, down = size.height / 64U;
  for (unsigned i = 0, at = 0; i < 3 * frames; ++i) {
    Frames& f = kinds[i % 3];
    if (i % 24 == i % 3) f.step();
    do {  // until it is another tile than the one that is there
      at = (at + 37) % (across * down);
      copy(f.data(), out.next().data(), size.width,
           {static_cast<std::uint16_t>(at % across * 64), static_cast<std::uint16_t>(at / across * 64), 64, 64});
    } while (!out.frame(Frames::name(Frames::kKinds[i % 3])));
  }
}

}  // namespace

void record(const std::string& path, const std::string& scenario, rfb::Size size, unsigned frames) {
  if (size.width < 128 || size.height < 128 || frames == 0 || frames > 10000) die("no such recording");
  Recorder out(path, size);
  if (scenario == "session") {
    session(out, size, frames);
  } else if (scenario == "tiles") {
    single_tiles(out, size, frames);
  } else if (scenario == "console") {
    Frames console(Frames::Kind::Console, size);
    part(out, "console", console, frames + 1);
  } else {
    die("no scenario '" + scenario + "'; there are session, tiles, console");
  }
  out.close();
}

Recording::Recording(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat s {};
  if (fd < 0 || ::fstat(fd, &s) != 0 || s.st_size < static_cast<off_t>(sizeof(Trailer))) die("cannot read " + path);
  void* at = ::mmap(nullptr, static_cast<std::size_t>(s.st_size), PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  ::close(fd);
  if (at == MAP_FAILED) die("cannot map " + path);
  file_ = {static_cast<const std::uint8_t*>(at), static_cast<std::size_t>(s.st_size)};
}

Recording::~Recording() {
  ::munmap(const_cast<std::uint8_t*>(file_.data()), file_.size());
}

static Trailer trailer(Bytes file) {
  Trailer t{};
  std::memcpy(&t, file.data() + file.size() - sizeof t, sizeof t);
  return t;
}

rfb::Size Recording::size() const {
  const Trailer t = trailer(file_);
  return {static_cast<std::uint16_t>(t.width), static_cast<std::uint16_t>(t.height)};
}

std::size_t Recording::frames() const {
  return trailer(file_).frames;
}

Recording::Frame Recording::frame(std::size_t i) const {
  const std::uint8_t* entry = file_.data() + file_.size() - sizeof(Trailer) - (frames() - i) * sizeof(Entry);
  Entry e{};
  std::memcpy(&e, entry, sizeof e);
  return {reinterpret_cast<const char*>(entry), file_.subspan(e.raw_at, e.raw_size),
          file_.subspan(e.zrle_at, e.zrle_size)};
}

}  // namespace amtgate::bench
