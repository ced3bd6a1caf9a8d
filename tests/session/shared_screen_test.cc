#include "amtgate/session/shared_screen.h"

#include <gtest/gtest.h>

#include "amtgate/rfb/server_messages.h"
#include "tests/rfb/viewer_formats.h"
#include "tests/session/screen_room.h"

namespace amtgate::session {
namespace {

using rfb::Size;
using test::Person;
using test::ScreenRoom;

constexpr rfb::PixelFormat kMapped{8, 8, false, false, 0, 0, 0, 0, 0, 0};

ScreenOptions shared(Share share) {
  ScreenOptions o;
  o.share = share;
  return o;
}
ScreenOptions typing(std::string_view layout) {
  ScreenOptions o;
  o.keyboard = *rfb::KeyboardLayout::load(layout);
  return o;
}
rfb::KeyEvent down(std::uint32_t keysym) {
  return {true, {keysym}};
}
rfb::KeyEvent up(std::uint32_t keysym) {
  return {false, {keysym}};
}

TEST(SharedScreen, ShowsTheMachine) {
  ScreenRoom room;
  const ViewerId a = room.enter();
  room.settle();
  EXPECT_EQ(room.wrong(a), "");
  EXPECT_EQ(room.at(a).name, "pc1");
  EXPECT_EQ(room.opened, 1U);
  ASSERT_EQ(room.told<SharedScreen::ViewerKnown>().size(), 1U);
  EXPECT_EQ(room.told<SharedScreen::ViewerKnown>()[0].security, rfb::SecurityType::None);
  ASSERT_EQ(room.told<SharedScreen::ViewerJoined>().size(), 1U);
  EXPECT_EQ(room.screen.typist(), a);
  room.leave(a);
  room.settle();
  EXPECT_EQ(room.told<SharedScreen::DropDevice>().size(), 1U) << "given up with the last viewer";
}

TEST(SharedScreen, EveryZrleFormGreetingAndPace) {
  for (const auto form :
       {rfb::ZrleForm::Stored, rfb::ZrleForm::Zlib, rfb::ZrleForm::ZlibStored, rfb::ZrleForm::RawDeflate}) {
    for (const bool back_to_back : {false, true}) {
      ScreenRoom room({}, ScreenRoom::kSize, milliseconds(50));
      room.amt_options.zrle = form;
      room.amt_options.greeting = back_to_back ? rfb::Greeting::V4_0 : rfb::Greeting::V3_8;
      room.amt_options.back_to_back = back_to_back;
      room.split = back_to_back;
      const ViewerId a = room.enter();
      room.run(milliseconds(500));
      EXPECT_EQ(room.wrong(a), "");
      EXPECT_GT(room.at(a).updates, 5U);
      room.picture.set_mode({200, 100});
      room.run(milliseconds(500));
      EXPECT_EQ(room.wrong(a), "");
      EXPECT_EQ(room.opened, 1U);
    }
  }
}

TEST(SharedScreen, EachViewerInItsOwnWay) {
  ScreenRoom room({}, ScreenRoom::kSize, milliseconds(50));
  std::vector<ViewerId> ids;
  constexpr std::int32_t kWays[] = {rfb::kRaw, rfb::kZrle, rfb::kTight, rfb::kHextile, rfb::kZlib, rfb::kRre};
  for (unsigned i = 0; i < 6; ++i) {
    const ViewerId id = room.enter();
    ids.push_back(id);
    room.at(id).format = i == 5 ? kMapped : test::kTrueColours[i * 4].format;
    room.at(id).encodings = {kWays[i]};
    if (i % 2 == 0) room.at(id).encodings.push_back(rfb::kDesktopSize);
  }
  for (const Size size : {Size{320, 240}, Size{400, 150}, Size{160, 120}, Size{320, 240}}) {
    room.picture.set_mode(size);
    room.run(milliseconds(400));
    for (const ViewerId id : ids) EXPECT_EQ(room.wrong(id), "") << id.value << " at " << size.width;
  }
  EXPECT_EQ(room.opened, 1U);
}

/// Whatever the viewers' formats, encodings and pace, the sizes, the ups and downs of the machine, and the splits: in
/// the end each viewer sees the machine's picture.
TEST(SharedScreen, InTheEndEveryoneSeesTheScreen) {
  for (unsigned seed = 1; seed <= 15; ++seed) {
    constexpr std::uint64_t kLimit = 200 * 150 * 2;
    ScreenOptions options;
    options.frame_buffer_limit = kLimit;
    ScreenRoom room(options, {160, 120}, milliseconds(40));
    room.random.seed(seed);
    room.split = true;
    const auto any = [&](unsigned n) { return static_cast<unsigned>(room.random() % n); };
    room.amt_options.frame_buffer_limit = kLimit;
    room.amt_options.zrle = static_cast<rfb::ZrleForm>(any(4));
    room.amt_options.back_to_back = any(4) == 0;
    room.amt_options.greeting = any(2) ? rfb::Greeting::V4_0 : rfb::Greeting::V3_8;
    constexpr std::int32_t kWays[] = {rfb::kRaw,  rfb::kRre,  rfb::kCoRre, rfb::kHextile,
                                      rfb::kZlib, rfb::kTrle, rfb::kZrle,  rfb::kTight};
    constexpr Size kSizes[] = {{160, 120}, {200, 150}, {201, 150}, {300, 200}, {64, 64}, {33, 1}, {160, 120}};
    const auto some_format = [&] {
      const unsigned n = any(std::size(test::kTrueColours) + 1);
      return n < std::size(test::kTrueColours) ? test::kTrueColours[n].format : kMapped;
    };
    const auto some_encodings = [&] {
      std::vector<std::int32_t> out{kWays[any(8)]};
      if (any(3)) out.push_back(any(4) ? rfb::kDesktopSize : rfb::kExtendedDesktopSize);
      if (any(2)) out.push_back(rfb::kQemuExtendedKey);
      if (any(2)) out.push_back(rfb::kCopyRect);
      if (any(3) == 0) out.push_back(rfb::kQualityLevel0 + static_cast<int>(any(10)));
      if (any(2)) out.push_back(rfb::kFence);
      if (any(2)) out.push_back(rfb::kContinuousUpdates);
      return out;
    };
    std::vector<ViewerId> ids;
    for (unsigned step = 0; step < 60; ++step) {
      switch (any(9)) {
        case 0:
          if (ids.size() < 4) {
            ids.push_back(room.enter());
            if (any(2)) room.at(ids.back()).format = some_format();
            room.at(ids.back()).encodings = some_encodings();
          }
          break;
        case 1:
          if (!ids.empty() && any(3) == 0) {
            const unsigned i = any(static_cast<unsigned>(ids.size()));
            room.leave(ids[i]);
            ids.erase(ids.begin() + i);
          }
          break;
        case 2: room.picture.set_mode(kSizes[any(7)]); break;
        case 3:
          if (any(3) == 0) room.unplug();
          break;
        case 4:
          if (!ids.empty()) room.at(ids[any(static_cast<unsigned>(ids.size()))]).wish = some_format();
          break;
        case 5:
          if (!ids.empty()) {
            Person& p = room.at(ids[any(static_cast<unsigned>(ids.size()))]);
            p.encodings = some_encodings();
            if (p.viewer) p.send(rfb::SetEncodings{p.encodings});
          }
          break;
        case 6:
          if (!ids.empty()) {
            Person& p = room.at(ids[any(static_cast<unsigned>(ids.size()))]);
            p.reads = !p.reads;
          }
          break;
        case 7:
          if (any(4) == 0) {
            room.unreachable = Error{Errc::Unreachable, "pc1 does not answer"};
          } else {
            room.unreachable.reset();
          }
          break;
        default: break;
      }
      if (any(2)) room.run(milliseconds(any(2000)));
      // Nobody joins a machine that is not there; those who waited were told and go.
      for (std::size_t i = 0; i < ids.size();) {
        if (room.at(ids[i]).ended) {
          room.leave(ids[i]);
          ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i));
        } else {
          ++i;
        }
      }
    }
    room.unreachable.reset();
    for (const ViewerId id : ids) {
      Person& p = room.at(id);
      p.reads = true;
      // What still moves comes without loss from now on; what was sent with it has to be mended.
      std::erase_if(p.encodings,
                    [](std::int32_t e) { return e >= rfb::kQualityLevel0 && e <= rfb::kQualityLevel0 + 9; });
      if (p.viewer) p.send(rfb::SetEncodings{p.encodings});
    }
    room.run(seconds(30));
    for (const ViewerId id : ids) {
      ASSERT_EQ(room.wrong(id), "") << "seed " << seed << ", viewer " << id.value << ", " << room.picture.size().width
                                    << "x" << room.picture.size().height;
    }
    for (const Error& e : room.amt_errors) {
      EXPECT_EQ(e.code, Errc::TooLarge) << e.detail << ", seed " << seed;
    }
  }
}

