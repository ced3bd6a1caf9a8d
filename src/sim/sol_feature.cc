// Serial over LAN: sol::ServerRole with the console behind it.
#include <string_view>
#include <utility>

#include "amtgate/base/earliest.h"
#include "amtgate/sim/console.h"
#include "amtgate/sim/features.h"
#include "amtgate/sol/server_role.h"

namespace amtgate::sim {
namespace {

// Printed by commands and not yet sent; above it no more keys are read.
constexpr std::size_t kConsoleBacklog = 64 * 1024;

constexpr std::string_view kPanic =
    "\r\n[   42.000000] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"
    "[   42.000001] ---[ end Kernel panic ]---\r\n";

sol::ServerRole::Options role_options(const Options& o) {
  sol::ServerRole::Options out;
  out.pause = milliseconds(0);  // the connection rests behind such messages itself, from when they are really out
  out.start_timeout = std::chrono::duration_cast<milliseconds>(o.session_timeout);
  if (o.heartbeat > Duration{}) out.heartbeat = std::chrono::duration_cast<milliseconds>(o.heartbeat);
  if (!o.hold_clients_timers) out.rx_timeout = milliseconds(0);
  return out;
}

Console::Options console_options(const Options& o) {
  return {o.name, o.profile.firmware, std::to_string(o.screen.width) + "x" + std::to_string(o.screen.height)};
}

class SolFeature final : public Feature {
 public:
  SolFeature(FeatureHost& host, TimePoint now)
      : host_(host),
        role_(role_options(host.machine().options()), now),
        console_(console_options(host.machine().options())),
        piece_(host.machine().options().sol_message) {}

  Result<void> receive(Bytes in, TimePoint now) override {
    now_ = now;
    const Result<void> r = role_.receive(in, now);
    take_events();
    flush();
    return r;
  }

  void produce(TimePoint now) override {
    while (role_.open() && host_.queued() < kHighMark && console_.has_output()) {
      const Bytes text = Bytes(piece_).first(console_.output(piece_));
      role_.send(text, now);  // takes all: nothing waits in it
      flush();
    }
    const std::optional<Console::Action> action = console_.next_action();
    if (!action) return;
    if (const Size* mode = std::get_if<Size>(&*action)) return host_.set_mode(*mode);
    role_.set_host(0, 0, now);  // the power is off for a moment
    flush();
    host_.reboot();
  }

  bool wants_input() const override { return console_.backlog() < kConsoleBacklog; }
  std::optional<TimePoint> deadline() const override { return earliest({role_.deadline(), panic_at_}); }

  Result<void> tick(TimePoint now) override {
    if (panic_at_ && now >= *panic_at_) {
      panic_at_.reset();
      console_.interrupt(kPanic);
    }
    const Result<void> r = role_.tick(now);
    take_events();
    flush();
    return r;
  }

 private:
  void flush() {
    while (!role_.output().empty()) {
      const Bytes message = role_.output();
      const std::size_t n = message.size();
      host_.send(message);
      role_.sent(n);
      if (role_.open() && !std::exchange(opened_, true)) host_.opened();  // that was 0x21
    }
  }

  void take_events() {
    while (std::optional<sol::ServerRole::Event> event = role_.next_event()) {
      std::visit([this](const auto& e) { on(e); }, *event);
    }
  }

  void on(const sol::ServerRole::Started& e) {
    host_.log(JsonLine("sol")
                  .add("max_transmit", e.settings.max_transmit)
                  .add("rx_timeout_ms", e.settings.rx_timeout)
                  .add("heartbeat_ms", e.settings.heartbeat));
    if (const Duration after = host_.machine().options().panic_after; after > Duration{}) panic_at_ = now_ + after;
  }
  void on(const sol::ServerRole::Received& e) { console_.input(e.bytes); }
  void on(const sol::ServerRole::ControlsReceived&) {}
  void on(const sol::ServerRole::Writable&) {}
  void on(const sol::ServerRole::EndRequested&) { flush(); }
  void on(const sol::ServerRole::Ended&) {
    flush();
    host_.close("client ended the session");
  }

  FeatureHost& host_;
  sol::ServerRole role_;
  Console console_;
  Buffer piece_;
  bool opened_ = false;
  TimePoint now_{};
  std::optional<TimePoint> panic_at_;
};

}  // namespace

std::unique_ptr<Feature> make_sol(FeatureHost& host, TimePoint now) {
  return std::make_unique<SolFeature>(host, now);
}

}  // namespace amtgate::sim
