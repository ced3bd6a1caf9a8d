// Pictures towards viewers, measured beside libvncserver on the same frames, and checked with libvncclient. Only this
// program links them.
//
//   pixels bench [SECONDS]    one JSON object: translation to RAW, encoders, a tile's latency, scrolling; SECONDS for
//                             each figure
//   pixels scroll [SECONDS]   the last of these
//   pixels check              libvncclient shows what RectangleEncoder sends: every encoding it has, three formats
//
// libvncserver is driven by a viewer's own messages (SetPixelFormat, SetEncodings, an update request), and what it
// would write to a socket is counted instead: neither side's figures hold system calls. CPU is that of the thread.
#include <rfb/rfb.h>
#include <rfb/rfbclient.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

extern "C" {
#include <rfb/rfbregion.h>  // has no word for C++
}

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "amtgate/rfb/client_messages.h"
#include "amtgate/rfb/pixel_translation.h"
#include "amtgate/rfb/rectangle_encoder.h"
#include "amtgate/rfb/server_init.h"
#include "amtgate/rfb/server_messages.h"
#include "amtgate/rfb/server_role.h"
#include "amtgate/rfb/zrle.h"
#include "tests/bench/frames.h"

using namespace amtgate;
using amtgate::bench::Frames;

namespace {

bool g_capture = false;  // libvncserver's bytes are counted, not written
std::size_t g_captured = 0;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "pixels: %s\n", what.c_str());
  std::_Exit(1);
}

void silent(const char*, ...) {}

}  // namespace

// In place of libvncserver's: the library calls it through its symbol.
extern "C" int rfbWriteExact(rfbClientPtr cl, const char* buf, int len) {
  if (g_capture) {
    g_captured += static_cast<std::size_t>(len);
    return 1;
  }
  for (int at = 0; at < len;) {
    const ssize_t n = ::write(cl->sock, buf + at, static_cast<std::size_t>(len - at));
    if (n <= 0) return -1;
    at += static_cast<int>(n);
  }
  return 1;
}

namespace {

double now(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}
double wall() {
  return now(CLOCK_MONOTONIC);
}
double cpu() {
  return now(CLOCK_THREAD_CPUTIME_ID);
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v[v.size() / 2];
}

void write_all(int fd, Bytes in) {
  while (!in.empty()) {
    const ssize_t n = ::write(fd, in.data(), in.size());
    if (n <= 0) return;  // whoever went will be missed

    in = in.subspan(static_cast<std::size_t>(n));
  }
}
Buffer read_some(int fd, std::size_t n) {
  Buffer out(n);
  for (std::size_t at = 0; at < n;) {
    const ssize_t got = ::read(fd, out.data() + at, n - at);
    if (got <= 0) return {};
    at += static_cast<std::size_t>(got);
  }
  return out;
}

// --- libvncserver on the same pixels

class Library {
 public:
  explicit Library(Frames& frames) : size_(frames.view().size) {
    rfbLog = rfbErr = silent;
    static char name[] = "pixels";
    static char* arguments[] = {name, nullptr};
    int count = 1;
    screen_ = rfbGetScreen(&count, arguments, size_.width, size_.height, 5, 3, 2);
    screen_->serverFormat.redMax = 31;
    screen_->serverFormat.greenMax = 63;
    screen_->serverFormat.blueMax = 31;
    screen_->serverFormat.redShift = 11;
    screen_->serverFormat.greenShift = 5;
    screen_->serverFormat.blueShift = 0;
    screen_->serverFormat.depth = 16;
    screen_->frameBuffer = reinterpret_cast<char*>(frames.data());
    screen_->cursor = nullptr;
    screen_->deferUpdateTime = 0;
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) die("no sockets");
    viewer_ = fds[1];
    client_ = rfbNewClient(screen_, fds[0]);
    if (client_ == nullptr) die("libvncserver takes no client");
    say(as_bytes("RFB 003.008\n"));
    const std::uint8_t none = 1;
    say({&none, 1});
    say({&none, 1});  // ClientInit
    if (client_->state != rfbClientRec::RFB_NORMAL) die("libvncserver's handshake went wrong");
  }

