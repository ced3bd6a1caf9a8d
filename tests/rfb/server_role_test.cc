#include "amtgate/rfb/server_role.h"

#include <gtest/gtest.h>

#include <random>

#include "amtgate/rfb/server_init.h"
#include "amtgate/rfb/server_messages.h"
#include "tests/rfb/pictures.h"
#include "tests/rfb/shown.h"
#include "tests/rfb/viewer_formats.h"
#include "tests/support/feed.h"
#include "tests/support/pump.h"

namespace amtgate::rfb {
namespace {

const TimePoint kNow{seconds(1)};
constexpr PixelFormat kMapped{8, 8, false, false, 0, 0, 0, 0, 0, 0};

Rect whole(Size s) {
  return {0, 0, s.width, s.height};
}

/// A screen, a role that shows it, and a viewer.
struct Joined {
  explicit Joined(Size size, const PixelFormat& device = kRgb565)
      : screen(test::picture(test::Picture::Desktop, size, device, 1)), role(size, "pc1"), viewer(size, kRgb888) {
    const Buffer out = take();
    Bytes rest(out);
    const auto said = take_server_init(rest);
    EXPECT_TRUE(said && *said && rest.empty());
    if (said && *said) init = **said;
  }

  Buffer take() {
    Buffer out(role.output().begin(), role.output().end());
    role.sent(out.size());
    return out;
  }
  template <class M>
  Result<void> send(const M& m) {
    Buffer out;
    encode(out, m);
    return role.receive(out, kNow);
  }
  void set_format(const PixelFormat& f) {
    EXPECT_TRUE(send(SetPixelFormat{f}));
    format = f;
    viewer.set_format(f);
  }
  void set_encodings(std::vector<std::int32_t> list) { EXPECT_TRUE(send(SetEncodings{std::move(list)})); }
  void ask(bool incremental = true) { EXPECT_TRUE(send(UpdateRequest{incremental, whole(viewer.size())})); }
  /// What comes of the screen as it is, in bytes that the viewer has taken.
  std::size_t show() {
    role.show(screen.view());
    const Buffer out = take();
    EXPECT_TRUE(viewer.feed(out)) << viewer.error();
    EXPECT_TRUE(viewer.idle());
    return out.size();
  }
  /// Asks until nothing more comes. No request waits behind that.
  void settle() {
    for (int i = 0; i < 1000; ++i) {
      ask();
      if (show() != 0) continue;
      role.changed({0, 0, 1, 1});
      EXPECT_GT(show(), 0U);
      return;
    }
    ADD_FAILURE() << "updates without end";
  }
  void draw(test::Picture what, const Rect& area, unsigned seed) {
    const Screen other = test::picture(what, screen.size(), screen.format(), seed);
    for (unsigned y = area.y; y < area.y + 0U + area.height; ++y) {
      const Bytes row(other.view().at(area.x, y), area.width * screen.view().bytes_per_pixel());
      EXPECT_TRUE(screen.put({area.x, static_cast<std::uint16_t>(y), area.width, 1}, row));
    }
    role.changed(area);
  }
  void resize(Size size) {
    EXPECT_TRUE(screen.resize(size));
    role.resized(size);
  }
  std::string wrong() const { return test::difference(viewer, format, screen.view()); }
  /// As wrong(), for a viewer that keeps its size.
  std::string wrong_in_box() const {
    Screen picture;
    EXPECT_TRUE(picture.set_format(screen.format()));
    EXPECT_TRUE(picture.resize(viewer.size()));
    Letterbox(screen.size(), viewer.size()).draw(screen.view(), whole(screen.size()), picture);
    return test::difference(viewer, format, picture.view());
  }