TEST(SharedScreen, WhatWentAsJpegIsMendedWhenNothingMoves) {
  for (const bool pushed : {false, true}) {
    ScreenRoom room({}, {32, 480});  // too narrow to tell that it is noise
    const ViewerId a = room.enter();
    room.at(a).encodings = {rfb::kTight, rfb::kQualityLevel0 + 2, rfb::kDesktopSize};
    if (pushed) room.at(a).encodings.insert(room.at(a).encodings.end(), {rfb::kFence, rfb::kContinuousUpdates});
    room.settle();
    EXPECT_NE(room.wrong(a), "");
    EXPECT_EQ(room.at(a).continuous.has_value(), pushed);
    room.run(seconds(1));
    EXPECT_EQ(room.wrong(a), "");
    const std::size_t updates = room.at(a).viewer->updates();
    room.run(seconds(5));
    EXPECT_EQ(room.at(a).viewer->updates(), updates) << "once";
  }
}

TEST(SharedScreen, LargeFramesAtTheRealLimit) {
  ScreenRoom room({}, {1280, 720});
  const ViewerId a = room.enter();
  room.settle();
  EXPECT_EQ(room.formats, std::vector<rfb::PixelFormat>{rfb::kRgb565});
  room.picture.set_mode({3840, 2160});
  room.run(seconds(3));
  ASSERT_EQ(room.amt_errors.size(), 1U) << "the session ends with the new mode";
  EXPECT_EQ(room.formats.back(), rfb::kRgb332);
  EXPECT_EQ(room.wrong(a), "");
  room.picture.set_mode({1280, 720});
  room.run(seconds(1));
  EXPECT_EQ(room.formats.back(), rfb::kRgb565);
  EXPECT_EQ(room.wrong(a), "");
  EXPECT_EQ(room.opened, 2U);
}

