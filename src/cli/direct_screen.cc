#include "amtgate/cli/direct_screen.h"

#include <array>
#include <utility>

#include "amtgate/auth/random.h"
#include "amtgate/control/protocol.h"
#include "amtgate/device/link.h"
#include "amtgate/net/stream.h"
#include "amtgate/session/shared_screen.h"

namespace amtgate::cli {
namespace {

constexpr session::ViewerId kScript{1};
constexpr std::size_t kReadSize = 32U << 10U;
// Neither side may starve the other.
constexpr int kReadsPerTurn = 8;

session::ScreenOptions screen_options(const config::Target& target) {
  session::ScreenOptions out;
  out.name = target.name;
  out.reconnect = false;
  out.frame_buffer_limit = target.frame_buffer_limit;
  if (const auto layout = rfb::KeyboardLayout::load(target.keyboard)) out.keyboard = *layout;
  return out;
}

}  // namespace

struct DirectScreen::Impl {
  Impl(net::Loop& l, device::Dialer& d, std::shared_ptr<const config::Target> t, const IpAddress& a,
       sys::UniqueFd viewer)
      : loop(l),
        dialer(d),
        target(std::move(t)),
        address(a),
        screen(screen_options(*target), random),
        link(loop, screen, *this, target->name, {.last_words = true}),
        client(std::make_unique<net::Stream>(loop, std::move(viewer))),
        timer(loop, [this] { pump(); }) {
    client->on_ready([this](net::Ready) { pump(); });
    screen.add_viewer(kScript, {.password = {}, .script = true}, "amtgate", loop.now());
    timer.arm(Duration::zero());
  }

  void pump() {
    if (const auto due = screen.deadline(); due && loop.now() >= *due) screen.tick(loop.now());
    link.read([this] { take_events(); });
    read_client();
    take_events();
    link.write();
    write_client();
    link.want();
    client->want(!over && screen.takes(kScript),
                 !words.view().empty() || (joined && !screen.viewer_output(kScript).empty()));
    if (const auto due = screen.deadline()) {
      timer.arm_at(*due);
    } else {
      timer.cancel();
    }
  }

  void read_client() {
    std::array<std::uint8_t, kReadSize> buffer;
    for (int i = 0; i < kReadsPerTurn && !over && screen.takes(kScript); ++i) {
      const net::IoResult got = client->read(buffer);
      if (got.status == net::Io::Again) return;
      if (got.status != net::Io::Ok) {
        over = true;  // the script has what it wanted; all of this goes with it
        return;
      }
      screen.receive_viewer(kScript, Bytes(buffer).first(got.bytes), loop.now());
      take_events();
    }
  }

  void write_client() {
    while (!words.view().empty()) {
      const net::IoResult put = client->write(words.view());
      if (put.status != net::Io::Ok) return;
      words.sent(put.bytes);
    }
    while (joined && !screen.viewer_output(kScript).empty()) {
      const net::IoResult put = client->write(screen.viewer_output(kScript));
      if (put.status != net::Io::Ok) return;
      screen.viewer_sent(kScript, put.bytes, loop.now());
    }
    if (over) client->close_write();
  }

  void take_events() {
    while (auto event = screen.next_event()) {
      std::visit([this](const auto& e) { handle(e); }, *event);
    }
  }

  void handle(const session::SharedScreen::NeedDevice&) {
    link.open(dialer, {.target = target, .address = address, .service = Service::Vnc, .log_in = true});
  }
  void handle(const session::SharedScreen::DropDevice&) {
    link.write();
    link.drop();
  }
  void handle(const session::SharedScreen::ViewerJoined&) {
    joined = true;
    append(words.buffer(), control::viewer_accepted({.target = target->name,
                                                     .device = link.device().to_string(),
                                                     .tls = link.tls(),
                                                     .keyboard = target->keyboard}));
  }
  void handle(const session::SharedScreen::ViewerEnded& ended) {
    over = true;
    if (!joined) append(words.buffer(), control::viewer_refused(ended.error));
  }
  // There is no other viewer, nor a second try.
  template <class Other>
  void handle(const Other&) {}

  net::Loop& loop;
  device::Dialer& dialer;
  const std::shared_ptr<const config::Target> target;
  const IpAddress address;
  auth::SystemRandom random;
  session::SharedScreen screen;
  device::Link<session::SharedScreen, Impl> link;
  std::unique_ptr<net::Stream> client;
  net::Timer timer;
  Outbox words;  // the control protocol's answer
  bool joined = false;
  bool over = false;
};

DirectScreen::DirectScreen(net::Loop& loop, device::Dialer& dialer, std::shared_ptr<const config::Target> target,
                           const IpAddress& address, sys::UniqueFd viewer)
    : impl_(std::make_shared<Impl>(loop, dialer, std::move(target), address, std::move(viewer))) {}

DirectScreen::~DirectScreen() = default;

}  // namespace amtgate::cli
