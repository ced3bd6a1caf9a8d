#include "tests/bench/library_viewer.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <vector>

#include "amtgate/rfb/client_messages.h"
#include "tests/bench/redirection.h"
#include "tests/bench/screen.h"

namespace {

char g_tag;

}  // namespace

// In place of libvncclient's: the library calls it through its symbol.
extern "C" rfbBool ReadFromRFBServer(rfbClient* client, char* out, unsigned n) {
  return static_cast<amtgate::bench::Inbox*>(rfbClientGetClientData(client, &g_tag))->read(out, n) ? TRUE : FALSE;
}

namespace amtgate::bench {
namespace {

constexpr std::size_t kPull = 256U << 10U;

void silent(const char*, ...) {}

/// What SetEncodings lists, CopyRect last as stock viewers have it.
std::vector<std::int32_t> encodings(std::istream& words) {
  std::vector<std::int32_t> out;
  for (std::string w; std::getline(words, w, ',');) {
    if (w == "raw") {
      out.push_back(rfb::kRaw);
    } else if (w == "zrle") {
      out.push_back(rfb::kZrle);
    } else if (w == "tight") {
      out.push_back(rfb::kTight);
    } else if (w.size() == 6 && w.starts_with("level")) {
      out.push_back(rfb::kCompressLevel0 + (w[5] - '0'));
    } else if (w.size() == 8 && w.starts_with("quality")) {
      out.push_back(rfb::kQualityLevel0 + (w[7] - '0'));
    } else {
      die("no setting '" + w + "'");
    }
  }
  out.push_back(rfb::kCopyRect);
  out.push_back(rfb::kLastRect);
  return out;
}

}  // namespace

Inbox::Inbox(int fd, Reads reads) : fd_(fd) {
  if (reads == Reads::AtOnce) puller_ = std::thread([this] { pull(); });
}

Inbox::~Inbox() {
  ::shutdown(fd_, SHUT_RDWR);
  if (puller_.joinable()) puller_.join();
}

void Inbox::pull() {
  Buffer in(kPull);
  for (;;) {
    const ssize_t n = ::recv(fd_, in.data(), in.size(), 0);
    const std::lock_guard hold(lock_);
    if (n > 0) {
      last_ = monotonic_ns();
      keep(Bytes(in).first(static_cast<std::size_t>(n)));
    } else {
      over_ = true;
    }
    came_.notify_one();
    if (n <= 0) return;
  }
}

void Inbox::keep(Bytes in) {
  if (at_ == end_) at_ = end_ = 0;
  if (buffer_.size() < end_ + in.size()) buffer_.resize(2 * (end_ + in.size()));
  std::memcpy(buffer_.data() + end_, in.data(), in.size());
  end_ += in.size();
  received_ += in.size();
}

bool Inbox::read(char* out, std::size_t n) {
  std::unique_lock hold(lock_);
  while (n > 0) {
    if (left() == 0) {
      hold.unlock();
      if (!wait(-1)) return false;
      hold.lock();
    }
    const std::size_t some = std::min(n, left());
    std::memcpy(out, buffer_.data() + at_, some);
    at_ += some;
    out += some;
    n -= some;
  }
  return true;
}

bool Inbox::wait(int ms) {
  std::unique_lock hold(lock_);
  if (left() != 0) return true;
  if (puller_.joinable()) {
    const auto any = [this] { return left() != 0 || over_; };
    if (ms < 0) {
      came_.wait(hold, any);
    } else {
      came_.wait_for(hold, std::chrono::milliseconds(ms), any);
    }
    return left() != 0;
  }
  pollfd p{fd_, POLLIN, 0};
  if (::poll(&p, 1, ms) <= 0) return false;
  Buffer in(kPull / 8);
  const ssize_t n = ::recv(fd_, in.data(), in.size(), 0);
  if (n <= 0) return false;
  keep(Bytes(in).first(static_cast<std::size_t>(n)));
  return true;
}

std::uint64_t Inbox::received() const {
  const std::lock_guard hold(lock_);
  return received_;
}

std::int64_t Inbox::last() const {
  const std::lock_guard hold(lock_);
  return last_;
}

LibraryViewer::LibraryViewer(const std::string& host, const std::string& port, const std::string& setting,
                             Inbox::Reads reads)
    : fd_(dial(host.c_str(), port.c_str())), inbox_(fd_, reads) {
  if (fd_ < 0) die("cannot connect to " + host);
  rfbClientLog = rfbClientErr = silent;
  std::istringstream words(setting);
  std::string depth;
  std::getline(words, depth, ',');
  client_ = depth == "16" ? rfbGetClient(5, 3, 2) : rfbGetClient(8, 3, 4);
  rfbClientSetClientData(client_, &g_tag, &inbox_);
  client_->sock = fd_;
  client_->canHandleNewFBSize = FALSE;
  client_->FinishedFrameBufferUpdate = nullptr;
  if (!InitialiseRFBConnection(client_)) die("the viewer gets no RFB");
  client_->width = client_->si.framebufferWidth;
  client_->height = client_->si.framebufferHeight;
  if (depth == "16") {
    client_->format.greenMax = 63;
    client_->format.redShift = 11;
    client_->format.greenShift = 5;
    client_->format.blueShift = 0;
    client_->format.depth = 16;
  }
  client_->frameBuffer = static_cast<std::uint8_t*>(
      std::calloc(1, static_cast<std::size_t>(client_->width * client_->height * client_->format.bitsPerPixel / 8)));
  client_->updateRect.x = client_->updateRect.y = 0;
  client_->updateRect.w = client_->width;
  client_->updateRect.h = client_->height;
  if (!SetFormatAndEncodings(client_)) die("the viewer cannot set its format");
  const rfb::SetEncodings list{encodings(words)};
  lossy_ = std::any_of(list.encodings.begin(), list.encodings.end(),
                       [](std::int32_t e) { return e >= rfb::kQualityLevel0 && e <= rfb::kQualityLevel0 + 9; });
  Buffer out;
  encode(out, list);
  if (!WriteToRFBServer(client_, reinterpret_cast<const char*>(out.data()), static_cast<unsigned>(out.size()))) {
    die("the viewer cannot set its encodings");
  }
}

LibraryViewer::~LibraryViewer() {
  client_->sock = RFB_INVALID_SOCKET;
  ::shutdown(fd_, SHUT_RDWR);
  std::free(client_->frameBuffer);
  client_->frameBuffer = nullptr;
  rfbClientCleanup(client_);
}

void LibraryViewer::request_all() {
  if (!SendFramebufferUpdateRequest(client_, 0, 0, client_->width, client_->height, FALSE))
    die("the viewer cannot ask");
}

bool LibraryViewer::update(int ms) {
  if (!inbox_.wait(ms)) return false;
  if (!HandleRFBServerMessage(client_)) die("the viewer does not understand what it gets");
  ++updates_;
  return true;
}

rfb::Size LibraryViewer::size() const {
  return {static_cast<std::uint16_t>(client_->width), static_cast<std::uint16_t>(client_->height)};
}

rfb::PixelFormat LibraryViewer::format() const {
  const rfbPixelFormat& f = client_->format;
  return {f.bitsPerPixel, f.depth,   f.bigEndian != 0, f.trueColour != 0, f.redMax,
          f.greenMax,     f.blueMax, f.redShift,       f.greenShift,      f.blueShift};
}

const std::uint8_t* LibraryViewer::pixel(unsigned x, unsigned y) const {
  const auto bytes = static_cast<std::size_t>(client_->format.bitsPerPixel / 8);
  return client_->frameBuffer + (std::size_t{y} * static_cast<std::size_t>(client_->width) + x) * bytes;
}

}  // namespace amtgate::bench