TEST(SharedScreen, LearnsALowerLimit) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    ScreenOptions options;
    options.reconnect = seed % 2 == 0;
    ScreenRoom room(options, {2560, 1440});
    room.random.seed(seed);
    room.split = seed > 2;  // AMT may close before the viewer has joined
    room.amt_options.frame_buffer_limit = 7'000'000;
    const ViewerId a = room.enter();
    room.run(seconds(2));
    EXPECT_FALSE(room.at(a).ended);
    EXPECT_EQ(room.wrong(a), "");
    EXPECT_EQ(room.formats, (std::vector<rfb::PixelFormat>{rfb::kRgb565, rfb::kRgb332}));
    EXPECT_EQ(room.amt_errors.size(), 1U);
    EXPECT_TRUE(room.told<SharedScreen::DeviceLost>().empty()) << "nobody has to know";
    // It is kept: the same again, at once.
    room.unplug();
    if (!options.reconnect) continue;
    room.run(seconds(2));
    EXPECT_EQ(room.formats.size(), 3U);
    EXPECT_EQ(room.formats.back(), rfb::kRgb332);
    EXPECT_EQ(room.wrong(a), "");
  }
}

TEST(SharedScreen, LeavingWhileALimitIsLearned) {
  ScreenRoom room({}, {2560, 1440});
  room.amt_options.frame_buffer_limit = 7'000'000;
  const ViewerId a = room.enter();
  room.settle();
  ASSERT_EQ(room.amt_errors.size(), 1U);
  room.leave(a);
  room.run(seconds(5));
  EXPECT_EQ(room.opened, 1U) << "nobody waits";
}

TEST(SharedScreen, AWrittenLimitIsNotUnlearned) {
  ScreenOptions options;
  options.frame_buffer_limit = 9'216'000;
  ScreenRoom room(options, {2560, 1440});
  room.amt_options.frame_buffer_limit = 7'000'000;
  room.enter();
  room.run(seconds(5));
  for (const auto& f : room.formats) EXPECT_EQ(f, rfb::kRgb565);
}

TEST(SharedScreen, StaysWhileTheMachineIsAway) {
  for (const Size back : {Size{320, 240}, Size{640, 200}}) {
    ScreenRoom room;
    const ViewerId a = room.enter(), b = room.enter();
    room.at(b).encodings = {rfb::kZrle};  // keeps its size
    room.settle();
    const rfb::Screen before = room.truth();
    room.unplug();
    room.unreachable = Error{Errc::Timeout, "pc1 does not answer"};
    room.run(milliseconds(1));
    EXPECT_NE(room.wrong(a, before), "") << "the caption";
    EXPECT_EQ(room.wrong(a, room.screen.screen()), "");
    EXPECT_EQ(room.wrong(b, room.screen.screen()), "");
    ASSERT_EQ(room.told<SharedScreen::DeviceLost>().size(), 1U);
    const std::size_t updates = room.at(a).updates;
    room.run(seconds(5));
    EXPECT_GE(room.at(a).updates, updates + 4) << "the seconds are counted";
    room.run(seconds(20));
    EXPECT_EQ(room.told<SharedScreen::DeviceLost>().size(), 1U) << "said once";
    // After 1, 2, 4, 8 and 8 seconds.
    EXPECT_EQ(room.told<SharedScreen::NeedDevice>().size(), 1U + 5);
    room.unreachable.reset();
    room.picture.set_mode(back);
    room.run(seconds(9));
    ASSERT_EQ(room.told<SharedScreen::DeviceBack>().size(), 1U);
    EXPECT_EQ(room.told<SharedScreen::DeviceBack>()[0].away / seconds(1), 31);
    EXPECT_EQ(room.wrong(a), "") << "without the caption";
    EXPECT_EQ(room.wrong(b), "");
    EXPECT_FALSE(room.at(a).ended);
    // The next loss begins with a second again.
    room.unplug();
    room.run(milliseconds(1100));
    EXPECT_EQ(room.told<SharedScreen::DeviceBack>().size(), 2U);
  }
}

// Switched by somebody who has asked for the screen before: the viewers stay, and see what is going on.
TEST(SharedScreen, IsParkedWhileTheMachineIsSwitched) {
  ScreenRoom room;
  const ViewerId a = room.enter();
  room.settle();
  room.screen.park("is being switched off", room.now + seconds(30), room.now);
  room.run(milliseconds(1));
  ASSERT_EQ(room.told<SharedScreen::DropDevice>().size(), 1U);
  EXPECT_NE(room.wrong(a, room.truth()), "") << "the caption";
  EXPECT_EQ(room.wrong(a, room.screen.screen()), "");
  room.run(seconds(10));
  EXPECT_EQ(room.told<SharedScreen::NeedDevice>().size(), 1U) << "it is left alone";
  room.screen.unpark(room.now);
  room.run(seconds(2));
  EXPECT_EQ(room.told<SharedScreen::DeviceBack>().size(), 1U);
  EXPECT_EQ(room.wrong(a), "") << "without the caption";
  EXPECT_FALSE(room.at(a).ended);
  // Whoever parked it may forget it.
  room.screen.park("is being restarted", room.now + seconds(30), room.now);
  room.run(seconds(35));
  EXPECT_EQ(room.told<SharedScreen::DeviceBack>().size(), 2U);
  EXPECT_EQ(room.wrong(a), "");
  room.screen.unpark(room.now);  // nothing to do
  room.run(seconds(1));
  EXPECT_EQ(room.wrong(a), "");
}

