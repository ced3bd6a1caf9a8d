// ScreenRoom: a machine (sim::KvmServer), a SharedScreen and people with viewers around it, in memory and with a
// clock that is moved by hand. Bytes go at any split; nothing sleeps.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "amtgate/rfb/client_handshake.h"
#include "amtgate/rfb/letterbox.h"
#include "amtgate/session/shared_screen.h"
#include "amtgate/sim/kvm_server.h"
#include "tests/rfb/shown.h"
#include "tests/support/counting_random.h"
#include "tests/support/rfb_viewer.h"

namespace amtgate::test {

/// Somebody with a viewer: its opening, then updates one after the other.
struct Person {
  explicit Person(TimePoint now, const std::string& password = {})
      : handshake(rfb::ClientHandshake::Options{password}, now) {}

  template <class M>
  void send(const M& m) {
    encode(out, m);
  }
  void set_format(const rfb::PixelFormat& f) {
    send(rfb::SetPixelFormat{f});
    format = f;
    viewer->set_format(f);
  }
  /// While updates come unasked.
  void set_format_at_fence(const rfb::PixelFormat& f) {
    send(rfb::ClientFence{rfb::kFenceRequest | rfb::kSyncNext, as_bytes("format")});
    send(rfb::SetPixelFormat{f});
    format = f;
    viewer->set_format_at_fence(f);
  }
  /// As soon as it knows that it may, and again for each size.
  void turn_on() {
    if (viewer->ends_of_updates() == 0 || continuous == viewer->size()) return;
    send(rfb::EnableContinuousUpdates{true, {0, 0, viewer->size().width, viewer->size().height}});
    continuous = viewer->size();
  }
  void ask(bool incremental) {
    send(rfb::UpdateRequest{incremental, {0, 0, viewer->size().width, viewer->size().height}});
    asked = true;
  }

  rfb::ClientHandshake handshake;
  std::optional<RfbViewer> viewer;
  rfb::PixelFormat format = rfb::kRgb888;  // what it asks for when it is in
  /// Another one from the next complete update on, when no pixels can be on their way.
  std::optional<rfb::PixelFormat> wish;
  std::vector<std::int32_t> encodings{rfb::kRaw, rfb::kDesktopSize};
  bool reads = true;
  bool asked = false;
  std::optional<rfb::Size> continuous;  // it has turned continuous updates on for that size, and asks no more
  std::size_t updates = 0;              // answered
  std::string name;                     // of the desktop
  std::optional<Error> refused;
  bool ended = false;
  Buffer out;
};

class ScreenRoom {
 public:
  using Shared = session::SharedScreen;
  static constexpr rfb::Size kSize{320, 240};

  explicit ScreenRoom(session::ScreenOptions options = {}, rfb::Size size = kSize,
                      milliseconds frame_time = milliseconds(0))
      : picture(size, frame_time, now), screen(named(std::move(options)), random_source) {}

  static session::ScreenOptions named(session::ScreenOptions options) {
    options.name = "pc1";
    return options;
  }

  // People.
  session::ViewerId enter(const session::ViewerOptions& options = {}, const std::string& password = {}) {
    const session::ViewerId id{++last_id_};
    people.try_emplace(id, now, password);
    screen.add_viewer(id, options, "192.0.2." + std::to_string(id.value), now);
    return id;
  }
  void leave(session::ViewerId id) {
    people.erase(id);
    screen.remove_viewer(id, now);
  }
  Person& at(session::ViewerId id) { return people.at(id); }

  // The machine.
  void unplug(const Error& why = {Errc::Closed, "pc1 closed the connection"}) {
    if (!amt) return;
    last_format = amt->format();
    amt.reset();
    screen.device_closed(why, now);
  }

  /// Moves all there is to move without time passing.
  void settle() {
    for (int i = 0; i < 200'000; ++i) {
      bool moved = device();
      moved = owner() || moved;
      for (auto& [id, person] : people) moved = viewer(id, person) || moved;
      if (!moved) return;
    }
    ADD_FAILURE() << "talks without end";
  }