  void set(const rfb::PixelFormat& format, const std::vector<std::int32_t>& encodings) {
    Buffer m;
    encode(m, rfb::SetPixelFormat{format});
    say(m);
    m.clear();
    encode(m, rfb::SetEncodings{encodings});
    say(m);
  }
  /// Bytes of an update of `area`.
  std::size_t update(const rfb::Rect& area) {
    g_capture = true;
    g_captured = 0;
    sraRegionPtr region = sraRgnCreateRect(area.x, area.y, area.x + area.width, area.y + area.height);
    sraRgnOr(client_->modifiedRegion, region);
    sraRgnOr(client_->requestedRegion, region);
    if (!rfbSendFramebufferUpdate(client_, region)) die("libvncserver sends nothing");
    sraRgnDestroy(region);
    g_capture = false;
    return g_captured;
  }
  void translate(const std::uint8_t* in, std::uint8_t* out) {
    client_->translateFn(client_->translateLookupTable, &screen_->serverFormat, &client_->format,
                         const_cast<char*>(reinterpret_cast<const char*>(in)), reinterpret_cast<char*>(out),
                         size_.width * 2, size_.width, size_.height);
  }

 private:
  void say(Bytes message) {
    write_all(viewer_, message);
    rfbProcessClientMessage(client_);
  }

  rfb::Size size_;
  rfbScreenInfoPtr screen_ = nullptr;
  rfbClientPtr client_ = nullptr;
  int viewer_ = -1;
};

// --- bench

/// Runs each of `calls` in turn until `seconds` have passed for each, and gives the median time of each.
std::vector<double> interleaved(double seconds, const std::vector<std::function<void()>>& calls) {
  std::vector<std::vector<double>> times(calls.size());
  for (const auto& call : calls) call();  // caches, pages
  const double end = wall() + seconds * static_cast<double>(calls.size());
  do {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const double begin = cpu();
      calls[i]();
      times[i].push_back(cpu() - begin);
    }
  } while (wall() < end);
  std::vector<double> out;
  for (const auto& t : times) out.push_back(median(t));
  return out;
}

void translation(double seconds) {
  Frames frames(Frames::Kind::Desktop, {1920, 1080});
  Library library(frames);
  const rfb::PixelView view = frames.view();
  const std::size_t bytes = std::size_t{1920} * 1080 * 4;
  Buffer out, copy(bytes), source(bytes, 1);
  struct Row {
    const char* name;
    rfb::PixelFormat format;
  };
  const Row rows[] = {{"32 bits, most viewers", rfb::kRgb888},
                      {"32 bits, noVNC", {32, 24, false, true, 255, 255, 255, 0, 8, 16}},
                      {"32 bits, big-endian", {32, 24, true, true, 255, 255, 255, 16, 8, 0}},
                      {"32 bits, 10 a component", {32, 30, false, true, 1023, 1023, 1023, 20, 10, 0}},
                      {"16 bits, 555", {16, 15, false, true, 31, 31, 31, 11, 6, 1}},
                      {"8 bits, BGR233", {8, 8, false, true, 7, 7, 3, 0, 3, 6}}};
  std::printf("\"raw\": [");
  bool first = true;
  for (const Row& row : rows) {
    const rfb::PixelTranslation t = *rfb::PixelTranslation::make(rfb::kRgb565, row.format);
    library.set(row.format, {rfb::kRaw});
    const double size = static_cast<double>(bytes) / 4 * row.format.bits_per_pixel / 8;
    const auto n = static_cast<std::size_t>(size);
    const std::vector<double> s = interleaved(seconds, {[&] {
                                                          out.clear();
                                                          t.append(out, view, frames.all());
                                                        },
                                                        [&] { std::memcpy(copy.data(), source.data(), n); },
                                                        [&] { library.translate(view.data, copy.data()); }});
    library.translate(view.data, copy.data());
    std::printf(
        "%s\n  {\"format\": \"%s\", \"gb_per_s\": %.3f, \"memcpy_gb_per_s\": %.3f, \"libvncserver_gb_per_s\": %.3f}",
        first ? "" : ",", row.name, size / s[0] / 1e9, size / s[1] / 1e9, size / s[2] / 1e9);
    first = false;
  }
  std::printf("]");
}

struct Setting {
  const char* name;
  std::vector<std::int32_t> encodings;
};