TEST(SharedScreen, SomebodyMayComeWhileTheMachineIsAway) {
  ScreenRoom room;
  const ViewerId a = room.enter();
  room.settle();
  room.unplug();
  room.unreachable = Error{Errc::Timeout, "pc1 does not answer"};
  room.run(seconds(2));
  const ViewerId b = room.enter();
  room.run(seconds(2));
  EXPECT_EQ(room.wrong(b, room.screen.screen()), "");
  room.leave(a);
  room.run(seconds(2));
  room.unreachable.reset();
  room.run(seconds(9));
  EXPECT_EQ(room.wrong(b), "");
  EXPECT_EQ(room.screen.typist(), b);
}

TEST(SharedScreen, WithoutReconnectItEnds) {
  ScreenOptions options;
  options.reconnect = false;
  ScreenRoom room(options);
  const ViewerId a = room.enter(), b = room.enter();
  room.settle();
  room.unplug({Errc::Closed, "pc1 closed the connection"});
  room.settle();
  EXPECT_TRUE(room.at(a).ended);
  EXPECT_TRUE(room.at(b).ended);
  ASSERT_EQ(room.told<SharedScreen::ViewerEnded>().size(), 2U);
  EXPECT_EQ(room.told<SharedScreen::ViewerEnded>()[0].error.detail, "pc1 closed the connection");
  room.leave(a);
  room.leave(b);
  room.settle();
  // It may be tried again.
  const ViewerId c = room.enter();
  room.settle();
  EXPECT_EQ(room.wrong(c), "");
}

TEST(SharedScreen, SaysInTheViewerWhyThereIsNoMachine) {
  ScreenRoom room;
  room.unreachable = Error{Errc::Unreachable, "pc1 (10.99.0.10:16994): connection refused"};
  const ViewerId a = room.enter();
  room.settle();
  ASSERT_TRUE(room.at(a).refused);
  EXPECT_NE(room.at(a).refused->detail.find("connection refused"), std::string::npos);
  ASSERT_EQ(room.told<SharedScreen::ViewerEnded>().size(), 1U);
  EXPECT_EQ(room.told<SharedScreen::ViewerEnded>()[0].error.code, Errc::Unreachable);
  EXPECT_EQ(room.told<SharedScreen::NeedDevice>().size(), 1U);
  room.leave(a);
  room.run(seconds(60));
  EXPECT_EQ(room.told<SharedScreen::NeedDevice>().size(), 1U) << "nobody waits for it";
}

TEST(SharedScreen, SaysWhatTheMachineSaid) {
  ScreenRoom room;
  room.amt_options.refusal = "No password configured for VNC Auth";
  const ViewerId a = room.enter();
  room.settle();
  ASSERT_TRUE(room.at(a).refused);
  EXPECT_NE(room.at(a).refused->detail.find("No password configured"), std::string::npos)
      << room.at(a).refused->detail;
}

TEST(SharedScreen, AScreenBeyondAllLimitsIsRefusedInWords) {
  ScreenRoom room({}, {65535, 65535});
  room.amt_options.frame_buffer_limit = ~std::uint64_t{0};
  const ViewerId a = room.enter();
  room.settle();
  ASSERT_TRUE(room.at(a).refused);
  EXPECT_NE(room.at(a).refused->detail.find("65535x65535"), std::string::npos) << room.at(a).refused->detail;
}

TEST(SharedScreen, AMachineThatClosesInItsOpeningIsExplained) {
  ScreenRoom room;
  room.answers = false;
  const ViewerId a = room.enter();
  room.settle();
  room.screen.device_opened(as_bytes("RFB 003.008\n"), room.now);
  room.settle();
  room.screen.device_closed({Errc::Closed, "pc1 closed the connection"}, room.now);
  room.settle();
  ASSERT_TRUE(room.at(a).refused);
  EXPECT_NE(room.at(a).refused->detail.find("display"), std::string::npos);
}

TEST(SharedScreen, ASilentMachineEndsAtItsDeadline) {
  ScreenRoom room;
  room.answers = false;
  const ViewerId a = room.enter();
  room.settle();
  room.screen.device_opened({}, room.now);
  room.run(seconds(120));
  EXPECT_TRUE(room.at(a).ended);
  ASSERT_TRUE(room.at(a).refused);
  EXPECT_EQ(room.told<SharedScreen::DropDevice>().size(), 1U);
}