  /// Lets time pass, from one deadline to the next.
  void run(Duration how_long) {
    const TimePoint end = now + how_long;
    settle();
    while (now < end) {
      TimePoint next = end;
      if (const auto due = screen.deadline(); due && *due < next) next = *due;
      if (amt && amt->deadline() && *amt->deadline() < next) next = *amt->deadline();
      now = std::max(next, now + milliseconds(1));
      if (const auto due = screen.deadline(); due && now >= *due) screen.tick(now);
      settle();
    }
  }

  /// What the machine shows, in the format that it was asked for.
  rfb::Screen truth() const {
    rfb::Screen out;
    const rfb::PixelFormat& format = amt ? amt->format() : last_format;
    EXPECT_TRUE(out.set_format(format));
    EXPECT_TRUE(out.resize(picture.size()));
    Buffer pixels;
    const rfb::Rect all{0, 0, picture.size().width, picture.size().height};
    picture.picture().read(all, format, pixels);
    EXPECT_TRUE(out.put(all, pixels));
    return out;
  }
  /// What is wrong with a viewer's picture of `screen`.
  std::string wrong(session::ViewerId id, const rfb::Screen& should) {
    const Person& p = at(id);
    if (!p.viewer) return "not in";
    if (!p.viewer->error().empty()) return p.viewer->error();
    if (p.viewer->size() == should.size()) return difference(*p.viewer, p.format, should.view());
    rfb::Screen box;
    EXPECT_TRUE(box.set_format(should.format()));
    EXPECT_TRUE(box.resize(p.viewer->size()));
    rfb::Letterbox(should.size(), box.size())
        .draw(should.view(), {0, 0, should.size().width, should.size().height}, box);
    return difference(*p.viewer, p.format, box.view());
  }
  std::string wrong(session::ViewerId id) { return wrong(id, truth()); }

  template <class E>
  std::vector<E> told() const {
    std::vector<E> out;
    for (const auto& e : events) {
      if (const auto* it = std::get_if<E>(&e)) out.push_back(*it);
    }
    return out;
  }
  /// "a down, Left Shift up" by the keys of AMT's keyboard; "?" where AMT has none.
  std::string keys() {
    std::string out;
    for (const auto& k : typed) {
      out +=
          (out.empty() ? "" : ", ") + (k.hid ? std::string(sim::key_name(*k.hid)) : "?") + (k.down ? " down" : " up");
    }
    typed.clear();
    return out;
  }

  TimePoint now{seconds(1000)};
  CountingRandom random_source;
  std::mt19937 random{1};
  bool split = false;  // bytes go in pieces of any size
  sim::KvmScreen picture;
  sim::KvmOptions amt_options;
  std::optional<sim::KvmServer> amt;
  bool amt_reads = true;
  std::optional<Error> unreachable;  // why the machine cannot be had
  std::uint8_t start_status = 0;     // with that
  bool answers = true;               // false: nothing comes of opening it
  std::vector<Error> amt_errors;     // why AMT has ended its sessions
  std::vector<rfb::PixelFormat> formats;
  std::size_t opened = 0;
  rfb::PixelFormat last_format = rfb::kRgb565;
  std::vector<sim::KvmServer::Key> typed;
  std::vector<sim::KvmServer::Pointer> pointed;
  Shared screen;
  std::map<session::ViewerId, Person> people;
  std::vector<Shared::Event> events;

 private:
  Buffer piece(Bytes all) {
    const std::size_t n = split ? 1 + random() % std::min<std::size_t>(all.size(), 5000) : all.size();
    return Buffer(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(n, all.size())));
  }

  void closes(const Error& why) {
    amt_errors.push_back(why);
    // Its last words.
    const Buffer words(amt->output().begin(), amt->output().end());
    if (!words.empty()) screen.receive_device(words, now);
    unplug();
  }