const std::vector<Setting>& settings() {
  using namespace amtgate::rfb;
  const auto level = [](int n) { return kCompressLevel0 + n; };
  static const std::vector<Setting> kSettings = {
      {"ZRLE 1", {kZrle, level(1), kLastRect}},
      {"ZRLE 2", {kZrle, level(2), kLastRect}},
      {"ZRLE 6", {kZrle, level(6), kLastRect}},
      {"ZRLE", {kZrle, kLastRect}},
      {"Tight", {kTight, kLastRect}},
      {"Tight 1", {kTight, level(1), kLastRect}},
      {"Tight 9", {kTight, level(9), kLastRect}},
      {"Tight 2, JPEG 8", {kTight, level(2), kQualityLevel0 + 8, kLastRect}},
      {"Tight, JPEG 5", {kTight, kQualityLevel0 + 5, kLastRect}},
      {"Hextile", {kHextile}},
      {"zlib", {kZlib}},
      {"RRE", {kRre}},
      {"CoRRE", {kCoRre}},
  };
  return kSettings;
}

void encoders(unsigned frames_each) {
  std::printf("\"encoders\": [");
  bool first = true;
  for (const Frames::Kind kind : Frames::kKinds) {
    for (const Setting& setting : settings()) {
      Frames frames(kind, {1024, 768});
      Library library(frames);
      library.set(rfb::kRgb888, setting.encodings);
      rfb::RectangleEncoder encoder;
      encoder.set_encodings(setting.encodings);
      Buffer out;
      std::vector<double> ours, theirs;
      double our_bytes = 0, their_bytes = 0;
      for (unsigned i = 0; i < frames_each; ++i, frames.step()) {
        const double begin = cpu();
        out.clear();
        encoder.encode(out, frames.view(), frames.all());
        const double middle = cpu();
        const std::size_t bytes = library.update(frames.all());
        theirs.push_back(cpu() - middle);
        ours.push_back(middle - begin);
        our_bytes += static_cast<double>(out.size());
        their_bytes += static_cast<double>(bytes);
      }
      std::printf(
          "%s\n  {\"picture\": \"%s\", \"encoding\": \"%s\", \"bytes\": %.0f, \"libvncserver_bytes\": %.0f, "
          "\"ms\": %.3f, \"libvncserver_ms\": %.3f}",
          first ? "" : ",", Frames::name(kind), setting.name, our_bytes / frames_each, their_bytes / frames_each,
          1e3 * median(ours), 1e3 * median(theirs));
      first = false;
    }
  }
  std::printf("]");
}

/// Tiles of 64x64 all over a frame, each on its own as AMT sends them.
void tiles() {
  std::printf("\"tiles\": [");
  bool first = true;
  std::vector<Setting> all = settings();
  all.insert(all.begin(), {"Raw", {rfb::kRaw}});
  for (const Frames::Kind kind : Frames::kKinds) {
    for (const Setting& setting : all) {
      Frames frames(kind, {1024, 768});
      rfb::RectangleEncoder encoder;
      encoder.set_encodings(setting.encodings);
      Buffer out;
      std::vector<double> times;
      for (unsigned round = 0; round < 4; ++round, frames.step()) {
        for (unsigned y = 0; y < 768; y += 64) {
          for (unsigned x = 0; x < 1024; x += 64) {
            const double begin = wall();
            out.clear();
            encoder.encode(out, frames.view(),
                           {static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y), 64, 64});
            times.push_back(wall() - begin);
          }
        }
      }
      std::sort(times.begin(), times.end());
      std::printf("%s\n  {\"picture\": \"%s\", \"encoding\": \"%s\", \"p50_us\": %.1f, \"p99_us\": %.1f}",
                  first ? "" : ",", Frames::name(kind), setting.name, 1e6 * median(times),
                  1e6 * times[times.size() * 99 / 100]);
      first = false;
    }
  }
  std::printf("]");
}