TEST(SharedScreen, LeavingWhileItIsOpened) {
  ScreenRoom room;
  room.answers = false;
  const ViewerId a = room.enter(), b = room.enter();
  room.settle();
  EXPECT_EQ(room.told<SharedScreen::NeedDevice>().size(), 1U);
  room.leave(a);
  room.settle();
  EXPECT_TRUE(room.told<SharedScreen::DropDevice>().empty()) << "somebody waits still";
  room.leave(b);
  room.settle();
  EXPECT_EQ(room.told<SharedScreen::DropDevice>().size(), 1U);
  room.screen.device_opened({}, room.now);  // too late: it was not stopped in time
  EXPECT_TRUE(room.screen.device_output().empty());
  room.answers = true;
  const ViewerId c = room.enter();
  room.settle();
  EXPECT_EQ(room.wrong(c), "");
}

TEST(SharedScreen, ConnectAndDropAsksForNothing) {
  ScreenRoom room;
  room.leave(room.enter());
  const ViewerId a = room.enter({.password = "secret12"}, "secret12");
  room.at(a).reads = false;
  room.settle();
  room.leave(a);
  room.settle();
  EXPECT_TRUE(room.events.empty());
  EXPECT_EQ(room.screen.viewers(), 0U);
}

TEST(SharedScreen, PasswordsComeFirst) {
  ScreenRoom room;
  const ViewerId wrong = room.enter({.password = "secret12"}, "secret13");
  room.settle();
  EXPECT_TRUE(room.told<SharedScreen::NeedDevice>().empty());
  ASSERT_TRUE(room.at(wrong).refused);
  ASSERT_EQ(room.told<SharedScreen::ViewerEnded>().size(), 1U);
  EXPECT_EQ(room.told<SharedScreen::ViewerEnded>()[0].error.code, Errc::AuthFailed);
  room.leave(wrong);
  const ViewerId right = room.enter({.password = "secret12"}, "secret12");
  room.settle();
  EXPECT_EQ(room.wrong(right), "");
  EXPECT_EQ(room.told<SharedScreen::ViewerKnown>()[0].security, rfb::SecurityType::VncAuth);
}

TEST(SharedScreen, EndingAViewerInItsWords) {
  ScreenRoom room;
  room.answers = false;
  const ViewerId a = room.enter(), b = room.enter();
  room.settle();
  room.screen.end_viewer(a, {Errc::Closed, "the gateway is being stopped"}, room.now);
  room.settle();
  ASSERT_TRUE(room.at(a).refused);
  EXPECT_NE(room.at(a).refused->detail.find("being stopped"), std::string::npos);
  EXPECT_FALSE(room.at(b).ended);
}

// --- keyboard and mouse -----------------------------------------------------------------------------------

TEST(SharedScreen, KeysBecomeThoseOfThePc) {
  ScreenRoom room(typing("de"));
  const ViewerId a = room.enter();
  room.settle();
  for (const std::uint32_t key : {0x7aU, 0xf6U}) {  // z and o with dots on a German keyboard
    room.at(a).send(down(key));
    room.at(a).send(up(key));
  }
  room.at(a).send(rfb::QemuKeyEvent{true, {0}, 0x15});  // the place of z there
  room.at(a).send(rfb::QemuKeyEvent{false, {0}, 0x15});
  room.settle();
  EXPECT_EQ(room.keys(), "y down, y up, ; down, ; up, y down, y up");
  room.at(a).send(down(0x0100263a));  // a smiling face
  room.at(a).send(up(0x0100263a));
  room.settle();
  EXPECT_EQ(room.keys(), "");
  EXPECT_GE(room.screen.keys_dropped(), 1U);
}

TEST(SharedScreen, KeysAreReleasedWhenTheTypistLeaves) {
  ScreenRoom room(typing("us"));
  const ViewerId a = room.enter(), b = room.enter();
  room.settle();
  room.at(a).send(down(0xffe1));
  room.at(a).send(down(0x41));
  room.at(a).send(rfb::PointerEvent{1, 10, 20});
  room.settle();
  EXPECT_EQ(room.keys(), "Left Shift down, a down");
  room.leave(a);
  room.settle();
  EXPECT_EQ(room.keys(), "a up, Left Shift up");
  ASSERT_FALSE(room.pointed.empty());
  EXPECT_EQ(room.pointed.back().buttons, 0);
  EXPECT_EQ(room.screen.typist(), b);
  room.at(b).send(down(0x62));
  room.settle();
  EXPECT_EQ(room.keys(), "b down");
}

TEST(SharedScreen, TheKeyboardIsHandedOver) {
  ScreenRoom room(typing("us"));
  const ViewerId a = room.enter(), b = room.enter();
  room.settle();
  room.at(b).send(down(0x62));
  room.at(b).send(rfb::PointerEvent{1, 1, 1});
  room.at(a).send(down(0x61));
  room.settle();
  EXPECT_EQ(room.keys(), "a down") << "one types";
  EXPECT_TRUE(room.pointed.empty());
  ASSERT_TRUE(room.screen.give(b, room.now));
  room.settle();
  EXPECT_EQ(room.keys(), "a up");
  room.at(a).send(down(0x61));
  room.at(b).send(down(0x63));
  room.settle();
  EXPECT_EQ(room.keys(), "c down");
  EXPECT_TRUE(room.screen.give(b, room.now)) << "has it";
  EXPECT_EQ(room.keys(), "");
  EXPECT_EQ(room.screen.give(ViewerId{99}, room.now).error().code, Errc::BadValue);
  const ViewerId c = room.enter({.password = "secret12"}, "secret12");
  EXPECT_EQ(room.screen.give(c, room.now).error().code, Errc::BadValue) << "not in yet";
}