  bool device() {
    bool moved = false;
    if (amt && amt_reads && !screen.device_output().empty()) {
      const Buffer part = piece(screen.device_output());
      screen.device_sent(part.size(), now);
      moved = true;
      const Result<void> taken = amt->receive(part, now);
      amt_events();
      if (!taken) closes(taken.error());
    }
    if (amt) {
      const Result<void> ticked = amt->tick(now);
      amt_events();
      if (!ticked) closes(ticked.error());
    }
    if (amt && !amt->output().empty()) {
      const Buffer part = piece(amt->output());
      amt->sent(part.size());
      screen.receive_device(part, now);
      moved = true;
    }
    return moved;
  }

  void amt_events() {
    while (auto e = amt->next_event()) {
      if (const auto* key = std::get_if<sim::KvmServer::Key>(&*e)) typed.push_back(*key);
      if (const auto* pointer = std::get_if<sim::KvmServer::Pointer>(&*e)) pointed.push_back(*pointer);
      if (const auto* format = std::get_if<sim::KvmServer::FormatAsked>(&*e)) formats.push_back(format->format);
    }
  }

  bool owner() {
    bool moved = false;
    while (auto e = screen.next_event()) {
      moved = true;
      events.push_back(*e);
      if (std::holds_alternative<Shared::NeedDevice>(*e)) {
        if (!answers) continue;
        if (unreachable) {
          screen.device_failed({*unreachable, start_status}, now);
          continue;
        }
        ++opened;
        amt.emplace(amt_options, picture, now);
        // The greeting comes glued to 0x41, or later.
        const Buffer rest = split && random() % 2 ? Buffer{} : Buffer(amt->output().begin(), amt->output().end());
        amt->sent(rest.size());
        screen.device_opened(rest, now);
      } else if (std::holds_alternative<Shared::DropDevice>(*e)) {
        if (amt) last_format = amt->format();
        amt.reset();
      } else if (const auto* ended = std::get_if<Shared::ViewerEnded>(&*e)) {
        if (people.count(ended->id)) at(ended->id).ended = true;
      }
    }
    return moved;
  }

  bool viewer(session::ViewerId id, Person& p) {
    bool moved = false;
    if (!p.viewer && !p.handshake.output().empty()) {
      append(p.out, p.handshake.output());
      p.handshake.sent(p.handshake.output().size());
    }
    if (!p.out.empty() && screen.takes(id)) {
      const Buffer part = piece(Bytes(p.out).first(std::min<std::size_t>(p.out.size(), 8192)));
      p.out.erase(p.out.begin(), p.out.begin() + static_cast<std::ptrdiff_t>(part.size()));
      screen.receive_viewer(id, part, now);
      moved = true;
    }
    if (!p.reads || screen.viewer_output(id).empty()) return moved;
    const Buffer part = piece(screen.viewer_output(id));
    screen.viewer_sent(id, part.size(), now);
    if (!p.viewer) {
      const Result<void> taken = p.handshake.receive(part, now);
      if (!taken) p.refused = taken.error();
      while (auto e = p.handshake.next_event()) {
        if (const auto* ready = std::get_if<rfb::ClientHandshake::Ready>(&*e)) come_in(p, ready->init);
      }
      return true;
    }
    EXPECT_TRUE(p.viewer->feed(part)) << p.viewer->error();
    for (const Buffer& answer : p.viewer->take_fence_answers()) append(p.out, answer);
    if (p.viewer->updates() > 0) p.turn_on();
    if (p.asked && p.viewer->updates() > p.updates && p.viewer->idle()) {
      p.updates = p.viewer->updates();
      if (p.wish && p.continuous) p.set_format_at_fence(*p.wish);
      if (p.wish && !p.continuous) p.set_format(*p.wish);
      p.wish.reset();
      if (!p.continuous) p.ask(true);
    }
    return true;
  }

  void come_in(Person& p, const rfb::ServerInit& init) {
    p.name = init.name;
    EXPECT_EQ(init.format, rfb::kRgb888);
    p.viewer.emplace(init.size, rfb::kRgb888);
    if (p.format != rfb::kRgb888) p.set_format(p.format);
    p.send(rfb::SetEncodings{p.encodings});
    p.ask(false);
    const Buffer rest = p.handshake.take_rest();
    EXPECT_TRUE(p.viewer->feed(rest));
  }

  std::uint64_t last_id_ = 0;
};

}  // namespace amtgate::test