/// Whole frames in ZRLE from a screen that AMT has drawn tile by tile: with its tiles at hand, and from pixels alone.
void device_tiles(unsigned frames_each) {
  using namespace amtgate::rfb;
  constexpr unsigned kSide = DeviceTiles::kSide;
  const Size size{1024, 768};
  std::printf("\"device_tiles\": [");
  bool first = true;
  for (const Frames::Kind kind : Frames::kKinds) {
    Frames frames(kind, size);
    Screen screen;
    if (!screen.resize(size)) die("no screen");
    RectangleEncoder encoders[2];  // with tiles, without
    for (RectangleEncoder& e : encoders) e.set_encodings(std::vector<std::int32_t>{kZrle});
    std::vector<double> times[2];
    std::size_t bytes[2] = {0, 0};
    Buffer pixels, tile, out;
    for (unsigned i = 0; i < frames_each; ++i, frames.step()) {
      for (std::uint16_t y = 0; y < size.height; y += kSide) {
        for (std::uint16_t x = 0; x < size.width; x += kSide) {
          pixels.clear();
          tile.clear();
          for (unsigned row = 0; row < kSide; ++row) append(pixels, Bytes(frames.view().at(x, y + row), kSide * 2));
          encode_tile(tile, pixels, kSide, kSide, 2);
          if (!screen.put_tile({x, y, kSide, kSide}, pixels, tile)) die("a tile refused");
        }
      }
      for (int without = 0; without < 2; ++without) {
        PixelView view = screen.view();
        if (without) view.tiles = nullptr;
        out.clear();
        const double begin = cpu();
        encoders[without].encode(out, view, frames.all());
        times[without].push_back(cpu() - begin);
        bytes[without] += out.size();
      }
    }
    std::printf("%s\n  {\"picture\": \"%s\", \"ms\": %.3f, \"anew_ms\": %.3f, \"bytes\": %zu, \"anew_bytes\": %zu}",
                first ? "" : ",", Frames::name(kind), 1e3 * median(times[0]), 1e3 * median(times[1]),
                bytes[0] / frames_each, bytes[1] / frames_each);
    first = false;
  }
  std::printf("]");
}

/// A screen that changes as AMT says it: by tiles that differ. With and without CopyRect, where something scrolls and
/// where nothing does.
void scroll(unsigned frames_each) {
  using namespace amtgate::rfb;
  const Size size{1920, 1080};
  struct Scene {
    const char* name;
    Frames::Kind kind;
    bool window;  // what moves is the text in a window
  };
  const Scene scenes[] = {{"console scrolls", Frames::Kind::Console, false},
                          {"window scrolls", Frames::Kind::Desktop, true},
                          {"window moves", Frames::Kind::Desktop, false},
                          {"video", Frames::Kind::Video, false}};
  const std::vector<Setting> all = {{"Raw", {kRaw}},
                                    {"Hextile", {kHextile}},
                                    {"ZRLE", {kZrle}},
                                    {"Tight", {kTight}},
                                    {"Tight 2, JPEG 8", {kTight, kCompressLevel0 + 2, kQualityLevel0 + 8}}};
  std::printf("\"scroll\": [");
  bool first = true;
  for (const Scene& scene : scenes) {
    for (const Setting& setting : all) {
      Frames frames(scene.kind, size);
      Frames before = frames;
      double bytes[2] = {0, 0};
      std::vector<double> times[2];
      ServerRole roles[2] = {ServerRole(size, "pixels"), ServerRole(size, "pixels")};
      Buffer m;
      for (int copy = 0; copy < 2; ++copy) {
        std::vector<std::int32_t> list = setting.encodings;
        if (copy) list.push_back(kCopyRect);
        m.clear();
        encode(m, SetEncodings{list});
        (void)roles[copy].receive(m, TimePoint{});
      }
      m.clear();
      encode(m, UpdateRequest{true, frames.all()});
      for (unsigned i = 0; i <= frames_each; ++i) {
        for (int copy = 0; copy < 2; ++copy) {
          ServerRole& role = roles[copy];
          const double begin = cpu();
          std::size_t sent = 0;
          for (;;) {
            if (!role.receive(m, TimePoint{})) die("a request refused");
            role.show(frames.view(), TimePoint{});
            const std::size_t n = role.output().size();
            if (n == 0) break;
            sent += n;
            role.sent(n);
          }
          if (i == 0) continue;  // all of it, for the first time
          times[copy].push_back(cpu() - begin);
          bytes[copy] += static_cast<double>(sent);
        }
        before = frames;
        if (scene.window) {
          // Three lines of 18 pixels up; those that leave at the top come in again below.
          std::uint16_t* const p = frames.data();
          const unsigned top = 1080 / 12 + 36, bottom = 1080 / 12 + 710, left = 1920 / 12 + 2, right = 1920 / 3 - 2;
          for (unsigned y = top; y < bottom; ++y) {
            const unsigned from = top + (y - top + 54) % (bottom - top);
            std::copy_n(before.data() + std::size_t{from} * 1920 + left, right - left,
                        p + std::size_t{y} * 1920 + left);
          }
        } else {
          frames.step();
        }
        for (unsigned y = 0; y < size.height; y += 64) {
          for (unsigned x = 0; x < size.width; x += 64) {
            const unsigned high = std::min(64U, size.height - y);
            bool differs = false;
            for (unsigned row = y; row < y + high && !differs; ++row) {
              differs = std::memcmp(frames.view().at(x, row), before.view().at(x, row), 128) != 0;
            }
            if (!differs) continue;
            for (ServerRole& role : roles) {
              role.changed({static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y), 64,
                            static_cast<std::uint16_t>(high)});
            }
          }
        }
      }
      std::printf(
          "%s\n  {\"picture\": \"%s\", \"encoding\": \"%s\", \"bytes\": %.0f, \"copyrect_bytes\": %.0f, \"ms\": "
          "%.3f, "
          "\"copyrect_ms\": %.3f}",
          first ? "" : ",", scene.name, setting.name, bytes[0] / frames_each, bytes[1] / frames_each,
          1e3 * median(times[0]), 1e3 * median(times[1]));
      std::fflush(stdout);
      first = false;
    }
  }
  std::printf("]");
}