  Screen screen;
  ServerRole role;
  test::RfbViewer viewer;
  ServerInit init;
  PixelFormat format = kRgb888;
};

std::vector<ServerRole::Event> events(ServerRole& role) {
  return test::events(role);
}

TEST(ServerRole, BeginsWithServerInit) {
  const Size size{800, 600};
  ServerRole role(size, "pc1");
  EXPECT_EQ(to_hex(role.output()),
            to_hex(test::hex("0320 0258  20 18 00 01 00ff 00ff 00ff 10 08 00 000000  00000003 706331")));
}

TEST(ServerRole, ShowsNothingUnasked) {
  Joined j({100, 80});
  EXPECT_EQ(j.show(), 0U);
  j.ask();
  EXPECT_GT(j.show(), 0U);
  EXPECT_EQ(j.wrong(), "");
  j.draw(test::Picture::Text, {0, 0, 100, 80}, 2);
  EXPECT_EQ(j.show(), 0U) << "the request was answered";
  j.ask();
  EXPECT_GT(j.show(), 0U);
  EXPECT_EQ(j.wrong(), "");
  j.ask();
  EXPECT_EQ(j.show(), 0U) << "nothing has changed";
  j.draw(test::Picture::Photo, {3, 3, 4, 4}, 3);
  EXPECT_GT(j.show(), 0U) << "the request waited";
  EXPECT_EQ(j.wrong(), "");
  EXPECT_EQ(j.role.updates(), 3U);
  EXPECT_EQ(j.viewer.updates(), 3U);
}

TEST(ServerRole, NonIncrementalBringsTheAreaAgain) {
  Joined j({100, 80});
  j.settle();
  j.viewer.rectangles().clear();
  EXPECT_TRUE(j.send(UpdateRequest{false, {20, 20, 10, 10}}));
  EXPECT_GT(j.show(), 0U);
  ASSERT_EQ(j.viewer.rectangles().size(), 1U);
  EXPECT_EQ(j.viewer.rectangles()[0].area, (Rect{16, 16, 16, 16}));
}

TEST(ServerRole, GathersWhatChangesMeanwhile) {
  Joined j({160, 160});
  j.settle();
  j.viewer.rectangles().clear();
  for (unsigned i = 0; i < 500; ++i) j.draw(test::Picture::Noise, {16, 16, 20, 20}, i);
  j.ask();
  EXPECT_LT(j.show(), 2 * 32 * 32 * 4U) << "one picture of it";
  ASSERT_EQ(j.viewer.rectangles().size(), 1U);
  EXPECT_EQ(j.viewer.rectangles()[0].area, (Rect{16, 16, 32, 32}));
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, PartsOfTheScreenAreAskedFor) {
  Joined j({160, 160});
  j.settle();
  j.draw(test::Picture::Noise, {0, 0, 160, 160}, 5);
  EXPECT_TRUE(j.send(UpdateRequest{true, {0, 0, 160, 80}}));
  EXPECT_GT(j.show(), 0U);
  EXPECT_NE(j.wrong(), "");
  EXPECT_TRUE(j.send(UpdateRequest{true, {0, 0, 160, 80}}));
  EXPECT_EQ(j.show(), 0U) << "what has changed was not asked for";
  EXPECT_TRUE(j.send(UpdateRequest{true, {0, 100, 1, 1}}));
  EXPECT_GT(j.show(), 0U) << "two requests are one for all between";
  EXPECT_NE(j.wrong(), "");
  EXPECT_TRUE(j.send(UpdateRequest{true, {0, 80, 160, 80}}));
  EXPECT_GT(j.show(), 0U);
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, ManyRequestsAreOne) {
  Joined j({100, 80});
  for (int i = 0; i < 300; ++i) j.ask(i != 0);
  EXPECT_GT(j.show(), 0U);
  EXPECT_EQ(j.show(), 0U);
  EXPECT_EQ(j.viewer.updates(), 1U);
}

TEST(ServerRole, EmptyRequestsAskForNothing) {
  Joined j({100, 80});
  EXPECT_TRUE(j.send(UpdateRequest{false, {50, 50, 0, 0}}));
  EXPECT_TRUE(j.send(UpdateRequest{false, {100, 0, 5, 5}}));
  EXPECT_EQ(j.show(), 0U);
  EXPECT_TRUE(j.send(UpdateRequest{true, {96, 64, 4, 16}}));
  EXPECT_GT(j.show(), 0U);
  ASSERT_EQ(j.viewer.rectangles().size(), 1U);
  EXPECT_EQ(j.viewer.rectangles()[0].area, (Rect{96, 64, 4, 16})) << "nothing of the empty ones sticks to it";
}

TEST(ServerRole, LargeScreensComeInParts) {
  Joined j({2048, 1024});
  j.ask();
  EXPECT_LE(j.show(), ServerRole::kMaxPixels * 4 + 2048 * 16 * 4 + 100);
  EXPECT_NE(j.wrong(), "");
  j.settle();
  EXPECT_EQ(j.wrong(), "");
  EXPECT_EQ(j.viewer.updates(), 9U) << "eight, and the one behind settle()";
}

TEST(ServerRole, WhoAsksForAllGetsItInOneUpdate) {
  Joined j({2048, 1024});
  j.ask(false);
  EXPECT_GT(j.show(), 0U);
  EXPECT_EQ(j.wrong(), "");
  EXPECT_EQ(j.viewer.updates(), 1U);
  j.draw(test::Picture::Photo, {0, 0, 2048, 1024}, 2);
  j.ask();
  EXPECT_GT(j.show(), 0U);
  EXPECT_NE(j.wrong(), "") << "what has changed comes in parts again";
}

TEST(ServerRole, WaitsForAViewerThatDoesNotRead) {
  Joined j({512, 512});
  for (unsigned i = 0; i < 200; ++i) {
    j.ask();
    j.draw(test::Picture::Noise, {0, 0, 512, 512}, i % 2);
    j.role.show(j.screen.view());
    j.role.ring();
  }
  EXPECT_LE(j.role.output().size(), 512 * 512 * 4 + 1000U);
  const Buffer out = j.take();
  EXPECT_TRUE(j.viewer.feed(out));
  EXPECT_EQ(j.viewer.updates(), 1U);
  j.settle();
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, EveryFormatAndEncodingInMidSession) {
  std::mt19937 random(5);
  const auto any = [&](unsigned n) { return static_cast<std::uint16_t>(random() % n); };
  for (const PixelFormat& device : {kRgb565, kRgb332, kGrey8}) {
    Joined j({150, 90}, device);
    for (unsigned i = 0; i < 120; ++i) {
      if (any(3) == 0) {
        constexpr std::int32_t kList[] = {kRaw, kRre, kCoRre, kHextile, kZlib, kTrle, kZrle, kTight};
        j.set_encodings({kList[any(8)], kDesktopSize, kCompressLevel0 + any(10)});
      }
      if (any(3) == 0) {
        const unsigned n = any(std::size(test::kTrueColours) + 1);
        j.set_format(n == std::size(test::kTrueColours) ? kMapped : test::kTrueColours[n].format);
      }
      const Rect area = clip({any(150), any(90), any(150), any(90)}, {150, 90});
      if (!area.empty()) j.draw(test::kPictures[any(6)], area, i);
      if (any(2) == 0) continue;
      j.settle();
      ASSERT_EQ(j.wrong(), "") << i << " in " << to_string(device);
    }
  }
}

TEST(ServerRole, ANewFormatBringsAllAgain) {
  Joined j({100, 80});
  j.set_format(kRgb332);
  j.settle();
  j.set_format(kRgb888);
  j.settle();
  EXPECT_EQ(j.wrong(), "") << "TigerVNC does not ask for it";
  j.set_format(kRgb888);
  j.ask();
  EXPECT_EQ(j.show(), 0U) << "the same format is no news";
}

TEST(ServerRole, AFormatThatIsNoneEndsIt) {
  Joined j({100, 80});
  PixelFormat f = kRgb888;
  f.bits_per_pixel = 24;
  const Result<void> taken = j.send(SetPixelFormat{f});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::Unsupported);
}

TEST(ServerRole, TheColourMapComesFirst) {
  Joined j({100, 80});
  j.set_format(kMapped);
  EXPECT_EQ(j.show(), 0U) << "not before it is asked";
  j.ask();
  j.role.show(j.screen.view());
  const Buffer out = j.take();
  ASSERT_GT(out.size(), 4U);
  EXPECT_EQ(out[0], 1) << "SetColourMapEntries in front of the update";
  EXPECT_TRUE(j.viewer.feed(out));
  j.settle();
  EXPECT_EQ(j.wrong(), "");
  EXPECT_EQ(j.viewer.maps(), 1U);
  j.set_format(kRgb888);
  j.set_format(kMapped);
  j.settle();
  EXPECT_EQ(j.viewer.maps(), 2U) << "once for each SetPixelFormat";
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, SaysOnceThatItTakesQemuKeys) {
  Joined j({100, 80});
  j.settle();
  EXPECT_FALSE(j.viewer.qemu_keys());
  j.viewer.rectangles().clear();
  j.set_encodings({kRaw, kQemuExtendedKey});
  j.settle();
  EXPECT_TRUE(j.viewer.qemu_keys()) << "also when nothing has changed";
  j.set_encodings({kRaw, kQemuExtendedKey});
  j.draw(test::Picture::Text, {0, 0, 100, 80}, 3);
  j.settle();
  std::size_t said = 0;
  for (const auto& r : j.viewer.rectangles()) said += r.encoding == kQemuExtendedKey;
  EXPECT_EQ(said, 1U);

  Joined k({100, 80});
  k.set_encodings({kRaw, kQemuExtendedKey});
  k.ask();
  k.show();
  EXPECT_TRUE(k.viewer.qemu_keys()) << "with the first update";
}

TEST(ServerRole, DesktopSizeThenAllOfIt) {
  for (const std::int32_t encoding : {kDesktopSize, kExtendedDesktopSize}) {
    Joined j({100, 80});
    j.set_encodings({kRaw, encoding});
    j.settle();
    j.resize({130, 70});
    EXPECT_EQ(j.show(), 0U) << "not unasked";
    j.ask();
    j.role.show(j.screen.view());
    const Buffer out = j.take();
    const std::string head = "00 00 0001  0000 0000 0082 0046 ";
    EXPECT_EQ(to_hex(out),
              to_hex(test::hex(encoding == kDesktopSize ? head + "ffffff21"
                                                        : head + "fffffecc 01 000000"
                                                                 "00000000 0000 0000 0082 0046 00000000")));
    EXPECT_TRUE(j.viewer.feed(out));
    EXPECT_EQ(j.viewer.size(), (Size{130, 70}));
    j.settle();  // incremental requests only
    EXPECT_EQ(j.wrong(), "");
  }
}

TEST(ServerRole, DesktopSizeWhereBothAreKnown) {
  Joined j({100, 80});
  j.set_encodings({kRaw, kExtendedDesktopSize, kDesktopSize});
  j.resize({130, 70});
  j.settle();
  for (const auto& r : j.viewer.rectangles()) EXPECT_NE(r.encoding, kExtendedDesktopSize);
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, RequestsForTheOldSize) {
  Joined j({200, 160});
  j.set_encodings({kRaw, kDesktopSize});
  j.settle();
  j.resize({100, 80});
  EXPECT_TRUE(j.send(UpdateRequest{true, {0, 0, 200, 160}}));
  j.show();
  EXPECT_TRUE(j.send(UpdateRequest{false, {0, 0, 200, 160}})) << "on its way when the size was said";
  j.show();
  EXPECT_EQ(j.wrong(), "");
  EXPECT_TRUE(j.send(UpdateRequest{false, {150, 100, 50, 60}}));
  j.show();
  j.resize({220, 170});
  EXPECT_TRUE(j.send(UpdateRequest{false, {0, 0, 100, 80}}));
  j.show();
  EXPECT_TRUE(j.send(UpdateRequest{false, {0, 0, 100, 80}}));
  j.show();
  j.settle();
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, SizesThatComeAndGoBeforeTheViewerAsks) {
  Joined j({100, 80});
  j.set_encodings({kRaw, kDesktopSize});
  j.settle();
  j.resize({60, 40});
  j.draw(test::Picture::Text, {0, 0, 60, 40}, 8);
  j.resize({100, 80});  // what was outside of 60x40 is black now
  j.settle();
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, ALetterboxForWhoCannotFollow) {
  Joined j({100, 80});
  j.settle();
  for (const Size size : {Size{60, 40}, Size{300, 100}, Size{100, 80}, Size{33, 200}, Size{1, 1}, Size{100, 80}}) {
    j.resize(size);
    j.role.changed(whole(size));
    j.settle();
    EXPECT_EQ(j.viewer.size(), (Size{100, 80}));
    EXPECT_EQ(j.wrong_in_box(), "") << size.width << "x" << size.height;
    for (unsigned i = 0; i < 5; ++i) {
      const auto half = static_cast<std::uint16_t>(size.width / 2);
      j.draw(test::Picture::Noise, {half, 0, static_cast<std::uint16_t>(size.width - half), size.height}, i);
      j.settle();
      EXPECT_EQ(j.wrong_in_box(), "") << size.width << "x" << size.height << ", " << i;
    }
  }
}

TEST(ServerRole, ALetterboxInAnotherFormat) {
  Joined j({100, 80});
  j.settle();
  j.resize({300, 200});
  j.settle();
  ASSERT_TRUE(j.screen.set_format(kRgb332));
  j.role.changed(whole(j.screen.size()));
  j.settle();
  EXPECT_EQ(j.wrong_in_box(), "");
  ASSERT_TRUE(j.screen.set_format(kRgb565));
  j.draw(test::Picture::Photo, whole(j.screen.size()), 4);
  j.settle();
  EXPECT_EQ(j.wrong_in_box(), "");
}

TEST(ServerRole, AViewerMayLearnToFollow) {
  Joined j({100, 80});
  j.settle();
  j.resize({60, 40});
  j.settle();
  j.set_encodings({kRaw, kDesktopSize});
  j.settle();
  EXPECT_EQ(j.viewer.size(), (Size{60, 40}));
  EXPECT_EQ(j.wrong(), "");
  j.set_encodings({kRaw});
  j.resize({100, 80});
  j.settle();
  EXPECT_EQ(j.viewer.size(), (Size{60, 40}));
  EXPECT_EQ(j.wrong_in_box(), "");
}

TEST(ServerRole, PointersArePlacesOfTheScreen) {
  Joined j({100, 80});
  EXPECT_TRUE(j.send(PointerEvent{1, 30, 40}));
  j.resize({200, 160});
  EXPECT_TRUE(j.send(PointerEvent{0, 50, 40}));
  const auto all = events(j.role);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(std::get<PointerEvent>(all[0]).x, 30);
  EXPECT_EQ(std::get<PointerEvent>(all[1]).x, 100);
  EXPECT_EQ(std::get<PointerEvent>(all[1]).y, 80);
}

TEST(ServerRole, GathersMovesNotClicks) {
  Joined j({100, 80});
  for (unsigned i = 0; i < 50; ++i) {
    EXPECT_TRUE(j.send(PointerEvent{0, static_cast<std::uint16_t>(i), 0}));
  }
  EXPECT_TRUE(j.send(PointerEvent{1, 49, 0}));
  EXPECT_TRUE(j.send(PointerEvent{0, 49, 0}));
  EXPECT_TRUE(j.send(KeyEvent{true, {0x61}}));
  EXPECT_TRUE(j.send(PointerEvent{0, 7, 0}));
  const auto all = events(j.role);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(std::get<PointerEvent>(all[0]).x, 49);
  EXPECT_EQ(std::get<PointerEvent>(all[1]).buttons, 1);
  EXPECT_EQ(std::get<PointerEvent>(all[4]).x, 7);
}

TEST(ServerRole, WhatAPersonDoesAtAnySplit) {
  // Keys and pointer between all the messages that are nobody's here, and are dropped by their lengths.
  const Buffer in = test::hex(
      "04 01 0000 00000061"                                      // key a
      "06 000000 00000005 68656c6c6f"                            // cut text
      "06 000000 fffffff8 00000001 00000000"                     // extended clipboard, 8 bytes
      "06 000000 0000000d 004b766d457874436d640004 01"           // AMT's command as a cut text
      "96 01 0000 0000 0320 0258"                                // EnableContinuousUpdates
      "f8 000000 80000001 03 616263"                             // ClientFence
      "fa 00 01 02"                                              // xvp: shutdown
      "fb 00 0400 0300 01 00 0000000000000000040003000000 0000"  // SetDesktopSize with one screen
      "ff 01 0002 00 02 0000ac44"                                // QEMU audio: format
      "ff 01 0001"                                               // and on
      "ff 00 0001 00000061 0000001e"                             // QEMU key
      "05 81 0010 0020"                                          // buttons 1 and 8
      "04 00 0000 00000061");
  test::feed_all_ways(in, [](const std::vector<Bytes>& chunks) {
    ServerRole role({100, 80}, "pc1");
    role.sent(role.output().size());
    std::string log;
    for (const Bytes& chunk : chunks) {
      EXPECT_TRUE(role.receive(chunk, kNow));
      for (const auto& e : events(role)) {
        if (const auto* key = std::get_if<KeyEvent>(&e)) {
          log += (key->down ? "down " : "up ") + std::to_string(key->key.value) + ";";
        } else if (const auto* place = std::get_if<QemuKeyEvent>(&e)) {
          log += "place " + std::to_string(place->scan_code) + ";";
        } else {
          log += "buttons " + std::to_string(std::get<PointerEvent>(e).buttons) + ";";
        }
      }
    }
    EXPECT_EQ(log, "down 97;place 30;buttons 129;up 97;");
    EXPECT_EQ(role.ignored(), 5U + 8 + 13 + 10 + 12 + 4 + 24 + 10 + 4);
    EXPECT_TRUE(role.output().empty());
    return log + std::to_string(role.ignored());
  });
}

TEST(ServerRole, AnEndlessCutTextCostsNothing) {
  Joined j({100, 80});
  EXPECT_TRUE(j.role.receive(test::hex("06 000000 7fffffff"), kNow));
  const Buffer part(1 << 16, 0x41);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(j.role.receive(part, kNow));
  EXPECT_TRUE(events(j.role).empty());
  EXPECT_EQ(j.role.ignored(), 0x7fffffffU);
}

TEST(ServerRole, UnknownMessagesEndIt) {
  for (const char* in : {"01", "07", "95", "ff 02", "ff 01 0003"}) {
    Joined j({100, 80});
    const Result<void> taken = j.role.receive(test::hex(in), kNow);
    ASSERT_FALSE(taken) << in;
    EXPECT_EQ(taken.error().code, Errc::Unsupported);
    EXPECT_FALSE(j.role.receive(test::hex("04 01 0000 00000061"), kNow)) << "takes no more";
  }
  Joined j({100, 80});
  EXPECT_EQ(j.role.receive(test::hex("02 00 ffff"), kNow).error().code, Errc::TooLarge);
}

TEST(ServerRole, EventsHaveABound) {
  Joined j({100, 80});
  for (unsigned i = 0; i < 10'000; ++i) EXPECT_TRUE(j.send(KeyEvent{true, {i}}));
  EXPECT_EQ(events(j.role).size(), ServerRole::kMaxEvents);
}

TEST(ServerRole, BellsRing) {
  Joined j({100, 80});
  j.role.ring();
  EXPECT_EQ(to_hex(j.take()), "02");
}

TEST(ServerRole, IsNotShownAScreenOfAnotherSize) {
  Joined j({100, 80});
  const Screen other = test::picture(test::Picture::Text, {50, 40}, kRgb565, 2);
  j.ask();
  j.role.show(other.view());
  EXPECT_TRUE(j.role.output().empty());
}

}  // namespace
}  // namespace amtgate::rfb
