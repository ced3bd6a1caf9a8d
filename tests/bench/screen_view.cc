// Viewers of a recorded session.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "amtgate/rfb/pixel_translation.h"
#include "amtgate/rfb/screen.h"
#include "amtgate/rfb/server_messages.h"
#include "tests/bench/library_viewer.h"
#include "tests/bench/recording.h"
#include "tests/bench/redirection.h"
#include "tests/bench/screen.h"

namespace amtgate::bench {
namespace {

using rfb::Rect;

constexpr int kPatienceMs = 20000;

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

unsigned number_seen(const LibraryViewer& viewer) {
  return frame_number(viewer.size(), [&](unsigned x, unsigned y) {
    const std::uint8_t* p = viewer.pixel(x, y);
    return (viewer.format().bits_per_pixel == 16 ? p[1] : p[1] / 2 + p[2] / 2) > 127;
  });
}

/// What a viewer has to show, frame by frame.
class Wanted {
 public:
  Wanted(const Recording& recording, const rfb::PixelFormat& format)
      : recording_(recording), translation_(*rfb::PixelTranslation::make(rfb::kRgb565, format)) {
    if (!screen_.resize(recording.size())) die("a recording of that size");
  }
  void next() {
    rfb::ServerMessageReader reader;
    reader.receive(recording_.frame(frame_++).raw);
    tiles_.clear();
    for (;;) {
      const auto message = reader.next();
      if (!message) die("the recording: " + message.error().detail);
      if (!*message) break;
      if (const auto* r = std::get_if<rfb::Rectangle>(&**message)) {
        if (!screen_.put(r->area, r->data)) die("the recording: a rectangle");
        tiles_.push_back(r->area);
      }
    }
  }
  /// The frame's tiles, from the first that was not right last time.
  bool seen(const LibraryViewer& viewer) {
    while (!tiles_.empty() && same(viewer, tiles_.front())) tiles_.erase(tiles_.begin());
    return tiles_.empty();
  }
  bool all_seen(const LibraryViewer& viewer) {
    return same(viewer, {0, 0, screen_.size().width, screen_.size().height});
  }

 private:
  bool same(const LibraryViewer& viewer, const Rect& area) {
    pixels_.clear();
    translation_.append(pixels_, screen_.view(), area);
    const std::size_t bytes = translation_.bytes_per_pixel();
    for (unsigned y = 0; y < area.height; ++y) {
      const std::uint8_t* want = pixels_.data() + std::size_t{y} * area.width * bytes;
      const std::uint8_t* have = viewer.pixel(area.x, area.y + y);
      for (unsigned x = 0; x < area.width; ++x) {
        // libvncclient leaves anything in the byte that ZRLE does not send.
        if (std::memcmp(want + x * bytes, have + x * bytes, std::min<std::size_t>(bytes, 3)) != 0) return false;
      }
    }
    return true;
  }

  const Recording& recording_;
  rfb::PixelTranslation translation_;
  rfb::Screen screen_;
  std::size_t frame_ = 0;
  std::vector<Rect> tiles_;
  Buffer pixels_;
};

struct Part {
  std::vector<double> latencies_us;
  std::uint64_t bytes = 0, updates = 0;
};

/// The last frame that a viewer has seen of a machine that draws at its own pace.
class Progress {
 public:
  struct At {
    unsigned frame = 0;
    std::int64_t when = 0;  // monotonic_ns()
  };
  void seen(unsigned frame) {
    const std::lock_guard hold(lock_);
    if (frame != at_.frame) at_ = {frame, monotonic_ns()};
  }
  At at() const {
    const std::lock_guard hold(lock_);
    return at_;
  }