TEST(SharedScreen, WhoMayOnlyLookNeverTypes) {
  for (const Share share : {Share::Yes, Share::View}) {
    ScreenOptions options = typing("us");
    options.share = share;
    ScreenRoom room(options);
    const ViewerId a = room.enter({.password = {}, .hands = Hands::Off});
    room.settle();
    EXPECT_EQ(room.wrong(a), "");
    EXPECT_FALSE(room.screen.typist());
    room.at(a).send(down(0x61));
    room.at(a).send(rfb::PointerEvent{1, 10, 20});
    room.settle();
    EXPECT_EQ(room.keys(), "");
    EXPECT_TRUE(room.pointed.empty());
    EXPECT_EQ(room.screen.give(a, room.now).error().code, Errc::Refused);
    const ViewerId b = room.enter();
    room.settle();
    EXPECT_EQ(room.screen.typist(), b) << "the keyboard was nobody's";
    room.at(b).send(down(0x62));
    room.settle();
    EXPECT_EQ(room.keys(), "b down");
    room.leave(b);
    room.settle();
    EXPECT_EQ(room.keys(), "b up");
    EXPECT_FALSE(room.screen.typist()) << "nor does it pass to one who may only look";
    EXPECT_EQ(room.wrong(a), "");
  }
}

TEST(SharedScreen, ShareNo) {
  ScreenRoom room(shared(Share::No));
  const ViewerId a = room.enter();
  room.settle();
  const ViewerId b = room.enter();
  room.settle();
  ASSERT_TRUE(room.at(b).refused);
  EXPECT_NE(room.at(b).refused->detail.find("in use by 192.0.2.1"), std::string::npos);
  EXPECT_EQ(room.told<SharedScreen::ViewerEnded>()[0].error.code, Errc::Busy);
  EXPECT_EQ(room.wrong(a), "");
  room.leave(b);
  room.leave(a);
  const ViewerId c = room.enter();
  room.settle();
  EXPECT_EQ(room.wrong(c), "");
}

TEST(SharedScreen, ShareNoCountsWhoWaits) {
  ScreenRoom room(shared(Share::No));
  room.answers = false;
  room.enter();
  room.settle();
  const ViewerId b = room.enter();
  room.settle();
  EXPECT_TRUE(room.at(b).refused);
}

TEST(SharedScreen, ShareViewLeavesWatchersWatching) {
  for (const Share share : {Share::Yes, Share::View}) {
    ScreenRoom room(shared(share));
    const ViewerId a = room.enter();
    room.settle();
    const ViewerId b = room.enter();
    room.settle();
    EXPECT_EQ(room.screen.typist(), a);
    room.leave(a);
    room.settle();
    if (share == Share::Yes) {
      EXPECT_EQ(room.screen.typist(), b);
    } else {
      EXPECT_FALSE(room.screen.typist());
      ASSERT_TRUE(room.screen.give(b, room.now));
      EXPECT_EQ(room.screen.typist(), b);
    }
    EXPECT_EQ(room.wrong(b), "");
  }
}

TEST(SharedScreen, InputWhileTheMachineIsAwayIsDropped) {
  ScreenRoom room(typing("us"));
  const ViewerId a = room.enter();
  room.settle();
  room.at(a).send(down(0x61));
  room.settle();
  room.keys();
  room.unplug();
  room.unreachable = Error{Errc::Timeout, "pc1 does not answer"};
  room.at(a).send(down(0x62));
  room.at(a).send(rfb::PointerEvent{1, 1, 1});
  room.run(seconds(2));
  room.unreachable.reset();
  room.run(seconds(9));
  room.at(a).send(up(0x62));
  room.at(a).send(down(0x63));
  room.settle();
  EXPECT_EQ(room.keys(), "c down");
}

