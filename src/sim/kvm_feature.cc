// The screen: sim::KvmServer behind a login of the redirection protocol, and the ways in which port 5900 answers.
#include <algorithm>
#include <utility>

#include "amtgate/sim/features.h"
#include "amtgate/sim/kvm_keys.h"
#include "amtgate/sim/kvm_server.h"

namespace amtgate::sim {
namespace {

rfb::Greeting greeting_of(const Profile& profile) {
  return profile.greeting == RfbGreeting::V4_0 ? rfb::Greeting::V4_0 : rfb::Greeting::V3_8;
}

KvmOptions common(const MachineState& machine) {
  const Profile& p = machine.options().profile;
  KvmOptions o;
  o.greeting = greeting_of(p);
  o.grey_formats = p.gray_formats;
  o.ext_commands = p.gray_formats;
  o.zrle = machine.options().zrle;
  o.frame_buffer_limit = p.frame_buffer_limit;
  o.idle = p.idle;
  o.no_display = machine.options().no_display;
  o.step_timeout = std::chrono::duration_cast<milliseconds>(machine.options().session_timeout);
  return o;
}

class KvmFeature final : public Feature {
 public:
  KvmFeature(FeatureHost& host, KvmOptions options, bool opened, TimePoint now)
      : host_(host), server_(std::move(options), host.machine().screen(), now), opened_(opened) {}

  Result<void> receive(Bytes in, TimePoint now) override {
    const Result<void> r = server_.receive(in, now);
    take_events();
    flush();
    if (r && std::exchange(consent_given_, false)) return tick(now);
    if (r && consent_failed_) return Error{Errc::Refused, "consent failed (0x80862300)"};
    return r;
  }

  void produce(TimePoint /*now*/) override { flush(); }

  std::optional<TimePoint> deadline() const override { return server_.deadline(); }

  Result<void> tick(TimePoint now) override {
    const Result<void> r = server_.tick(now);
    take_events();
    flush();
    return r;
  }

  void ended(TimePoint /*now*/) override {
    OsKeyboard* system = host_.machine().options().keyboard.get();
    if (!system) return;
    if (const std::size_t keys = system->unplug()) host_.log(JsonLine("keys_left").add("keys", keys));
  }

 private:
  void flush() {
    // Behind a login the greeting is glued to 0x41 and everything after belongs to stage Stream.
    while (host_.queued() < kHighMark && !server_.output().empty()) {
      const Bytes out = server_.output();
      const std::size_t n = out.size();
      host_.send(out);
      server_.sent(n);
      if (!std::exchange(opened_, true)) host_.opened();
    }
  }

  void take_events() {
    while (const std::optional<KvmServer::Event> event = server_.next_event()) {
      std::visit([this](const auto& e) { on(e); }, *event);
    }
  }

  void on(const KvmServer::Connected& e) {
    if (host_.machine().awaits_consent()) {
      host_.log(JsonLine("consent").add("code", host_.machine().consent_code()));
    }
    host_.log(JsonLine("rfb")
                  .add("version", e.version == rfb::Version::V3_3   ? "3.3"
                                  : e.version == rfb::Version::V3_7 ? "3.7"
                                                                    : "3.8")
                  .add("security", static_cast<unsigned>(e.security))
                  .add("shared", e.shared));
  }
  void on(const KvmServer::FormatAsked& e) {
    const rfb::PixelFormat& f = e.format;
    host_.log(JsonLine("format")
                  .add("accepted", e.accepted)
                  .add("bits", f.bits_per_pixel)
                  .add("depth", f.depth)
                  .add("true_colour", f.true_colour)
                  .add("red", std::to_string(f.red_max) + "<<" + std::to_string(f.red_shift))
                  .add("green", std::to_string(f.green_max) + "<<" + std::to_string(f.green_shift))
                  .add("blue", std::to_string(f.blue_max) + "<<" + std::to_string(f.blue_shift)));
  }
  void on(const KvmServer::EncodingsAsked& e) {
    std::string list;
    for (const std::int32_t code : e.encodings) list += (list.empty() ? "" : " ") + std::to_string(code);
    host_.log(JsonLine("encodings").add("accepted", e.accepted).add("list", list));
  }
  void on(const KvmServer::Key& e) {
    JsonLine line("key");
    line.add("down", e.down).add("keysym", e.key.value);
    if (e.hid) line.add("hid", *e.hid).add("name", key_name(*e.hid));
    host_.log(line);
    if (host_.machine().awaits_consent()) {  // AMT's prompt has the keyboard
      if (e.down && !host_.machine().consent_key(e.key)) consent_failed_ = true;
      consent_given_ = !host_.machine().awaits_consent();
      if (consent_given_) host_.log(JsonLine("consent").add("given", true));
      return;
    }
    OsKeyboard* system = host_.machine().options().keyboard.get();
    if (!system || !e.hid) return;
    const OsKeyboard::Typed typed = system->key(*e.hid, e.down);
    if (!typed.text.empty()) host_.log(JsonLine("text").add("text", typed.text));
    if (!typed.shortcut.empty()) host_.log(JsonLine("shortcut").add("keys", typed.shortcut));
  }
  void on(const KvmServer::Pointer& e) {
    host_.log(JsonLine("pointer").add("buttons", e.buttons).add("x", e.x).add("y", e.y));
  }
  void on(const KvmServer::ExtCommand& e) {
    host_.log(JsonLine("ext_command").add("command", e.command).add("value", e.value));
  }
  void on(const KvmServer::CutText& e) { host_.log(JsonLine("cut_text").add("bytes", e.length)); }
  void on(const KvmServer::Update& e) {
    host_.log(
        JsonLine("update").add("rectangles", e.rectangles).add("frame", e.frame).add("incremental", e.incremental));
    host_.machine().frame_sent(e.frame, server_.format());
  }
  void on(const KvmServer::Resized& e) {
    host_.log(JsonLine("resized").add("width", e.size.width).add("height", e.size.height).add("told", e.told));
  }

  FeatureHost& host_;
  KvmServer server_;
  bool opened_;
  bool consent_failed_ = false;
  bool consent_given_ = false;  // just now: the screen is there to be sent
};

/// Port 5900 of firmware that can no longer serve it: accepts, and never says a word.
class DeadDoor final : public Feature {
 public:
  Result<void> receive(Bytes /*in*/, TimePoint /*now*/) override { return {}; }
  void produce(TimePoint /*now*/) override {}
};

}  // namespace

std::unique_ptr<Feature> make_kvm(FeatureHost& host, TimePoint now) {
  return std::make_unique<KvmFeature>(host, common(host.machine()), false, now);
}

std::unique_ptr<Feature> make_rfb_door(FeatureHost& host, bool free, TimePoint now) {
  const Options& o = host.machine().options();
  if (o.profile.port5900 == Port5900::Dead) return std::make_unique<DeadDoor>();
  KvmOptions k = common(host.machine());
  k.none = false;
  k.extra_types.clear();
  k.password = rfb::ServerHandshake::Password{o.rfb_password, {}};
  host.machine().random().fill(k.password->challenge);
  if (o.profile.port5900 == Port5900::NoPassword || o.rfb_password.empty()) {
    k.refusal = "No password configured for VNC Auth";  // as field notes 4.1.3 quote it
  } else if (!free) {
    k.refusal = "KVM session in use";
  }
  return std::make_unique<KvmFeature>(host, std::move(k), true, now);
}

}  // namespace amtgate::sim