// --- check

/// Serves one viewer on `fd`: a handshake without security, then `pictures` one after the other,
/// until the viewer goes. `encoding` is what the viewer gets.
void serve(int fd, std::vector<Frames>& pictures, std::int32_t& encoding) {
  write_all(fd, as_bytes("RFB 003.008\n"));
  if (read_some(fd, 12).empty()) return;
  const std::uint8_t types[] = {1, 1};
  write_all(fd, types);
  if (read_some(fd, 1).empty()) return;
  write_all(fd, Buffer(4));
  if (read_some(fd, 1).empty()) return;
  Buffer out;
  rfb::write_server_init(out, {pictures[0].view().size, rfb::kRgb888, "pixels"});
  write_all(fd, out);
  rfb::ClientMessageReader reader;
  rfb::RectangleEncoder encoder;
  std::size_t turn = 0;
  Buffer in(65536);
  for (;;) {
    const ssize_t n = ::read(fd, in.data(), in.size());
    if (n <= 0) return;
    reader.receive(Bytes(in).first(static_cast<std::size_t>(n)));
    for (;;) {
      const auto message = reader.next();
      if (!message) die(message.error().detail);
      if (!*message) break;
      if (const auto* m = std::get_if<rfb::SetPixelFormat>(&**message)) {
        if (!encoder.set_format(m->format)) die("a format that is not valid");
      } else if (const auto* list = std::get_if<rfb::SetEncodings>(&**message)) {
        encoder.set_encodings(list->encodings);
        encoding = encoder.encodings().pixels;
      } else if (std::get_if<rfb::UpdateRequest>(&**message) != nullptr) {
        const Frames& f = pictures[turn++ % pictures.size()];
        Buffer body;
        const std::size_t count = encoder.encode(body, f.view(), f.all());
        out.clear();
        encode(out, rfb::UpdateBegin{static_cast<std::uint16_t>(count)});
        append(out, body);
        write_all(fd, out);
      }
    }
  }
}

