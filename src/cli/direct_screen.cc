#include "amtgate/cli/direct_screen.h"

#include <array>
#include <utility>

#include "amtgate/auth/random.h"
#include "amtgate/control/protocol.h"
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
        client(std::make_unique<net::Stream>(loop, std::move(viewer))),
        timer(loop, [this] { pump(); }) {
    client->on_ready([this](net::Ready) { pump(); });
    screen.add_viewer(kScript, {.password = {}, .script = true}, "amtgate", loop.now());
    timer.arm(Duration::zero());
  }

  void pump() {
    if (const auto due = screen.deadline(); due && loop.now() >= *due) screen.tick(loop.now());
    read_device();
    read_client();
    take_events();
    write_device();
    write_client();
    if (device) device->want(true, !screen.device_output().empty());
    client->want(!over && screen.takes(kScript),
                 !words.view().empty() || (joined && !screen.viewer_output(kScript).empty()));
    if (const auto due = screen.deadline()) {
      timer.arm_at(*due);
    } else {
      timer.cancel();
    }
  }

  void read_device() {
    std::array<std::uint8_t, kReadSize> buffer;
    for (int i = 0; i < kReadsPerTurn && device; ++i) {
      const net::IoResult got = device->read(buffer);
      if (got.status == net::Io::Again) return;
      if (got.status == net::Io::Ok) {
        screen.receive_device(Bytes(buffer).first(got.bytes), loop.now());
        take_events();
        continue;
      }
      const bool closed = got.status == net::Io::Closed || device->error().code == Errc::Closed;
      const Error why =
          closed ? Error{Errc::Closed, target->name + " (" + device_at.to_string() + ") closed the connection"}
                 : device->error();
      drop_device();
      screen.device_closed(why, loop.now());
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

  void write_device() {
    while (device && !screen.device_output().empty()) {
      const net::IoResult put = device->write(screen.device_output());
      if (put.status != net::Io::Ok) return;  // reading tells why
      screen.device_sent(put.bytes, loop.now());
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
    opening =
        dialer.open(loop, {.target = target, .address = address, .service = Service::Vnc, .log_in = true},
                    [this](std::variant<device::Opened, device::Failure> outcome) { opened(std::move(outcome)); });
  }
  void handle(const session::SharedScreen::DropDevice&) { drop_device(); }
  void handle(const session::SharedScreen::ViewerJoined&) {
    joined = true;
    append(words.buffer(), control::viewer_accepted({.target = target->name,
                                                     .device = device_at.to_string(),
                                                     .tls = device_tls,
                                                     .keyboard = target->keyboard}));
  }
  void handle(const session::SharedScreen::ViewerEnded& ended) {
    over = true;
    if (!joined) append(words.buffer(), control::viewer_refused(ended.error));
  }
  // There is no other viewer, nor a second try.
  template <class Other>
  void handle(const Other&) {}

  void opened(std::variant<device::Opened, device::Failure> outcome) {
    loop.retire(std::shared_ptr<device::Opening>(std::move(opening)));
    if (const auto* failure = std::get_if<device::Failure>(&outcome)) {
      screen.device_failed({failure->error, failure->start_status}, loop.now());
    } else {
      auto& done = std::get<device::Opened>(outcome);
      device_at = done.device;
      device_tls = std::move(done.tls);
      device = std::move(done.stream);
      device->on_ready([this](net::Ready) { pump(); });
      screen.device_opened(done.rest, loop.now());
    }
    pump();
  }

  void drop_device() {
    if (opening) loop.retire(std::shared_ptr<device::Opening>(std::move(opening)));
    if (!device) return;
    write_device();
    loop.retire(std::shared_ptr<net::Stream>(std::move(device)));
  }

  net::Loop& loop;
  device::Dialer& dialer;
  const std::shared_ptr<const config::Target> target;
  const IpAddress address;
  auth::SystemRandom random;
  session::SharedScreen screen;
  std::unique_ptr<net::Stream> client;
  std::unique_ptr<net::Stream> device;
  std::unique_ptr<device::Opening> opening;
  Endpoint device_at;
  std::string device_tls;
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
