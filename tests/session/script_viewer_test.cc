// Scripts at a shared screen, beside people and alone, with a simulated machine; all in memory.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "amtgate/rfb/client_handshake.h"
#include "amtgate/rfb/keysyms.h"
#include "amtgate/rfb/picture_client.h"
#include "amtgate/session/shared_screen.h"
#include "amtgate/sim/kvm_server.h"
#include "tests/support/counting_random.h"

namespace amtgate::session {
namespace {

constexpr rfb::Size kSize{320, 240};
constexpr rfb::Keysym kA{'a'};

/// The machine, the screen, and who looks at it: scripts, and people of whom only the opening and keys matter.
class ScriptViewer : public testing::Test {
 protected:
  void open(Share share = Share::Yes) {
    ScreenOptions options;
    options.name = "pc1";
    options.share = share;
    options.keyboard = *rfb::KeyboardLayout::load("us");
    screen_.emplace(options, random_);
  }

  ViewerId script() {
    const ViewerId id{++last_};
    scripts_[id];
    screen_->add_viewer(id, {.password = {}, .script = true}, "control (uid 0)", now_);
    return id;
  }
  ViewerId person() {
    const ViewerId id{++last_};
    people_.emplace(id, rfb::ClientHandshake({}, now_));
    screen_->add_viewer(id, {}, "192.0.2.1", now_);
    return id;
  }
  void press(ViewerId id, rfb::Keysym key, bool down = true) {
    Buffer out;
    encode(out, rfb::KeyEvent{down, key});
    screen_->receive_viewer(id, out, now_);
  }

  bool plug_in() {
    if (!wanted_ || machine_ || !there_) return false;
    wanted_ = false;
    machine_.emplace(sim::KvmOptions{}, picture_, now_);
    screen_->device_opened({}, now_);
    return true;
  }
  void unplug() {
    machine_.reset();
    there_ = false;
    screen_->device_closed({Errc::Closed, "pc1 closed the connection"}, now_);
  }

  bool from_machine() {
    if (!machine_) return false;
    const Buffer out(machine_->output().begin(), machine_->output().end());
    machine_->sent(out.size());
    if (!out.empty()) screen_->receive_device(out, now_);
    const Buffer in(screen_->device_output().begin(), screen_->device_output().end());
    screen_->device_sent(in.size(), now_);
    EXPECT_TRUE(in.empty() || machine_->receive(in, now_));
    while (const auto event = machine_->next_event()) {
      if (const auto* key = std::get_if<sim::KvmServer::Key>(&*event)) {
        keys_ += key->down ? "+" : "-";
        keys_ += key->key.value < 0x80 ? std::string(1, static_cast<char>(key->key.value))
                                       : std::to_string(key->key.value);
      }
    }
    return !out.empty() || !in.empty();
  }

  template <class Client>
  bool from_viewer(ViewerId id, Client& client) {
    const Bytes view = screen_->viewer_output(id);
    const Buffer out(view.begin(), view.end());
    screen_->viewer_sent(id, out.size(), now_);
    EXPECT_TRUE(out.empty() || client.receive(out, now_));
    const Buffer in(client.output().begin(), client.output().end());
    client.sent(in.size());
    if (!in.empty()) screen_->receive_viewer(id, in, now_);
    return !out.empty() || !in.empty();
  }

  void settle() {
    for (bool moved = true; moved;) {
      moved = plug_in();
      moved = from_machine() || moved;
      for (auto& [id, client] : scripts_) moved = from_viewer(id, client) || moved;
      for (auto& [id, client] : people_) {
        if (!joined_.contains(id)) {
          moved = from_viewer(id, client) || moved;
        } else {
          screen_->viewer_sent(id, screen_->viewer_output(id).size(), now_);  // whatever it is shown
        }
      }
      while (const auto event = screen_->next_event()) {
        moved = true;
        if (std::holds_alternative<SharedScreen::NeedDevice>(*event)) wanted_ = true;
        if (std::holds_alternative<SharedScreen::DropDevice>(*event)) {
          wanted_ = false;
          machine_.reset();
        }
        if (const auto* j = std::get_if<SharedScreen::ViewerJoined>(&*event)) joined_[j->id] = true;
        if (const auto* e = std::get_if<SharedScreen::ViewerEnded>(&*event)) ended_.emplace(e->id, e->error);
      }
    }
  }