int check() {
  rfbClientLog = rfbClientErr = silent;
  const rfb::Size size{613, 331};
  struct Format {
    const char* name;
    int bits, bytes;
  };
  struct Encoding {
    const char* name;
    const char* list;
    std::int32_t number;
    bool jpeg;
  };
  const Encoding encodings[] = {{"raw", "raw", rfb::kRaw, false},       {"RRE", "rre", rfb::kRre, false},
                                {"CoRRE", "corre", rfb::kCoRre, false}, {"Hextile", "hextile", rfb::kHextile, false},
                                {"zlib", "zlib", rfb::kZlib, false},    {"TRLE", "trle", rfb::kTrle, false},
                                {"ZRLE", "zrle", rfb::kZrle, false},    {"Tight", "tight", rfb::kTight, false},
                                {"JPEG", "tight", rfb::kTight, true}};
  int failed = 0, passed = 0;
  for (const Encoding& encoding : encodings) {
    for (const Format& format : {Format{"32 bits", 8, 4}, Format{"16 bits", 5, 2}, Format{"8 bits", 2, 1}}) {
      if (encoding.jpeg && format.bytes != 4) continue;
      std::vector<Frames> pictures;
      for (const Frames::Kind kind : Frames::kKinds) pictures.emplace_back(kind, size);
      pictures.emplace_back(Frames::Kind::Console, size);
      pictures.back().step();
      int fds[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) die("no sockets");
      std::int32_t used = -1;
      std::thread server([&] {
        serve(fds[0], pictures, used);
        ::close(fds[0]);
      });
      rfbClient* client = rfbGetClient(format.bits, 3, format.bytes);
      client->appData.encodingsString = encoding.list;
      client->appData.enableJPEG = encoding.jpeg;
      client->appData.qualityLevel = 9;
      client->sock = fds[1];
      client->canHandleNewFBSize = FALSE;
      client->MallocFrameBuffer = [](rfbClient* c) -> rfbBool {
        c->frameBuffer = static_cast<std::uint8_t*>(
            std::calloc(1, static_cast<std::size_t>(c->width * c->height * c->format.bitsPerPixel / 8)));
        return TRUE;
      };
      std::string wrong;
      if (!InitialiseRFBConnection(client)) wrong = "no connection";
      client->width = client->si.framebufferWidth;
      client->height = client->si.framebufferHeight;
      client->updateRect.x = client->updateRect.y = 0;
      client->updateRect.w = client->width;
      client->updateRect.h = client->height;
      if (wrong.empty() && (!client->MallocFrameBuffer(client) || !SetFormatAndEncodings(client)))
        wrong = "no format";
      const rfbPixelFormat& f = client->format;
      const rfb::PixelFormat wanted{f.bitsPerPixel, f.depth,   f.bigEndian != 0, f.trueColour != 0, f.redMax,
                                    f.greenMax,     f.blueMax, f.redShift,       f.greenShift,      f.blueShift};
      const rfb::PixelTranslation t = *rfb::PixelTranslation::make(rfb::kRgb565, wanted);
      for (std::size_t i = 0; i < 2 * pictures.size() && wrong.empty(); ++i) {
        if (!SendFramebufferUpdateRequest(client, 0, 0, size.width, size.height, FALSE) ||
            !HandleRFBServerMessage(client)) {
          wrong = "update refused";
          break;
        }
        const Frames& picture = pictures[i % pictures.size()];
        Buffer want;
        t.append(want, picture.view(), picture.all());
        double off = 0;
        for (std::size_t b = 0; b < want.size(); ++b) {
          // libvncclient leaves anything in the byte that ZRLE does not send.
          if (format.bytes == 4 && b % 4 == 3) continue;
          const int difference = std::abs(client->frameBuffer[b] - want[b]);
          off += difference;
          if (difference == 0 || encoding.jpeg) continue;
          wrong =
              "picture " + std::to_string(i) + ", byte " + std::to_string(b) + " of " + std::to_string(want.size());
          break;
        }
        if (off > 2 * static_cast<double>(want.size())) wrong = "another picture";
      }
      if (wrong.empty() && used != encoding.number) wrong = "encoding " + std::to_string(used);
      std::printf("  libvncclient, %-8s %-8s %s\n", encoding.name, format.name,
                  wrong.empty() ? "same pixels" : wrong.c_str());
      (wrong.empty() ? passed : failed)++;
      ::shutdown(fds[1], SHUT_RDWR);
      server.join();
      std::free(client->frameBuffer);
      client->frameBuffer = nullptr;
      rfbClientCleanup(client);
    }
  }
  std::printf("libvncclient: %d of %d show the same pixels\n", passed, passed + failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "check") return check();
  if (mode != "bench" && mode != "scroll") die("usage: pixels bench|scroll [SECONDS] | pixels check");
  const double seconds = argc > 2 ? std::atof(argv[2]) : 1;
  std::printf("{");
  if (mode == "scroll") {
    scroll(std::max(3U, static_cast<unsigned>(20 * seconds)));
    std::printf("}\n");
    return 0;
  }
  translation(seconds);
  std::printf(",\n");
  encoders(std::max(3U, static_cast<unsigned>(20 * seconds)));
  std::printf(",\n");
  tiles();
  std::printf(",\n");
  device_tiles(std::max(3U, static_cast<unsigned>(20 * seconds)));
  std::printf(",\n");
  scroll(std::max(3U, static_cast<unsigned>(20 * seconds)));
  std::printf("}\n");
  return 0;
}