TEST(SharedScreen, TypingAheadOfAMachineThatDoesNotListen) {
  ScreenRoom room(typing("us"), ScreenRoom::kSize, milliseconds(50));
  const ViewerId a = room.enter(), b = room.enter();
  room.settle();
  room.amt_reads = false;
  std::string want, got;
  for (unsigned i = 0; i < 20'000; ++i) {
    want += static_cast<char>('A' + i % 26);
    room.at(a).send(down(0x41 + i % 26));  // Shift around each
    room.at(a).send(up(0x41 + i % 26));
    room.at(a).send(rfb::PointerEvent{static_cast<std::uint8_t>(i % 2), static_cast<std::uint16_t>(i % 320), 5});
    if (i % 100 == 0) room.settle();
  }
  EXPECT_FALSE(room.screen.takes(a)) << "nothing more is read from who types";
  EXPECT_TRUE(room.screen.takes(b));
  EXPECT_LT(room.screen.device_output().size(), 2 * rfb::ClientRole::kMaxInput);
  room.run(SharedScreen::kStall - seconds(1));
  EXPECT_EQ(room.opened, 1U);
  room.amt_reads = true;
  room.run(seconds(1));
  EXPECT_EQ(room.screen.keys_dropped(), 0U);
  for (const auto& key : room.typed) {
    if (key.down && key.key.value < 0x80) got += static_cast<char>(key.key.value);
  }
  EXPECT_TRUE(got == want) << got.size() << " of " << want.size();
  EXPECT_EQ(room.opened, 1U) << "the session goes on";
  EXPECT_EQ(room.wrong(b), "");
  // Nothing stays down.
  std::map<std::uint32_t, bool> is_down;
  for (const auto& key : room.typed) is_down[key.key.value] = key.down;
  for (const auto& [key, held] : is_down) EXPECT_FALSE(held) << key;
  ASSERT_FALSE(room.pointed.empty());
  EXPECT_EQ(room.pointed.back().buttons, 1);
  EXPECT_EQ(room.pointed.back().x, 19'999 % 320);
}

/// More than is kept for a machine that does not read.
void type_at_a_deaf_machine(ScreenRoom& room, ViewerId typist) {
  room.settle();
  room.amt_reads = false;
  for (unsigned i = 0; i < 5'000; ++i) {
    room.at(typist).send(down(0x61));
    room.at(typist).send(up(0x61));
  }
  room.settle();
}

TEST(SharedScreen, AMachineThatNeverTakesInputIsOpenedAnew) {
  ScreenRoom room(typing("us"));
  const ViewerId a = room.enter();
  type_at_a_deaf_machine(room, a);
  ASSERT_FALSE(room.screen.takes(a));
  const ViewerId b = room.enter();
  room.settle();
  EXPECT_EQ(room.wrong(b), "") << "who watches is not held up";
  room.run(SharedScreen::kStall);
  ASSERT_EQ(room.told<SharedScreen::DeviceLost>().size(), 1U);
  EXPECT_EQ(room.told<SharedScreen::DeviceLost>()[0].error.code, Errc::Timeout);
  EXPECT_TRUE(room.screen.takes(a));
  room.amt_reads = true;
  room.run(seconds(2));
  EXPECT_EQ(room.opened, 2U);
  EXPECT_EQ(room.wrong(a), "");
}

TEST(SharedScreen, WhoWaitsToTypeCanBeEnded) {
  ScreenRoom room(typing("us"));
  const ViewerId a = room.enter();
  type_at_a_deaf_machine(room, a);
  ASSERT_FALSE(room.screen.takes(a));
  room.screen.end_viewer(a, {Errc::Closed, "the gateway is stopping"}, room.now);
  room.settle();
  EXPECT_TRUE(room.at(a).ended);
}

TEST(SharedScreen, WhatTheLastViewerTypedStillGoesOut) {
  ScreenRoom room(typing("us"));
  const ViewerId a = room.enter();
  room.settle();
  room.amt_reads = false;
  for (unsigned i = 0; i < 1'000; ++i) {
    room.at(a).send(down(0x61));
    room.at(a).send(up(0x61));
  }
  room.settle();
  room.leave(a);
  while (!room.screen.device_output().empty()) {  // slowly, but all of it
    room.now += milliseconds(900);
    const auto due = room.screen.deadline();
    ASSERT_TRUE(due && *due > room.now) << room.screen.device_output().size();
    room.screen.device_sent(std::min<std::size_t>(1000, room.screen.device_output().size()), room.now);
  }
  room.settle();
  EXPECT_FALSE(room.amt) << "then the session is given up";
}

// --- consent ----------------------------------------------------------------------------------------------

TEST(SharedScreen, WaitsForTheConsentOfTheUser) {
  ScreenRoom room;
  room.unreachable = Error{Errc::Refused, "pc1: the user at the machine must consent first"};
  room.start_status = 5;
  const ViewerId a = room.enter();
  room.settle();
  ASSERT_FALSE(room.at(a).refused);
  ASSERT_TRUE(room.at(a).viewer) << "it is let in";
  EXPECT_EQ(room.at(a).viewer->size(), SharedScreen::kNoPicture);
  rfb::Screen black;
  ASSERT_TRUE(black.resize(SharedScreen::kNoPicture));
  EXPECT_NE(room.wrong(a, black), "") << "a caption";
  EXPECT_EQ(room.wrong(a, room.screen.screen()), "");
  const ViewerId late = room.enter();
  room.run(seconds(16));
  EXPECT_TRUE(room.at(late).viewer);
  EXPECT_EQ(room.told<SharedScreen::NeedDevice>().size(), 1U + 4) << "after 1, 2, 4 and 8 seconds";
  room.unreachable.reset();
  room.run(seconds(8));
  EXPECT_EQ(room.told<SharedScreen::DeviceBack>().size(), 1U);
  EXPECT_EQ(room.wrong(a), "") << "the machine's screen, in its size";
  EXPECT_EQ(room.wrong(late), "");
  room.leave(a);
  room.leave(late);
  room.run(seconds(60));
  EXPECT_EQ(room.opened, 1U);
}

TEST(SharedScreen, ConsentIsNotWaitedForByWhoCannotReconnect) {
  ScreenOptions options;
  options.reconnect = false;
  ScreenRoom room(options);
  room.unreachable = Error{Errc::Refused, "pc1: the user at the machine must consent first"};
  room.start_status = 5;
  const ViewerId a = room.enter();
  room.settle();
  ASSERT_TRUE(room.at(a).refused);
  EXPECT_NE(room.at(a).refused->detail.find("consent"), std::string::npos);
}

TEST(SharedScreen, ABlackPictureSaysWhatMayBeMissing) {
  ScreenRoom room;
  room.picture.set_cover(sim::KvmPicture::Cover::Black);
  const ViewerId a = room.enter();
  room.run(SharedScreen::kDark - milliseconds(10));
  EXPECT_EQ(room.wrong(a), "");
  room.run(milliseconds(20));
  EXPECT_NE(room.wrong(a), "") << "a caption";
  EXPECT_EQ(room.wrong(a, room.screen.screen()), "");
  const ViewerId script = room.enter({.password = {}, .script = true});
  room.run(milliseconds(10));
  EXPECT_EQ(room.wrong(a), "") << "a script sees what the machine shows";
  room.leave(script);
  room.run(milliseconds(10));
  EXPECT_NE(room.wrong(a), "");
  room.picture.set_cover(sim::KvmPicture::Cover::None);
  room.run(seconds(1));
  EXPECT_EQ(room.wrong(a), "") << "nothing is left of it";
  room.picture.set_cover(sim::KvmPicture::Cover::Black);
  room.run(seconds(60));
  EXPECT_EQ(room.wrong(a), "") << "what gets black later has another reason";
}

TEST(SharedScreen, ABlackSessionThatAmtEndsIsNoRestart) {
  ScreenRoom room;
  room.picture.set_cover(sim::KvmPicture::Cover::Black);
  const ViewerId a = room.enter();
  room.run(seconds(20));
  room.unplug();
  room.run(milliseconds(10));
  ASSERT_EQ(room.told<SharedScreen::DeviceLost>().size(), 1U);
  EXPECT_NE(room.told<SharedScreen::DeviceLost>()[0].error.detail.find("consent"), std::string::npos);
  EXPECT_FALSE(room.at(a).ended);
  room.run(seconds(2));
  EXPECT_EQ(room.opened, 2U);
}

TEST(SharedScreen, SurvivesAmtsIdleLimit) {
  for (const bool keep : {true, false}) {
    ScreenOptions options;
    if (!keep) options.keep_awake = Duration{};
    ScreenRoom room(options);
    room.amt_options.idle = seconds(180);
    room.enter();
    room.run(seconds(900));
    EXPECT_EQ(room.told<SharedScreen::DeviceLost>().empty(), keep);
    for (const auto& key : room.typed) EXPECT_FALSE(key.down);
  }
}

// --- slow viewers -----------------------------------------------------------------------------------------

TEST(SharedScreen, AViewerThatDoesNotReadHoldsNobodyUp) {
  ScreenRoom room({}, {640, 480}, milliseconds(40));
  const ViewerId a = room.enter(), b = room.enter();
  room.settle();
  room.at(a).reads = false;
  const std::size_t updates = room.at(b).updates;
  for (int i = 0; i < 20; ++i) {
    room.at(a).ask(false);
    room.run(seconds(1));
    EXPECT_LT(room.screen.viewer_output(a).size(), 640 * 480 * 4 + 100'000U);
  }
  EXPECT_GT(room.at(b).updates, updates + 100);
  EXPECT_EQ(room.wrong(b), "");
  room.at(a).reads = true;
  room.run(milliseconds(100));
  EXPECT_EQ(room.wrong(a), "");
}

/// A slow viewer catches up while an update of AMT is under way, and what is left of that changes nothing.
TEST(SharedScreen, AnUpdateThatEndsWithoutAChange) {
  ScreenRoom room({}, {640, 480});
  const ViewerId a = room.enter();
  room.settle();
  Person& p = room.at(a);
  Buffer update;
  encode(update, rfb::UpdateBegin{2});
  const Buffer pixels(64 * 64 * 2, 0x11);
  encode(update, rfb::Rectangle{{0, 0, 64, 64}, rfb::kRaw, pixels});
  encode(update, rfb::Rectangle{{0, 0, 64, 64}, rfb::kRaw, pixels});
  const Bytes all(update);
  room.now += seconds(1);
  // A viewer behind by an update (its output is above the low mark) when the first rectangle is shown.
  p.reads = false;
  p.ask(false);
  Buffer out;
  out.swap(p.out);
  room.screen.receive_viewer(a, out, room.now);
  ASSERT_GT(room.screen.viewer_output(a).size(), rfb::ServerRole::kLowMark);
  p.ask(true);
  out.clear();
  out.swap(p.out);
  room.screen.receive_viewer(a, out, room.now);
  room.screen.receive_device(all.first(4 + 12 + pixels.size()), room.now);
  // It catches up before the update is complete ...
  for (int i = 0; i < 50 && !room.screen.viewer_output(a).empty(); ++i) {
    const Bytes part = room.screen.viewer_output(a);
    const Buffer copy(part.begin(), part.end());
    room.screen.viewer_sent(a, copy.size(), room.now);
    ASSERT_TRUE(p.viewer->feed(copy));
  }
  // ... which ends without anything new.
  room.screen.receive_device(all.subspan(4 + 12 + pixels.size()), room.now);
  p.reads = true;
  p.updates = p.viewer->updates();
  room.settle();
  EXPECT_EQ(room.wrong(a, room.screen.screen()), "");
}

}  // namespace
}  // namespace amtgate::session