  TimePoint now_{};
  test::CountingRandom random_;
  sim::KvmScreen picture_{kSize, milliseconds(0), now_};
  std::optional<sim::KvmServer> machine_;
  std::optional<SharedScreen> screen_;
  std::map<ViewerId, rfb::PictureClient> scripts_;
  std::map<ViewerId, rfb::ClientHandshake> people_;
  std::map<ViewerId, bool> joined_;
  std::map<ViewerId, Error> ended_;
  std::string keys_;  // what the machine got: "+a-a"
  bool wanted_ = false;
  bool there_ = true;
  std::uint64_t last_ = 0;
};

TEST_F(ScriptViewer, SeesTheMachinesWholePictureAndNothingBeforeIt) {
  open();
  const ViewerId id = script();
  EXPECT_TRUE(screen_->viewer_output(id).empty()) << "it has no opening";
  scripts_.at(id).watch();  // with the first byte that it gets
  settle();
  ASSERT_TRUE(joined_.contains(id));
  EXPECT_EQ(scripts_.at(id).name(), "pc1");
  ASSERT_TRUE(scripts_.at(id).complete());
  const Buffer ppm = picture_.picture().ppm();
  const Buffer& rgb = scripts_.at(id).rgb();
  ASSERT_GT(ppm.size(), rgb.size());
  EXPECT_TRUE(std::equal(rgb.begin(), rgb.end(), ppm.end() - static_cast<std::ptrdiff_t>(rgb.size())));
}

TEST_F(ScriptViewer, WaitsForTheFirstPicture) {
  open();
  const ViewerId id = script();
  // All but the machine's answer to the first request: its opening, then our requests.
  while (const auto event = screen_->next_event()) {
    if (std::holds_alternative<SharedScreen::NeedDevice>(*event)) wanted_ = true;
  }
  ASSERT_TRUE(plug_in());
  std::size_t bytes = 0;
  while (!joined_.contains(id)) {
    if (machine_->output().empty()) {
      ASSERT_TRUE(from_machine()) << "it never joined";
      continue;
    }
    const Buffer one(machine_->output().begin(), machine_->output().begin() + 1);
    machine_->sent(1);
    screen_->receive_device(one, now_);
    ++bytes;
    const Buffer in(screen_->device_output().begin(), screen_->device_output().end());
    screen_->device_sent(in.size(), now_);
    ASSERT_TRUE(machine_->receive(in, now_));
    while (const auto event = screen_->next_event()) {
      if (std::holds_alternative<SharedScreen::ViewerJoined>(*event)) joined_[id] = true;
    }
    if (!joined_.contains(id)) {
      ASSERT_TRUE(screen_->viewer_output(id).empty()) << bytes;
    }
  }
  // Then the picture is that of the machine, not the black that it begins with.
  Buffer shown;
  const rfb::PixelView view = screen_->screen().view();
  for (unsigned y = 0; y < kSize.height; ++y) append(shown, Bytes(view.at(0, y), kSize.width * 2U));
  Buffer want;
  picture_.picture().read({0, 0, kSize.width, kSize.height}, rfb::kRgb565, want);
  EXPECT_EQ(shown, want);
}

TEST_F(ScriptViewer, TypesAndTakesTheKeyboardFromNobody) {
  open(Share::View);
  const ViewerId first = script();
  settle();
  EXPECT_EQ(screen_->typist(), std::nullopt);
  const ViewerId who = person();
  settle();
  EXPECT_EQ(screen_->typist(), who) << "a script that came first does not make people watch";
  press(first, kA);
  press(first, kA, false);
  press(who, rfb::Keysym{'b'});
  press(who, rfb::Keysym{'b'}, false);
  settle();
  EXPECT_EQ(keys_, "+a-a+b-b");
  EXPECT_EQ(screen_->typist(), who);
  EXPECT_EQ(screen_->give(first, now_).error().code, Errc::BadValue);
  EXPECT_EQ(screen_->typist(), who);
  screen_->remove_viewer(who, now_);
  people_.clear();
  settle();
  EXPECT_EQ(screen_->typist(), std::nullopt) << "nor does it inherit the keyboard";
  press(first, kA);
  settle();
  EXPECT_EQ(keys_, "+a-a+b-b+a");
}

TEST_F(ScriptViewer, ItsKeysGoUpWithIt) {
  open();
  const ViewerId who = person(), id = script();
  settle();
  press(who, rfb::Keysym{'x'});
  press(id, rfb::keysym::kControlL);
  press(id, kA);
  press(id, rfb::Keysym{'q'});
  press(id, rfb::Keysym{'q'}, false);
  settle();
  keys_.clear();
  screen_->remove_viewer(id, now_);
  scripts_.clear();
  settle();
  EXPECT_EQ(keys_, "-a-65507") << "those that were down, the last first, and not the person's";
  EXPECT_EQ(screen_->typist(), who);
}

TEST_F(ScriptViewer, IsAnsweredBehindAReleaseThatTheMachineNeverGets) {
  open();
  const ViewerId id = script();
  settle();
  constexpr rfb::Keysym kPercent{'%'};
  press(id, kPercent);  // Shift and 5, down and up
  settle();
  keys_.clear();
  press(id, kPercent, false);
  ASSERT_TRUE(screen_->device_output().empty());
  scripts_.at(id).ask_back();
  settle();
  EXPECT_EQ(keys_, "");
  bool answered = false;
  while (const auto event = scripts_.at(id).next_event()) {
    answered = answered || std::holds_alternative<rfb::PictureClient::Updated>(*event);
  }
  EXPECT_TRUE(answered) << "there is nothing that it would have to wait for";
}

TEST_F(ScriptViewer, EndsWithTheMachineWhilePeopleStay) {
  open();
  const ViewerId who = person(), id = script();
  settle();
  unplug();
  settle();
  ASSERT_TRUE(ended_.contains(id));
  EXPECT_EQ(ended_.at(id).code, Errc::Unreachable);
  EXPECT_NE(ended_.at(id).detail.find("pc1 is restarting"), std::string::npos) << ended_.at(id).detail;
  EXPECT_FALSE(ended_.contains(who));
}

TEST_F(ScriptViewer, IsToldOfAMachineThatIsAwayAndSeesNoCaption) {
  open();
  person();
  settle();
  unplug();
  settle();
  const ViewerId id = script();
  EXPECT_TRUE(screen_->viewer_output(id).empty());
  settle();
  ASSERT_TRUE(ended_.contains(id));
  EXPECT_EQ(ended_.at(id).code, Errc::Unreachable);
  EXPECT_FALSE(joined_.contains(id));
  // It comes back, and the next one sees it.
  there_ = true;
  now_ += Absence::kFirstRetry;
  screen_->tick(now_);
  settle();
  const ViewerId next = script();
  settle();
  EXPECT_TRUE(joined_.contains(next));
}

TEST_F(ScriptViewer, AnotherReasonKeepsItsCode) {
  open();
  person();
  settle();
  unplug();
  now_ += Absence::kFirstRetry;
  screen_->tick(now_);
  screen_->device_failed({{Errc::AuthFailed, "pc1 refused the password"}, 0}, now_);
  const ViewerId id = script();
  settle();
  ASSERT_TRUE(ended_.contains(id));
  EXPECT_EQ(ended_.at(id).code, Errc::AuthFailed);
  EXPECT_NE(ended_.at(id).detail.find("refused the password"), std::string::npos);
}

TEST_F(ScriptViewer, AloneItIsToldWhyTheMachineCannotBeHad) {
  open();
  const ViewerId id = script();
  screen_->device_failed({{Errc::Untrusted, "another certificate"}, 0}, now_);
  settle();
  ASSERT_TRUE(ended_.contains(id));
  EXPECT_EQ(ended_.at(id).code, Errc::Untrusted);
  EXPECT_TRUE(screen_->viewer_output(id).empty()) << "RFB has no words for one that never joined";
}

TEST_F(ScriptViewer, AScreenOfOneViewerIsOneViewers) {
  open(Share::No);
  person();
  settle();
  const ViewerId id = script();
  settle();
  ASSERT_TRUE(ended_.contains(id));
  EXPECT_EQ(ended_.at(id).code, Errc::Busy);
}

TEST_F(ScriptViewer, MayNotSpeakBeforeItIsAnswered) {
  open();
  const ViewerId id = script();
  press(id, kA);
  settle();
  ASSERT_TRUE(ended_.contains(id));
  EXPECT_EQ(ended_.at(id).code, Errc::BadValue);
}

}  // namespace
}  // namespace amtgate::session
