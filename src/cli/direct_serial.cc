#include "amtgate/cli/direct_serial.h"

#include <array>
#include <utility>

#include "amtgate/control/protocol.h"
#include "amtgate/device/link.h"
#include "amtgate/net/stream.h"
#include "amtgate/session/shared_serial.h"

namespace amtgate::cli {
namespace {

constexpr session::UserId kUser{1};
constexpr std::size_t kReadSize = 16U << 10U;
// Neither side may starve the other.
constexpr int kReadsPerTurn = 8;

session::SerialOptions serial_options(const config::Target& target) {
  session::SerialOptions out;
  out.name = target.name;
  out.reconnect = false;
  out.lines = false;
  return out;
}

}  // namespace

struct DirectSerial::Impl {
  Impl(net::Loop& l, device::Dialer& d, std::shared_ptr<const config::Target> t, const IpAddress& a,
       sys::UniqueFd user)
      : loop(l),
        dialer(d),
        target(std::move(t)),
        address(a),
        serial(serial_options(*target)),
        link(loop, serial, *this, target->name, {.read_size = kReadSize}),
        client(std::make_unique<net::Stream>(loop, std::move(user))),
        timer(loop, [this] { pump(); }) {
    client->on_ready([this](net::Ready) { pump(); });
    serial.reserve(kUser);
    timer.arm(Duration::zero());
  }

  void pump() {
    if (const auto due = serial.deadline(); due && loop.now() >= *due) serial.tick(loop.now());
    link.read([this] { take_events(); });
    read_client();
    take_events();
    write_client();
    link.write();
    take_events();
    // The user waits for that: then the session has ended in order.
    if (over && !link.busy() && words.view().empty()) client->close_write();
    link.want();
    client->want(!over && (!joined || serial.takes(kUser)),
                 !words.view().empty() || (joined && !serial.user_output(kUser).empty()));
    if (const auto due = serial.deadline()) {
      timer.arm_at(*due);
    } else {
      timer.cancel();
    }
  }

  void read_client() {
    std::array<std::uint8_t, kReadSize> buffer;
    for (int i = 0; i < kReadsPerTurn && !over && joined && serial.takes(kUser); ++i) {
      const net::IoResult got = client->read(buffer);
      if (got.status == net::Io::Again) return;
      if (got.status != net::Io::Ok) {  // it has what it wanted: the session is ended in order
        over = true;
        joined = false;
        serial.remove_user(kUser, loop.now());
        return;
      }
      serial.receive_user(kUser, Bytes(buffer).first(got.bytes), loop.now());
      take_events();
    }
  }

  void write_client() {
    while (!words.view().empty()) {
      const net::IoResult put = client->write(words.view());
      if (put.status != net::Io::Ok) return;
      words.sent(put.bytes);
    }
    while (joined && !serial.user_output(kUser).empty()) {
      const net::IoResult put = client->write(serial.user_output(kUser));
      if (put.status != net::Io::Ok) return;
      serial.user_sent(kUser, put.bytes, loop.now());
    }
  }

  void take_events() {
    while (auto event = serial.next_event()) {
      std::visit([this](const auto& e) { handle(e); }, *event);
    }
  }

  void handle(const session::SharedSerial::NeedDevice&) {
    link.open(dialer, {.target = target, .address = address, .service = Service::Sol, .log_in = true});
  }
  void handle(const session::SharedSerial::DropDevice&) {
    link.write();
    link.drop();
  }
  void handle(const session::SharedSerial::Ready&) {
    if (joined || over) return;
    joined = true;
    append(words.buffer(),
           control::viewer_accepted(
               {.target = target->name, .device = link.device().to_string(), .tls = link.tls(), .keyboard = {}}));
    serial.add_user(kUser, std::make_unique<session::RawUser>(), "amtgate", loop.now());
  }
  void handle(const session::SharedSerial::NotReady& not_ready) {
    if (joined || over) return;
    over = true;
    ended = not_ready.failure.error;
    append(words.buffer(), control::viewer_refused(not_ready.failure.error));
  }
  void handle(const session::SharedSerial::UserEnded& e) {
    over = true;
    ended = e.error;
  }
  // There is no other user, nor a second try.
  template <class Other>
  void handle(const Other&) {}

  net::Loop& loop;
  device::Dialer& dialer;
  const std::shared_ptr<const config::Target> target;
  const IpAddress address;
  session::SharedSerial serial;
  device::Link<session::SharedSerial, Impl> link;
  std::unique_ptr<net::Stream> client;
  net::Timer timer;
  Outbox words;  // the control protocol's answer
  std::optional<Error> ended;
  bool joined = false;
  bool over = false;
};

DirectSerial::DirectSerial(net::Loop& loop, device::Dialer& dialer, std::shared_ptr<const config::Target> target,
                           const IpAddress& address, sys::UniqueFd user)
    : impl_(std::make_shared<Impl>(loop, dialer, std::move(target), address, std::move(user))) {}
DirectSerial::~DirectSerial() = default;

std::optional<Error> DirectSerial::end() const {
  return impl_->ended;
}

}  // namespace amtgate::cli
