#include "amtgate/rfb/server_role.h"

#include <gtest/gtest.h>

#include <algorithm>
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
    role.show(screen.view(), now);
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
      EXPECT_TRUE(send(UpdateRequest{false, {0, 0, 1, 1}}));
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
  /// `area` shows what was `dy` rows below (above) in it, and something new where nothing was.
  Screen scrolled(const Rect& area, int dy, test::Picture what, unsigned seed) const {
    const Screen other = test::picture(what, screen.size(), screen.format(), seed);
    Screen after = screen;
    for (int y = area.y; y < area.y + area.height; ++y) {
      const bool moved = y + dy >= area.y && y + dy < area.y + area.height;
      const std::uint8_t* from = moved ? screen.view().at(area.x, static_cast<unsigned>(y + dy))
                                       : other.view().at(area.x, static_cast<unsigned>(y));
      const Bytes row(from, area.width * screen.view().bytes_per_pixel());
      EXPECT_TRUE(after.put({area.x, static_cast<std::uint16_t>(y), area.width, 1}, row));
    }
    return after;
  }
  void scroll(const Rect& area, int dy, test::Picture what, unsigned seed) {
    screen = scrolled(area, dy, what, seed);
    role.changed(area);
  }
  /// Times that the viewer was told to copy, since the last call.
  std::size_t copies() {
    const auto& all = viewer.rectangles();
    const auto n = std::count_if(all.begin(), all.end(), [](const auto& r) { return r.encoding == kCopyRect; });
    viewer.rectangles().clear();
    return static_cast<std::size_t>(n);
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

  TimePoint now = kNow;
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
    j.role.show(j.screen.view(), j.now);
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

TEST(ServerRole, AConsoleThatScrollsIsMoved) {
  for (const int line : {8, 14, 16, 48, -16}) {
    Joined j({800, 600});
    j.set_encodings({kRaw, kCopyRect});
    j.draw(test::Picture::Text, whole(j.screen.size()), 1);
    j.settle();
    EXPECT_EQ(j.copies(), 0U) << "nothing is known of what the viewer has";
    for (unsigned i = 0; i < 4; ++i) {
      j.scroll(whole(j.screen.size()), line, test::Picture::Text, 2 + i);
      j.ask();
      EXPECT_LT(j.show(), 800U * (static_cast<unsigned>(std::abs(line)) + 31) * 4 + 100) << line;
      EXPECT_EQ(j.copies(), 1U) << line;
      EXPECT_EQ(j.wrong(), "") << line;
    }
  }
}

TEST(ServerRole, AWindowThatScrollsIsMoved) {
  Joined j({640, 480});
  j.set_encodings({kZrle, kCopyRect});
  const Rect window{100, 60, 400, 300};
  j.draw(test::Picture::Text, window, 3);
  j.settle();
  j.copies();
  j.scroll(window, 57, test::Picture::Text, 4);
  j.draw(test::Picture::Photo, {600, 460, 30, 15}, 5);  // a clock
  j.ask();
  j.show();
  const Rect copied = j.viewer.rectangles().front().area;
  EXPECT_EQ(j.copies(), 1U);
  EXPECT_TRUE(window.intersects(copied) && copied.x >= 96 && copied.x + copied.width <= 512) << copied.x;
  EXPECT_EQ(j.wrong(), "");
}

/// As AMT sends it: a tile after the other, shown in between.
TEST(ServerRole, AScrollThatComesInTilesIsMovedToo) {
  for (const int line : {16, -16}) {
    std::size_t bytes[2] = {0, 0};
    for (const bool copy : {false, true}) {
      Joined j({1280, 720});
      j.set_encodings({kZrle, copy ? kCopyRect : kRaw});
      j.draw(test::Picture::Text, whole(j.screen.size()), 1);
      j.settle();
      for (unsigned i = 0; i < 3; ++i) {
        const Screen after = j.scrolled(whole(j.screen.size()), line, test::Picture::Text, 2 + i);
        for (unsigned tile = 0; tile < 20 * 12; ++tile) {
          const Rect area =
              clip({static_cast<std::uint16_t>(tile % 20 * 64), static_cast<std::uint16_t>(tile / 20 * 64), 64, 64},
                   j.screen.size());
          for (unsigned y = area.y; y < area.y + 0U + area.height; ++y) {
            EXPECT_TRUE(j.screen.put({area.x, static_cast<std::uint16_t>(y), area.width, 1},
                                     Bytes(after.view().at(area.x, y), area.width * 2U)));
          }
          j.role.changed(area);
          if (tile % 14 != 13) continue;
          j.ask();
          bytes[copy] += j.show();
        }
        j.ask();
        bytes[copy] += j.show();
        ASSERT_EQ(j.wrong(), "") << line;
      }
    }
    // Downwards, what is copied from has been overwritten in part.
    EXPECT_LT(bytes[1], bytes[0] / (line > 0 ? 10 : 2)) << line;
  }
}

TEST(ServerRole, NothingIsMovedThatTheViewerMayHaveLost) {
  Joined j({400, 300});
  j.set_encodings({kRaw, kCopyRect});
  j.draw(test::Picture::Text, whole(j.screen.size()), 1);
  j.settle();
  j.set_format(kRgb332);
  j.scroll(whole(j.screen.size()), 16, test::Picture::Text, 2);
  j.settle();
  EXPECT_EQ(j.copies(), 0U) << "its pixels are of the old format";
  EXPECT_EQ(j.wrong(), "");
  j.ask(false);
  j.scroll(whole(j.screen.size()), 16, test::Picture::Text, 3);
  j.show();
  EXPECT_EQ(j.copies(), 0U) << "it wants all of it";
  j.set_encodings({kRaw});
  j.settle();
  j.scroll(whole(j.screen.size()), 16, test::Picture::Text, 4);
  j.settle();
  EXPECT_EQ(j.copies(), 0U) << "it does not know how";
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, WhatChangesBackIsNotSent) {
  Joined j({400, 300});
  j.set_encodings({kRaw, kCopyRect});
  j.settle();
  const Screen before = j.screen;
  j.draw(test::Picture::Noise, {100, 100, 50, 50}, 1);
  j.screen = before;
  j.role.changed({100, 100, 50, 50});
  j.ask();
  EXPECT_EQ(j.show(), 0U);
}

/// Whatever scrolls where, by how much, into what, between all else that happens.
TEST(ServerRole, ScrollsInEveryFormatEncodingAndSize) {
  std::mt19937 random(11);
  const auto any = [&](unsigned n) { return static_cast<std::uint16_t>(random() % n); };
  std::size_t copies = 0;
  for (const PixelFormat& device : {kRgb565, kRgb332}) {
    Joined j({260, 190}, device);
    j.set_encodings({kRaw, kCopyRect});
    for (unsigned i = 0; i < 400; ++i) {
      const Size size = j.screen.size();
      const Rect area = clip(
          {any(120), any(100), static_cast<std::uint16_t>(100 + any(200)), static_cast<std::uint16_t>(80 + any(150))},
          size);
      switch (any(12)) {
        case 0: {
          constexpr std::int32_t kList[] = {kRaw, kRre, kCoRre, kHextile, kZlib, kTrle, kZrle, kTight};
          std::vector<std::int32_t> list{kList[any(8)]};
          if (any(4)) list.push_back(kCopyRect);
          if (any(2)) list.push_back(kDesktopSize);
          j.set_encodings(list);
          break;
        }
        case 1:
          if (any(4) == 0) j.set_format(test::kTrueColours[any(std::size(test::kTrueColours))].format);
          break;
        case 2:
          if (any(3) == 0) j.resize(any(2) ? Size{260, 190} : Size{230, 200});
          j.role.changed(whole(j.screen.size()));
          break;
        case 3: j.ask(false); break;
        case 4: j.draw(test::kPictures[any(6)], area, i); break;
        case 5: EXPECT_TRUE(j.send(UpdateRequest{any(2) == 0, area})); break;
        default:
          if (area.height < 20) break;
          j.scroll(area, any(2) ? 1 + any(40) : -1 - any(40), test::kPictures[any(6)], i);
      }
      if (any(2)) j.show();
      copies += j.copies();
      if (any(4)) continue;
      j.settle();
      copies += j.copies();
      ASSERT_EQ(j.viewer.size() == j.screen.size() ? j.wrong() : j.wrong_in_box(), "") << i;
    }
  }
  EXPECT_GT(copies, 15U);
}

/// A viewer that takes JPEG.
struct Lossy : Joined {
  explicit Lossy(Size size, std::int32_t quality = kQualityLevel0 + 5) : Joined(size) {
    set_encodings({kTight, kCopyRect, quality});
  }
  void pass(Duration d) {
    now += d;
    if (!role.deadline() || now < *role.deadline()) return;
    EXPECT_TRUE(role.tick(now));
  }
};

TEST(ServerRole, WhatStaysAsItIsLosesNothing) {
  Lossy j({300, 260});
  j.draw(test::Picture::Photo, whole(j.screen.size()), 1);
  j.settle();
  EXPECT_NE(j.wrong(), "") << "JPEG";
  EXPECT_EQ(j.role.deadline(), std::nullopt) << "not unasked";
  j.ask();
  EXPECT_EQ(j.show(), 0U) << "not at once";
  j.pass(ServerRole::kStill);
  EXPECT_EQ(j.show(), 0U);
  ASSERT_TRUE(j.role.deadline());
  j.pass(ServerRole::kStill);
  EXPECT_GT(j.show(), 0U);
  EXPECT_NE(j.wrong(), "") << "in parts";
  for (int i = 0; i < 4; ++i) {
    j.ask();
    j.show();
  }
  EXPECT_EQ(j.wrong(), "");
  j.ask();
  EXPECT_EQ(j.show(), 0U) << "once";
  EXPECT_EQ(j.role.deadline(), std::nullopt);
}

TEST(ServerRole, WhatMovesStaysLossy) {
  Lossy j({640, 400});
  j.draw(test::Picture::Photo, whole(j.screen.size()), 1);
  j.settle();
  const Rect video{320, 0, 320, 400};
  for (unsigned i = 0; i < 20; ++i) {
    j.pass(milliseconds(100));
    j.draw(test::Picture::Photo, video, i);
    j.ask();
    EXPECT_GT(j.show(), 0U);
    j.ask();
    j.show();
  }
  std::size_t off[2] = {0, 0};
  RectangleEncoder exact;
  test::RfbViewer should(j.screen.size(), kRgb888);
  Buffer update;
  encode(update, UpdateBegin{1});
  exact.encode(update, j.screen.view(), whole(j.screen.size()));
  ASSERT_TRUE(should.feed(update));
  for (unsigned y = 0; y < 400; ++y) {
    for (unsigned x = 0; x < 640; ++x) off[x / 320] += j.viewer.at(x, y) != should.at(x, y);
  }
  EXPECT_EQ(off[0], 0U) << "the still half";
  EXPECT_GT(off[1], 10'000U) << "the video";
}

TEST(ServerRole, ACopyOfWhatIsLossyIsMendedToo) {
  std::mt19937 random(3);
  const auto any = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  Lossy j({320, 240});
  j.draw(test::Picture::Photo, whole(j.screen.size()), 1);
  j.settle();
  std::size_t copies = 0;
  for (unsigned round = 0; round < 30; ++round) {
    for (unsigned i = any(4); i <= 4; ++i) {
      j.scroll({0, 0, 320, 240}, any(2) ? 16 : -21, test::Picture::Photo, 10 * round + i);
      j.pass(milliseconds(any(400)));
      j.ask();
      j.show();
    }
    copies += j.copies();
    j.ask();
    for (unsigned i = 0; i < 40; ++i) {
      j.pass(milliseconds(100));
      if (j.show() != 0) j.ask();
    }
    ASSERT_EQ(j.wrong(), "") << round;
  }
  EXPECT_GT(copies, 20U);
}

TEST(ServerRole, TheColourMapComesFirst) {
  Joined j({100, 80});
  j.set_format(kMapped);
  EXPECT_EQ(j.show(), 0U) << "not before it is asked";
  j.ask();
  j.role.show(j.screen.view(), j.now);
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
    j.role.show(j.screen.view(), j.now);
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

TEST(ServerRole, ExtendedDesktopSizeIsAnswered) {
  Joined j({100, 80});
  j.set_encodings({kRaw, kExtendedDesktopSize});
  j.ask(false);
  j.role.show(j.screen.view(), j.now);
  Buffer out = j.take();
  const std::string screen = " 0064 0050 fffffecc 01 000000  00000000 0000 0000 0064 0050 00000000";
  EXPECT_EQ(to_hex(out), to_hex(test::hex("00 00 0001  0000 0000" + screen))) << "by itself";
  EXPECT_TRUE(j.viewer.feed(out));
  j.ask();
  EXPECT_GT(j.show(), 0U);
  EXPECT_EQ(j.wrong(), "");
  const Buffer wish = test::hex("fb 00 0400 0300 01 00 00000000 0000 0000 0400 0300 00000000");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(j.role.receive(wish, kNow));
  j.ask();
  j.role.show(j.screen.view(), j.now);
  out = j.take();
  EXPECT_EQ(to_hex(out), to_hex(test::hex("00 00 0002  0001 0001" + screen + " 0001 0001" + screen))) << "no, twice";
  EXPECT_TRUE(j.viewer.feed(out));
  EXPECT_EQ(j.viewer.size(), (Size{100, 80}));
  j.set_encodings({kRaw, kExtendedDesktopSize, kDesktopSize});
  j.settle();
  EXPECT_TRUE(j.role.receive(wish, kNow));
  j.ask();
  EXPECT_EQ(j.show(), 0U) << "to those nothing was said of it";
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
    EXPECT_EQ(role.ignored(), 5U + 8 + 13 + 10 + 4 + 24 + 10 + 4);
    EXPECT_EQ(to_hex(role.output()), "f80000000000000103616263") << "the fence is answered";
    return log + std::to_string(role.ignored());
  });
}

TEST(ServerRole, FencesAreAnsweredInOrder) {
  Joined j({100, 80});
  j.set_encodings({kRaw, kFence});
  EXPECT_EQ(to_hex(j.take()), to_hex(test::hex("f8 000000 80000000 00"))) << "it knows fences";
  j.set_encodings({kRaw, kFence});
  EXPECT_TRUE(j.take().empty()) << "said once";
  EXPECT_TRUE(j.send(ClientFence{kFenceRequest | kBlockBefore | kBlockAfter | 0x7ffffff8, as_bytes("abc")}));
  EXPECT_EQ(to_hex(j.take()), to_hex(test::hex("f8 000000 00000003 03 616263"))) << "without the unknown flags";
  // With SyncNext: behind the next message, whichever it is.
  EXPECT_TRUE(j.send(ClientFence{kFenceRequest | kSyncNext, as_bytes("1")}));
  EXPECT_TRUE(j.take().empty());
  EXPECT_TRUE(j.send(ClientFence{kFenceRequest | kSyncNext, as_bytes("2")}));
  EXPECT_EQ(to_hex(j.take()), to_hex(test::hex("f8 000000 00000004 01 31")));
  EXPECT_TRUE(j.send(KeyEvent{true, {0x61}}));
  EXPECT_EQ(to_hex(j.take()), to_hex(test::hex("f8 000000 00000004 01 32")));
  EXPECT_TRUE(j.send(KeyEvent{false, {0x61}}));
  EXPECT_TRUE(j.send(ClientFence{0, as_bytes("an answer to nothing")}));
  EXPECT_TRUE(j.send(ClientFence{0, {}}));
  EXPECT_TRUE(j.take().empty());
}

TEST(ServerRole, WhoDoesNotReadTheAnswersIsEnded) {
  Joined j({100, 80});
  Result<void> taken;
  std::size_t sent = 0;
  for (; taken && sent < 100'000; ++sent) taken = j.send(ClientFence{kFenceRequest, Buffer(64)});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::TooLarge);
  EXPECT_LE(j.role.output().size(), ServerRole::kMaxAnswers + 100);
  Joined k({100, 80});
  for (unsigned i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(k.send(ClientFence{kFenceRequest, Buffer(64)}));
    k.take();
  }
}

/// Joined, with continuous updates for all of the screen.
struct Continuous : Joined {
  explicit Continuous(Size size) : Joined(size) {
    set_encodings({kRaw, kDesktopSize, kFence, kContinuousUpdates});
    show();
    EXPECT_EQ(viewer.ends_of_updates(), 1U) << "said that it can";
    EXPECT_EQ(viewer.fence_requests(), 1U);
    viewer.take_fence_answers();
    turn_on();
  }
  void turn_on() { EXPECT_TRUE(send(EnableContinuousUpdates{true, whole(screen.size())})); }
  void answer() {
    for (const Buffer& b : viewer.take_fence_answers()) EXPECT_TRUE(role.receive(b, kNow));
  }
  /// Answers until nothing more comes.
  void settle_unasked() {
    answer();
    for (int i = 0; i < 1000 && show() != 0; ++i) answer();
  }
};

TEST(ServerRole, ContinuousUpdatesComeUnasked) {
  Continuous j({100, 80});
  j.settle_unasked();
  EXPECT_EQ(j.wrong(), "");
  for (unsigned i = 0; i < 200; ++i) {
    j.draw(test::Picture::Noise, {10, 10, 20, 20}, i);
    EXPECT_GT(j.show(), 0U);
    EXPECT_EQ(j.wrong(), "");
    j.ask();  // is ignored
    EXPECT_EQ(j.show(), 0U);
    j.answer();
  }
  const std::size_t updates = j.viewer.updates();
  j.ask(false);
  EXPECT_GT(j.show(), 0U) << "these are honoured";
  EXPECT_EQ(j.viewer.updates(), updates + 1);
  j.answer();
  EXPECT_TRUE(j.send(EnableContinuousUpdates{false, {}}));
  j.draw(test::Picture::Text, {10, 10, 20, 20}, 7);
  EXPECT_GT(j.show(), 0U);
  EXPECT_EQ(j.viewer.ends_of_updates(), 2U);
  EXPECT_NE(j.wrong(), "") << "on request only";
  j.ask();
  j.show();
  EXPECT_EQ(j.wrong(), "");
  EXPECT_TRUE(j.viewer.take_fence_answers().empty());
}

TEST(ServerRole, ContinuousUpdatesOfAnArea) {
  Continuous j({160, 160});
  j.settle_unasked();
  EXPECT_TRUE(j.send(EnableContinuousUpdates{true, {0, 0, 160, 80}}));
  j.draw(test::Picture::Noise, whole({160, 160}), 5);
  j.settle_unasked();
  EXPECT_NE(j.wrong(), "");
  j.viewer.rectangles().clear();
  EXPECT_TRUE(j.send(UpdateRequest{false, {150, 150, 4, 4}})) << "outside of it";
  j.settle_unasked();
  EXPECT_FALSE(j.viewer.rectangles().empty());
  EXPECT_TRUE(j.send(EnableContinuousUpdates{true, {0, 0, 65535, 65535}}));
  j.settle_unasked();
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, ContinuousUpdatesWaitForTheirFences) {
  Continuous j({512, 512});
  std::size_t shown = 0;
  for (unsigned i = 0; i < 50; ++i) {
    j.draw(test::Picture::Noise, {0, 0, 512, 512}, i % 2);
    shown += j.show() != 0;
  }
  EXPECT_EQ(shown, FenceWindow::kMinUpdates) << "large ones: no more than two on their way";
  j.settle_unasked();
  EXPECT_EQ(j.wrong(), "");
  shown = 0;
  for (unsigned i = 0; i < 200; ++i) {
    j.draw(test::Picture::Noise, {0, 0, 48, 16}, i);
    shown += j.show() != 0;
  }
  EXPECT_EQ(shown, FenceWindow::kBytes / (48 * 16 * 4 + 16) + 1) << "small ones: as many as there is room";
  j.settle_unasked();
  EXPECT_EQ(j.wrong(), "");
}

TEST(ServerRole, ContinuousUpdatesThroughNewSizesAndFormats) {
  Continuous j({100, 80});
  j.settle_unasked();
  for (const Size size : {Size{130, 70}, Size{64, 64}, Size{300, 200}, Size{100, 80}}) {
    j.resize(size);
    j.settle_unasked();
    EXPECT_EQ(j.viewer.size(), size);
    j.turn_on();
    j.settle_unasked();
    EXPECT_EQ(j.wrong(), "") << size.width;
    // As TigerVNC changes its format: what comes between the two is in neither.
    const PixelFormat& next = j.format == kRgb332 ? kRgb888 : kRgb332;
    j.draw(test::Picture::Photo, whole(size), size.width);
    EXPECT_TRUE(j.send(ClientFence{kFenceRequest | kSyncNext, {}}));
    EXPECT_TRUE(j.send(SetPixelFormat{next}));
    j.format = next;
    j.viewer.set_format_at_fence(next);
    j.settle_unasked();
    EXPECT_EQ(j.wrong(), "") << size.width;
  }
}

TEST(ServerRole, ContinuousUpdatesAreForWhoKnowsFences) {
  Joined j({100, 80});
  j.set_encodings({kRaw, kContinuousUpdates});
  EXPECT_TRUE(j.take().empty()) << "not offered";
  EXPECT_TRUE(j.send(EnableContinuousUpdates{true, {0, 0, 100, 80}}));
  EXPECT_EQ(j.show(), 0U);
  EXPECT_EQ(j.role.ignored(), 10U);
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
  j.role.show(other.view(), j.now);
  EXPECT_TRUE(j.role.output().empty());
}

}  // namespace
}  // namespace amtgate::rfb