 private:
  mutable std::mutex lock_;
  At at_;
};

}  // namespace

int follow(const std::string& file, const std::string& host, const std::string& port, const std::string& setting,
           const std::string& pace, const std::string& stamps) {
  const Recording recording(file);
  const int tokens = ::open(pace.c_str(), O_RDWR | O_CLOEXEC);
  if (tokens < 0) die("no pace " + pace);
  const std::int64_t* drawn = map_stamps(stamps, recording.frames());
  LibraryViewer viewer(host, port, setting, Inbox::Reads::AtOnce);
  if (viewer.size() != recording.size()) die("a screen of another size");
  Wanted wanted(recording, viewer.format());
  wanted.next();
  viewer.request_all();
  std::map<std::string, Part> parts;
  std::uint64_t bytes = 0, updates = 0;
  for (std::size_t i = 0;; ++i) {
    const auto seen = [&] { return viewer.lossy() ? number_seen(viewer) == i : wanted.seen(viewer); };
    do {
      if (!viewer.update(kPatienceMs)) die("frame " + std::to_string(i) + " did not come");
    } while (!seen());
    if (i > 0) {
      Part& part = parts[recording.frame(i).part];
      part.latencies_us.push_back(1e-3 * static_cast<double>(viewer.inbox().last() - drawn[i]));
      part.bytes += viewer.inbox().received() - bytes;
      part.updates += viewer.updates() - updates;
    }
    bytes = viewer.inbox().received();
    updates = viewer.updates();
    const bool end = i + 1 == recording.frames();
    const char* next = end ? "end" : recording.frame(i + 1).part;
    if (end || !parts.contains(next)) {
      say(std::string("mark ") + next);
      if (std::getchar() == EOF) die("nobody listens");
    }
    if (end) break;
    wanted.next();
    if (::write(tokens, "n", 1) != 1) die("cannot let the next frame come");
  }
  if (!viewer.lossy() && !wanted.all_seen(viewer)) die("the last picture is another one");
  std::printf("{\"parts\": {");
  const char* comma = "";
  for (const auto& [name, part] : parts) {
    std::printf("%s\"%s\": {\"frames\": %zu, \"bytes\": %llu, \"updates\": %llu, \"latencies_us\": [", comma,
                name.c_str(), part.latencies_us.size(), static_cast<unsigned long long>(part.bytes),
                static_cast<unsigned long long>(part.updates));
    const char* between = "";
    for (const double us : part.latencies_us) {
      std::printf("%s%.1f", between, us);
      between = ", ";
    }
    std::printf("]}");
    comma = ", ";
  }
  std::printf("}}\n");
  return 0;
}

int crowd(const std::string& file, const std::string& host, const std::string& port, const std::string& setting,
          unsigned count, double seconds) {
  const Recording recording(file);
  in_addr first{};
  if (::inet_pton(AF_INET, host.c_str(), &first) != 1) die("not an address: " + host);
  std::vector<Progress> progress(count);
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i) {
    const in_addr one{htonl(ntohl(first.s_addr) + i)};
    char name[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &one, name, sizeof name);
    threads.emplace_back([&, i, to = std::string(name)] {
      LibraryViewer viewer(to, port, setting, Inbox::Reads::WhenAsked);
      viewer.request_all();
      while (!stop) {
        if (viewer.update(100)) progress[i].seen(number_seen(viewer));
      }
      // What is there in the end is a frame that was drawn; all pixels of it.
      unsigned frame = progress[i].at().frame;
      Wanted wanted(recording, viewer.format());
      for (unsigned n = 0; n <= frame; ++n) wanted.next();
      while (!wanted.all_seen(viewer)) {
        if (!viewer.update(100)) die(to + ": another picture than frame " + std::to_string(frame));
        for (const unsigned now = number_seen(viewer); frame < now; ++frame) wanted.next();
      }
    });
  }
  const auto all = [&] {
    std::vector<Progress::At> out;
    for (const Progress& p : progress) out.push_back(p.at());
    return out;
  };
  const auto begun = [&] {
    const auto now = all();
    return std::all_of(now.begin(), now.end(), [](const Progress::At& p) { return p.frame >= 3; });
  };
  for (int i = 0; !begun(); ++i) {
    if (i == 300) die("not all sessions have begun");
    ::poll(nullptr, 0, 100);
  }
  say("begin");
  const std::int64_t from = monotonic_ns();
  const std::vector<Progress::At> before = all();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const std::vector<Progress::At> after = all();
  const double took = 1e-9 * static_cast<double>(monotonic_ns() - from);
  say("end");
  stop = true;
  for (auto& t : threads) t.join();
  for (const Progress::At& p : after) {
    if (p.frame + 1 >= recording.frames()) die("the recording is too short");
  }
  std::printf("{\"seconds\": %.3f, \"sessions\": [", took);
  for (unsigned i = 0; i < count; ++i) {
    // From a frame to a frame: the window's ends are anywhere between two.
    std::printf("%s{\"frames\": %u, \"seconds\": %.4f}", i == 0 ? "" : ", ", after[i].frame - before[i].frame,
                1e-9 * static_cast<double>(after[i].when - before[i].when));
  }
  std::printf("]}\n");
  return 0;
}

}  // namespace amtgate::bench
