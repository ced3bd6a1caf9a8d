// AMT's side of a recorded session: the redirection session and its digest on one port, and plain RFB on another for
// peers that speak no redirection. Behind that both are the same: RGB565, tiles of at most 64x64, ZRLE or RAW.
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include <algorithm>
#include <thread>

#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/server_init.h"
#include "tests/bench/recording.h"
#include "tests/bench/redirection.h"
#include "tests/bench/screen.h"

namespace amtgate::bench {
namespace {

bool put(Wire& w, Bytes bytes) {
  return w.put(bytes.data(), bytes.size());
}

bool rfb_opening(Wire& w, rfb::Size size) {
  char in[12];
  if (!put(w, as_bytes("RFB 003.008\n")) || !w.get(in, 12)) return false;
  if (!w.put("\x01\x01", 2) || !w.get(in, 1) || in[0] != 1 || !w.put("\0\0\0\0", 4) || !w.get(in, 1)) return false;
  Buffer init;
  rfb::write_server_init(init, {size, rfb::kRgb565, "Intel(r) AMT KVM"});
  return put(w, init);
}

/// When the next frame is drawn.
class Pace {
 public:
  explicit Pace(const std::string& pace) : rate_(std::atof(pace.c_str())) {
    if (rate_ > 0) return;
    tokens_ = ::open(pace.c_str(), O_RDWR | O_CLOEXEC);
    if (tokens_ < 0) die("no pace " + pace);
  }
  /// Waits for frame `i`. False when the peer has gone instead.
  bool wait(int peer, std::size_t i) {
    if (rate_ > 0) {
      if (i == 1) first_ = monotonic_ns();
      const std::int64_t left =
          first_ + static_cast<std::int64_t>(1e9 * static_cast<double>(i) / rate_) - monotonic_ns();
      if (left > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(left));
      return true;
    }
    pollfd fds[2] = {{tokens_, POLLIN, 0}, {peer, POLLRDHUP, 0}};
    char token = 0;
    return ::poll(fds, 2, -1) > 0 && (fds[0].revents & POLLIN) != 0 && ::read(tokens_, &token, 1) == 1;
  }

 private:
  double rate_;
  std::int64_t first_ = 0;
  int tokens_ = -1;
};

void play(Wire& w, const Recording& recording, const std::string& how_fast, std::int64_t* stamps) {
  Pace pace(how_fast);
  rfb::ClientMessageReader reader;
  Buffer in(65536);
  bool zrle = false;
  std::size_t next = 0;
  for (;;) {
    const std::size_t n = w.read(in.data(), in.size());
    if (n == 0) return;
    reader.receive(Bytes(in).first(n));
    for (;;) {
      const auto message = reader.next();
      if (!message) die("AMT's side: " + message.error().detail);
      if (!*message) break;
      if (const auto* m = std::get_if<rfb::SetPixelFormat>(&**message)) {
        if (!same_pixels(m->format, rfb::kRgb565)) die("AMT's side: a format that AMT does not have");
      } else if (const auto* list = std::get_if<rfb::SetEncodings>(&**message)) {
        zrle = std::find(list->encodings.begin(), list->encodings.end(), rfb::kZrle) != list->encodings.end();
      } else if (std::holds_alternative<rfb::UpdateRequest>(**message) && next < recording.frames()) {
        if (next > 0 && !pace.wait(w.fd(), next)) return;
        const Recording::Frame frame = recording.frame(next);
        if (stamps != nullptr) stamps[next] = monotonic_ns();
        ++next;
        if (!put(w, zrle ? frame.zrle : frame.raw)) return;
      }
    }
  }
}

void serve_on(int port, bool redirection, const Recording& recording, const std::string& pace, std::int64_t* stamps) {
  const int fd = listen_on(port);
  for (;;) {
    const int c = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (c < 0) continue;
    std::thread([&recording, pace, stamps, redirection, c] {
      const int one = 1;
      ::setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      Wire w(c, nullptr);
      bool kvm = false;
      char open[8];
      if (redirection && (!serve_start(w, kvm) || !kvm || !w.get(open, 8) || !w.put("\x41\0\0\0\0\0\0\0", 8))) return;
      if (rfb_opening(w, recording.size())) play(w, recording, pace, stamps);
    }).detach();
  }
}

}  // namespace

int serve(const std::string& file, int redirection_port, int rfb_port, const std::string& pace,
          const std::string& stamps) {
  const Recording recording(file);
  std::int64_t* at = stamps.empty() ? nullptr : map_stamps(stamps, recording.frames());
  std::thread(serve_on, rfb_port, false, std::cref(recording), pace, at).detach();
  serve_on(redirection_port, true, recording, pace, at);
  return 0;
}

std::int64_t* map_stamps(const std::string& path, std::size_t count) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(count * sizeof(std::int64_t))) != 0) die("cannot write " + path);
  void* at = ::mmap(nullptr, count * sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (at == MAP_FAILED) die("cannot map " + path);
  return static_cast<std::int64_t*>(at);
}

std::int64_t monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace amtgate::bench
