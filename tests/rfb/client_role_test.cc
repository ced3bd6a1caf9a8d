#include "amtgate/rfb/client_role.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/rfb/pictures.h"
#include "tests/support/feed.h"
#include "tests/support/pump.h"

namespace amtgate::rfb {
namespace {

const TimePoint kStart{seconds(1000)};
constexpr const char* kSet565 = "00000000 10100001 001f 003f 001f 0b0500 000000";
constexpr const char* kSet332 = "00000000 08080001 0007 0007 0003 050200 000000";
constexpr const char* kEncodings = "0200 0003 00000010 00000000 ffffff21";
constexpr const char* kEncodingsRaw = "0200 0002 00000000 ffffff21";

ServerInit init(Size size) {
  return {size, kRgb565, "Intel(r) AMT KVM"};
}

Buffer desktop_size(Size size) {
  Buffer out;
  encode(out, UpdateBegin{1});
  encode(out, Rectangle{{0, 0, size.width, size.height}, kDesktopSize, {}});
  return out;
}
Buffer empty_update() {
  return test::hex("00 00 0000");
}

/// A device that has a picture and sends it in tiles.
class Amt {
 public:
  explicit Amt(ZrleForm form = ZrleForm::Zlib) : zrle_(form) {}

  /// `area` of `screen`, as one update in one encoding.
  Buffer update(const PixelView& screen, const Rect& area, std::int32_t encoding) {
    Buffer body, pixels;
    std::uint16_t count = 0;
    for (unsigned y = area.y; y < area.y + 0U + area.height; y += kMaxTileSide) {
      for (unsigned x = area.x; x < area.x + 0U + area.width; x += kMaxTileSide, ++count) {
        const Rect tile{static_cast<std::uint16_t>(x), static_cast<std::uint16_t>(y),
                        static_cast<std::uint16_t>(std::min(kMaxTileSide, area.x + area.width - x)),
                        static_cast<std::uint16_t>(std::min(kMaxTileSide, area.y + area.height - y))};
        pixels.clear();
        for (unsigned row = 0; row < tile.height; ++row) {
          append(pixels, Bytes(screen.at(tile.x, tile.y + row), tile.width * screen.bytes_per_pixel()));
        }
        encode_rectangle_header(body, tile, encoding);
        if (encoding == kRaw) append(body, pixels);
        if (encoding == kZrle) zrle_.encode(body, pixels, tile.width, tile.height, screen.bytes_per_pixel());
      }
    }
    Buffer out;
    encode(out, UpdateBegin{count});
    append(out, body);
    return out;
  }

 private:
  ZrleEncoder zrle_;
};

/// A role, its screen, and what somebody believes who only looks where the events say that something has changed.
struct Joined {
  explicit Joined(Size size, ClientRole::Options options = {}) : role(options, init(size), screen, kStart) {}

  std::string sent() {
    const std::string out = to_hex(role.output());
    role.sent(role.output().size());
    return out;
  }
  Result<void> receive(Bytes in, TimePoint now = kStart) {
    Result<void> taken = role.receive(in, now);
    take_events();
    return taken;
  }
  void take_events() {
    while (const auto event = role.next_event()) {
      if (const auto* part = std::get_if<ClientRole::Changed>(&*event)) {
        log += "changed ";
        const PixelView v = screen.view();
        if (seen.format() != screen.format()) {
          EXPECT_TRUE(seen.set_format(screen.format()));
        }
        const Rect area = clip(part->area, screen.size());
        if (seen.size() == screen.size() && area.empty() != true) {
          EXPECT_EQ(area, part->area) << "outside of the screen";
          for (unsigned y = 0; y < area.height; ++y) {
            const Rect row{area.x, static_cast<std::uint16_t>(area.y + y), area.width, 1};
            EXPECT_TRUE(seen.put(row, Bytes(v.at(row.x, row.y), row.width * v.bytes_per_pixel())));
          }
        }
      } else if (const auto* resized = std::get_if<ClientRole::Resized>(&*event)) {
        log += "resized ";
        EXPECT_TRUE(seen.resize(resized->size));
      } else if (std::holds_alternative<ClientRole::Complete>(*event)) {
        log += "complete ";
      } else {
        log += "bell ";
      }
    }
  }
  std::string told() {
    std::string out;
    out.swap(log);
    return out;
  }
  static std::string bytes(const Screen& s) {
    const PixelView v = s.view();
    return std::to_string(s.size().width) + "x" + std::to_string(s.size().height) + " " + to_string(s.format()) +
           " " + to_hex(Bytes(v.data, v.stride * v.size.height));
  }

  Screen screen, seen;
  ClientRole role;
  std::string log;
};

std::string plain(std::string_view hex_text) {
  return to_hex(test::hex(hex_text));
}

TEST(ClientRole, BeginsWithFormatEncodingsAndTheWholeScreen) {
  Joined j({800, 600});
  EXPECT_EQ(j.sent(), plain(kSet565) + plain(kEncodings) + plain("03 00 0000 0000 0320 0258"));
  EXPECT_EQ(j.screen.size(), (Size{800, 600}));
  j.take_events();
  EXPECT_EQ(j.told(), "resized ");
  EXPECT_TRUE(j.role.full_colour());
  EXPECT_FALSE(j.role.drawn());
}

TEST(ClientRole, OneRequestAtATimeAndIncremental) {
  Joined j({800, 600});
  j.sent();
  const Buffer black = Amt().update(j.screen.view(), {0, 0, 128, 64}, kRaw);
  ASSERT_TRUE(j.receive(Bytes(black).first(black.size() - 1)));
  EXPECT_EQ(j.sent(), "") << "the update is not complete";
  ASSERT_TRUE(j.receive(Bytes(black).last(1)));
  EXPECT_EQ(j.sent(), plain("03 01 0000 0000 0320 0258"));
  EXPECT_TRUE(j.role.drawn()) << "also when nothing looks different";
  j.told();
  ASSERT_TRUE(j.receive(empty_update()));
  EXPECT_EQ(j.told(), "complete ");
  EXPECT_EQ(j.sent(), plain("03 01 0000 0000 0320 0258"));
}

TEST(ClientRole, FollowsDesktopSizeAndAsksForAll) {
  Joined j({800, 600});
  j.sent();
  ASSERT_TRUE(j.receive(desktop_size({1024, 768})));
  EXPECT_EQ(j.sent(), plain("03 00 0000 0000 0400 0300"));
  EXPECT_EQ(j.screen.size(), (Size{1024, 768}));
  EXPECT_EQ(j.told(), "resized resized complete ");
  ASSERT_TRUE(j.receive(empty_update()));
  EXPECT_EQ(j.sent(), plain("03 01 0000 0000 0400 0300"));
}

TEST(ClientRole, DrawsBehindDesktopSizeInTheSameUpdate) {
  Joined j({16, 16});
  j.sent();
  ASSERT_TRUE(j.receive(test::hex("00 00 0002  0000 0000 0020 0010 ffffff21  001f 000f 0001 0001 00000000 ffff")));
  EXPECT_EQ(j.sent(), plain("03 00 0000 0000 0020 0010"));
  EXPECT_EQ(to_hex(Bytes(j.screen.view().at(31, 15), 2)), "ffff");
}

TEST(ClientRole, EightBitsAboveTheLimit) {
  struct Row {
    Size size;
    std::uint64_t limit;
    bool full;
  };
  const Row rows[] = {
      {{2560, 1800}, kFrameBufferLimit, true},  // 9,216,000 bytes
      {{2560, 1801}, kFrameBufferLimit, false}, {{3840, 2160}, kFrameBufferLimit, false},
      {{3840, 2160}, 100'000'000, true},        {{800, 600}, 800 * 600 * 2 - 1, false},
      {{8192, 4320}, kFrameBufferLimit, false},
  };
  for (const Row& row : rows) {
    ClientRole::Options options;
    options.frame_buffer_limit = row.limit;
    Joined j(row.size, options);
    EXPECT_EQ(j.role.full_colour(), row.full) << row.size.width << "x" << row.size.height;
    EXPECT_EQ(j.sent().substr(0, 40), plain(row.full ? kSet565 : kSet332));
    EXPECT_EQ(j.screen.format(), row.full ? kRgb565 : kRgb332);
    EXPECT_EQ(j.screen.size(), row.size);
  }
}

TEST(ClientRole, CrossesTheLimitBothWays) {
  Joined j({1024, 768});
  j.sent();
  j.take_events();
  const Screen small = test::picture(test::Picture::Desktop, {1024, 768}, kRgb565, 1);
  Amt amt;
  ASSERT_TRUE(j.receive(amt.update(small.view(), {0, 0, 1024, 768}, kZrle)));
  j.sent();
  ASSERT_TRUE(j.receive(desktop_size({3840, 2160})));
  EXPECT_EQ(j.sent(), plain(kSet332) + plain("03 00 0000 0000 0f00 0870"));
  EXPECT_EQ(j.screen.format(), kRgb332);
  EXPECT_EQ(j.bytes(j.screen), j.bytes(j.seen)) << "the old picture, with fewer colours";
  // Both encodings have one byte a pixel from here on.
  const Screen large = test::picture(test::Picture::Desktop, {3840, 2160}, kRgb332, 2);
  ASSERT_TRUE(j.receive(amt.update(large.view(), {0, 0, 3840, 1024}, kZrle)));
  ASSERT_TRUE(j.receive(amt.update(large.view(), {0, 1024, 3840, 1136}, kRaw)));
  EXPECT_EQ(j.bytes(j.screen), j.bytes(large));
  EXPECT_EQ(j.bytes(j.screen), j.bytes(j.seen));
  j.sent();
  ASSERT_TRUE(j.receive(desktop_size({1024, 768})));
  EXPECT_EQ(j.sent(), plain(kSet565) + plain("03 00 0000 0000 0400 0300"));
  ASSERT_TRUE(j.receive(amt.update(small.view(), {0, 0, 1024, 768}, kZrle)));
  EXPECT_EQ(j.bytes(j.screen), j.bytes(small));
  EXPECT_EQ(j.bytes(j.screen), j.bytes(j.seen));
}

TEST(ClientRole, KnownTiles) {
  // Captures and samples of the reference: red, then green, in one stream; a stored block.
  Joined j({2, 1});
  j.sent();
  const Buffer in = test::hex(
      "00 00 0002"
      "0000 0000 0001 0001 00000010 0000000b 789c6264f801000000ffff"
      "0001 0000 0001 0001 00000010 00000009 627cc00e000000ffff"
      "00 00 0001"
      "0000 0000 0001 0001 00000010 00000008 000300fcff011f00");
  test::feed_all_ways(in, [](const std::vector<Bytes>& chunks) {
    Joined one({2, 1});
    for (const Bytes& chunk : chunks) EXPECT_TRUE(one.receive(chunk));
    EXPECT_EQ(to_hex(Bytes(one.screen.view().data, 4)), "1f00e007");
    return one.sent() + one.told() + one.bytes(one.seen);
  });
}

TEST(ClientRole, EveryFramingAndFormatAtAnySplit) {
  for (const ZrleForm form : {ZrleForm::Stored, ZrleForm::Zlib, ZrleForm::ZlibStored, ZrleForm::RawDeflate}) {
    for (const bool full : {true, false}) {
      const Size size{131, 70};
      const PixelFormat& format = full ? kRgb565 : kRgb332;
      const Screen first = test::picture(test::Picture::Text, size, format, 1);
      const Screen second = test::picture(test::Picture::Photo, size, format, 2);
      Amt amt(form);
      Buffer in = amt.update(first.view(), {0, 0, 131, 70}, kZrle);
      append(in, amt.update(second.view(), {64, 64, 67, 6}, kZrle));
      append(in, test::hex("02"));  // bell
      append(in, amt.update(second.view(), {0, 0, 131, 64}, kRaw));
      append(in, test::hex("03 000000 00000005 004b766d00"));
      append(in, amt.update(second.view(), {0, 64, 64, 6}, kZrle));
      test::feed_all_ways(in, [&](const std::vector<Bytes>& chunks) {
        ClientRole::Options options;
        if (!full) options.frame_buffer_limit = 1;
        Joined j(size, options);
        for (const Bytes& chunk : chunks) EXPECT_TRUE(j.receive(chunk));
        EXPECT_EQ(j.bytes(j.screen), j.bytes(second)) << "form " << static_cast<int>(form);
        EXPECT_EQ(j.bytes(j.screen), j.bytes(j.seen));
        EXPECT_FALSE(j.role.raw_only());
        return j.sent() + j.told() + j.bytes(j.screen);
      });
    }
  }
}

TEST(ClientRole, TellsOnlyWhatLooksDifferent) {
  Joined j({64, 64});
  Screen s = test::picture(test::Picture::Photo, {64, 64}, kRgb565, 9);
  ASSERT_TRUE(j.receive(Amt().update(s.view(), {0, 0, 64, 64}, kRaw)));
  j.take_events();
  ASSERT_TRUE(s.put({10, 20, 2, 1}, test::hex("0102 0304")));
  ASSERT_TRUE(s.put({40, 22, 1, 1}, test::hex("0102")));
  ASSERT_TRUE(j.role.receive(Amt().update(s.view(), {0, 0, 64, 64}, kRaw), kStart));
  const auto events = test::events(j.role);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(std::get<ClientRole::Changed>(events[0]).area, (Rect{10, 20, 31, 3}));
}

/// Seven updates of which the third has a broken tile.
TEST(ClientRole, ABrokenTileLeavesNoBrokenPicture) {
  const char* broken[] = {
      "ffffffff",            // no block of that type
      "789c 6264 ff",        // cut off: no tile
      "00 0100 feff 40",     // a sub-encoding that does not exist
      "00 0300 fcff 02ffff"  // a palette without indices
  };
  for (const char* data : broken) {
    const Size size{128, 64};
    const Screen picture = test::picture(test::Picture::Desktop, size, kRgb565, 3);
    Amt amt;
    Joined j(size);
    j.sent();
    ASSERT_TRUE(j.receive(amt.update(picture.view(), {0, 0, 128, 64}, kZrle)));
    j.sent();
    const Screen next = test::picture(test::Picture::Text, size, kRgb565, 4);
    Buffer update = amt.update(next.view(), {0, 0, 128, 64}, kZrle);
    update[3] = 3;  // rectangles; the broken one is the last but one
    const Buffer tail(update.begin() + 4, update.end());
    Buffer bad;
    encode(bad, Rectangle{{0, 0, 64, 64}, kZrle, test::hex(data)});
    Buffer in(update.begin(), update.begin() + 4);
    append(in, bad);
    append(in, tail);
    ASSERT_TRUE(j.receive(in)) << data;
    EXPECT_EQ(j.bytes(j.screen), j.bytes(picture)) << "what was there, not what a lost stream makes of it";
    EXPECT_TRUE(j.role.raw_only());
    EXPECT_EQ(j.sent(), plain(kEncodingsRaw) + plain("03 00 0000 0000 0080 0040")) << data;
    ASSERT_TRUE(j.receive(amt.update(next.view(), {0, 0, 128, 64}, kRaw)));
    EXPECT_EQ(j.bytes(j.screen), j.bytes(next));
    EXPECT_EQ(j.bytes(j.screen), j.bytes(j.seen));
    EXPECT_EQ(j.sent(), plain("03 01 0000 0000 0080 0040"));
  }
}

TEST(ClientRole, ABrokenTileAndANewSizeAtOnce) {
  Joined j({64, 64});
  j.sent();
  ASSERT_TRUE(
      j.receive(test::hex("00 00 0002  0000 0000 0010 0010 00000010 00000001 ff  0000 0000 0f00 0870 ffffff21")));
  const std::string sent = j.sent();
  EXPECT_NE(sent.find(plain(kSet332)), std::string::npos) << "the limit counts all the same: " << sent;
  EXPECT_NE(sent.find(plain(kEncodingsRaw)), std::string::npos) << sent;
  EXPECT_EQ(sent.substr(sent.size() - 20), plain("03 00 0000 0000 0f00 0870"));
}

TEST(ClientRole, RectanglesOutsideAreLeftOut) {
  const Size size{64, 64};
  const Screen picture = test::picture(test::Picture::Desktop, {128, 128}, kRgb565, 5);
  Amt amt;
  Joined j(size);
  j.sent();
  // The left upper tile is inside; the stream goes through all four.
  ASSERT_TRUE(j.receive(amt.update(picture.view(), {0, 0, 128, 128}, kZrle)));
  ASSERT_TRUE(j.receive(amt.update(picture.view(), {32, 32, 64, 64}, kRaw)));
  Screen want = picture;
  ASSERT_TRUE(want.resize(size));
  EXPECT_EQ(j.bytes(j.screen), j.bytes(want));
  EXPECT_FALSE(j.role.raw_only());
  ASSERT_TRUE(j.receive(amt.update(picture.view(), {0, 0, 64, 64}, kZrle)));
  EXPECT_EQ(j.bytes(j.screen), j.bytes(want));
}

TEST(ClientRole, ADeviceThatDrawsOutsideAllTheTimeIsGivenUp) {
  Joined j({64, 64});
  const Buffer in = test::hex("00 00 0001 ffff ffff 0001 0001 00000000 ffff");
  unsigned updates = 0;
  Result<void> taken;
  for (; taken && updates < 5000; ++updates) {
    taken = j.receive(in);
    j.sent();
  }
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::BadValue);
  EXPECT_EQ(updates, ClientRole::kMaxGlitches);
}

TEST(ClientRole, RefusesWhatAmtDoesNotHave) {
  struct Row {
    const char* name;
    const char* hex;
    Errc want;
  };
  const Row rows[] = {
      {"message 150", "96", Errc::Unsupported},
      {"hextile", "00 00 0001 0000 0000 0001 0001 00000005", Errc::Unsupported},
      {"a tile of 65", "00 00 0001 0000 0000 0041 0001 00000000", Errc::TooLarge},
      {"endless deflate data", "00 00 0001 0000 0000 0001 0001 00000010 00010000", Errc::TooLarge},
      {"a screen of 65535x65535", "00 00 0001 0000 0000 ffff ffff ffffff21", Errc::TooLarge},
  };
  for (const Row& row : rows) {
    Joined j({800, 600});
    const Result<void> taken = j.receive(test::hex(row.hex));
    ASSERT_FALSE(taken) << row.name;
    EXPECT_EQ(taken.error().code, row.want) << row.name;
    EXPECT_FALSE(j.receive(empty_update())) << row.name << ": takes no more";
  }
}

TEST(ClientRole, AScreenBeyondAllLimitsIsRefused) {
  Joined j({65535, 65535});
  const Result<void> taken = j.receive({});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::TooLarge);
}

TEST(ClientRole, TakesOverAnyScreen) {
  // What an earlier session left, in another format and size; the largest cannot be had at 16 bits.
  for (const Size before : {Size{0, 0}, Size{640, 480}, Size{8192, 8192}}) {
    Screen screen;
    ASSERT_TRUE(screen.set_format(kRgb332));
    ASSERT_TRUE(screen.resize(before));
    ClientRole role({}, init({64, 64}), screen, kStart);
    role.sent(role.output().size());
    ASSERT_EQ(screen.format(), kRgb565);
    ASSERT_EQ(screen.size(), (Size{64, 64}));
    const Screen picture = test::picture(test::Picture::Desktop, {64, 64}, kRgb565, 6);
    ASSERT_TRUE(role.receive(Amt().update(picture.view(), {0, 0, 64, 64}, kRaw), kStart));
    EXPECT_EQ(Joined::bytes(screen), Joined::bytes(picture));
  }
}

TEST(ClientRole, KeepsTheOldPictureUntilItIsDrawnAnew) {
  Screen screen = test::picture(test::Picture::Desktop, {64, 64}, kRgb565, 7);
  const std::string before = Joined::bytes(screen);
  ClientRole role({}, init({64, 64}), screen, kStart);
  EXPECT_EQ(Joined::bytes(screen), before);
}

TEST(ClientRole, KeysGoAsTheyAre) {
  Joined j({64, 64});
  j.sent();
  j.role.key({true, {0x61}}, kStart);
  j.role.key({false, {0x61}}, kStart);
  j.role.key({true, {0x17170056}}, kStart);
  EXPECT_EQ(j.sent(), plain("04 01 0000 00000061  04 00 0000 00000061  04 01 0000 17170056"));
}

TEST(ClientRole, PointersAreMaskedAndInside) {
  Joined j({64, 48});
  j.sent();
  j.role.pointer({0xff, 63, 47}, kStart);
  j.role.pointer({0xa0, 65535, 65535}, kStart);
  EXPECT_EQ(j.sent(), plain("05 1f 003f 002f  05 00 003f 002f"));
  ASSERT_TRUE(j.receive(desktop_size({0, 0})));
  j.sent();
  j.role.pointer({1, 5, 5}, kStart);
  EXPECT_EQ(j.sent(), plain("05 01 0000 0000"));
}

TEST(ClientRole, MovesAreGatheredClicksAreNot) {
  Joined j({800, 600});
  j.sent();
  TimePoint now = kStart + seconds(1);
  j.role.pointer({0, 1, 1}, now);
  EXPECT_EQ(j.sent(), plain("05 00 0001 0001")) << "the first at once";
  j.role.pointer({0, 2, 2}, now + milliseconds(1));
  j.role.pointer({0, 3, 3}, now + milliseconds(2));
  EXPECT_EQ(j.sent(), "");
  ASSERT_EQ(j.role.deadline(), now + ClientRole::kMoveInterval);
  ASSERT_TRUE(j.role.tick(now + ClientRole::kMoveInterval));
  EXPECT_EQ(j.sent(), plain("05 00 0003 0003")) << "the last place counts";
  now += seconds(1);
  j.role.pointer({0, 4, 4}, now);
  j.role.pointer({0, 5, 5}, now);
  j.role.pointer({1, 6, 6}, now);
  j.role.pointer({0, 6, 6}, now);
  EXPECT_EQ(j.sent(), plain("05 00 0004 0004  05 01 0006 0006  05 00 0006 0006")) << "a click is never late or lost";
  j.role.pointer({0, 7, 7}, now + milliseconds(1));
  j.role.key({true, {0xff0d}}, now + milliseconds(2));
  EXPECT_EQ(j.sent(), plain("05 00 0007 0007  04 01 0000 0000ff0d")) << "a key goes where the mouse is";
  ASSERT_TRUE(j.role.tick(now + seconds(1)));
  EXPECT_EQ(j.sent(), "");
}

TEST(ClientRole, AMoveThatWaitsIsInsideTheNewSize) {
  Joined j({800, 600});
  j.role.pointer({0, 1, 1}, kStart + seconds(1));
  j.role.pointer({0, 799, 599}, kStart + seconds(1));
  ASSERT_TRUE(j.receive(desktop_size({640, 480})));
  j.sent();
  ASSERT_TRUE(j.role.tick(kStart + seconds(2)));
  EXPECT_EQ(j.sent(), plain("05 00 027f 01df"));
}

TEST(ClientRole, ReleasesButtonsWhereTheyAre) {
  Joined j({800, 600});
  j.sent();
  j.role.release_buttons(kStart);
  EXPECT_EQ(j.sent(), "") << "none is down";
  j.role.pointer({5, 10, 20}, kStart);
  j.role.pointer({5, 11, 21}, kStart);
  j.role.release_buttons(kStart);
  EXPECT_EQ(j.sent(), plain("05 05 000a 0014  05 05 000b 0015  05 00 000b 0015"));
}

TEST(ClientRole, KeepsAmtAwake) {
  Joined j({800, 600});
  j.sent();
  ASSERT_EQ(j.role.deadline(), kStart + seconds(60));
  ASSERT_TRUE(j.role.tick(kStart + seconds(59)));
  EXPECT_EQ(j.sent(), "");
  ASSERT_TRUE(j.role.tick(kStart + seconds(60)));
  EXPECT_EQ(j.sent(), plain("04 00 0000 0000ffe2")) << "Shift_R goes up, and nothing is pressed";
  EXPECT_EQ(j.role.deadline(), kStart + seconds(120));
  j.role.key({true, {0x61}}, kStart + seconds(100));
  EXPECT_EQ(j.role.deadline(), kStart + seconds(160));
  j.role.pointer({0, 3, 3}, kStart + seconds(110));
  EXPECT_EQ(j.role.deadline(), kStart + seconds(170));
}

TEST(ClientRole, DoesNotLetGoOfAKeyThatIsHeld) {
  Joined j({800, 600});
  j.role.key({true, {0xffe2}}, kStart);
  j.sent();
  ASSERT_TRUE(j.role.tick(kStart + seconds(60)));
  EXPECT_EQ(j.sent().find("0000ffe2"), std::string::npos);
  EXPECT_EQ(j.role.deadline(), kStart + seconds(120));
  j.role.key({false, {0xffe2}}, kStart + seconds(100));
  j.sent();
  ASSERT_TRUE(j.role.tick(kStart + seconds(160)));
  EXPECT_EQ(j.sent(), plain("04 00 0000 0000ffe2"));
}

TEST(ClientRole, NeedNotKeepAwake) {
  ClientRole::Options options;
  options.keep_awake = Duration{};
  Joined j({800, 600}, options);
  EXPECT_FALSE(j.role.deadline());
  j.role.pointer({0, 1, 1}, kStart);
  j.sent();
  EXPECT_TRUE(j.role.deadline()) << "a move that waits";
  ASSERT_TRUE(j.role.tick(kStart + seconds(500)));
  EXPECT_EQ(j.sent(), plain("05 00 0001 0001"));
  EXPECT_FALSE(j.role.deadline());
}

TEST(ClientRole, ADeviceThatTalksAndDoesNotListenIsGivenUp) {
  Joined j({64, 64});
  Result<void> taken;
  unsigned updates = 0;
  while (taken && ++updates < 100'000) taken = j.receive(empty_update());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::TooLarge);
  EXPECT_LT(j.role.output().size(), ClientRole::kMaxOutput + 100);
}

TEST(ClientRole, GathersInputForADeviceThatDoesNotListen) {
  Joined j({800, 600});
  EXPECT_TRUE(j.role.takes_input());
  TimePoint now = kStart;
  for (unsigned i = 0; i < 100'000; ++i) {
    now += seconds(1);
    j.role.pointer({static_cast<std::uint8_t>(i % 2), static_cast<std::uint16_t>(i % 800), 0}, now);
    ASSERT_TRUE(j.role.tick(now));
  }
  EXPECT_FALSE(j.role.takes_input());
  EXPECT_LT(j.role.output().size(), ClientRole::kMaxInput + 100);
  EXPECT_NE(j.role.deadline(), now) << "nothing to do but to wait";
  j.sent();
  EXPECT_TRUE(j.role.takes_input());
  ASSERT_TRUE(j.role.deadline());
  ASSERT_LE(*j.role.deadline(), now + ClientRole::kMoveInterval);
  ASSERT_TRUE(j.role.tick(now + ClientRole::kMoveInterval));
  EXPECT_EQ(j.sent(), plain("05 01 031f 0000")) << "where it is in the end: 99,999";
}

/// Updates in any order, at any split: who follows the events has the screen.
TEST(ClientRole, EventsTellAllThatChanges) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random(seed);
    const auto any = [&](unsigned n) { return static_cast<std::uint16_t>(random() % n); };
    ClientRole::Options options;
    options.frame_buffer_limit = 200 * 200 * 2;
    Size size{static_cast<std::uint16_t>(1 + any(300)), static_cast<std::uint16_t>(1 + any(300))};
    Joined j(size, options);
    Amt amt(static_cast<ZrleForm>(any(4)));
    for (unsigned step = 0; step < 30; ++step) {
      Buffer in;
      if (any(5) == 0) {
        size = {static_cast<std::uint16_t>(1 + any(300)), static_cast<std::uint16_t>(1 + any(300))};
        in = desktop_size(size);
      } else {
        const auto what = test::kPictures[any(6)];
        const Screen picture = test::picture(what, size, j.screen.format(), any(1000));
        const Rect area = clip({any(size.width), any(size.height), any(300), any(300)}, size);
        in = amt.update(picture.view(), area, any(2) && !j.role.raw_only() ? kZrle : kRaw);
        if (any(40) == 0 && in.size() > 24) in[20 + any(static_cast<unsigned>(in.size() - 20))] ^= 0x10;
      }
      bool over = false;
      for (std::size_t at = 0; at < in.size() && !over;) {
        const std::size_t n = std::min<std::size_t>(in.size() - at, 1U + any(3000));
        over = !j.receive(Bytes(in).subspan(at, n));
        at += n;
      }
      if (over) break;  // a length was hit
      j.sent();
      ASSERT_EQ(j.bytes(j.screen), j.bytes(j.seen)) << "seed " << seed << ", step " << step;
    }
  }
}

TEST(ClientRole, TextsOfTheMachineAreForNobody) {
  Joined j({64, 64});
  j.take_events();
  j.sent();
  j.told();
  for (const char* text : {"03000000 00000005 68656c6c6f",                           // a clipboard
                           "03000000 00000000",                                      // an empty one
                           "03000000 0000000e 004b766d457874436d6400010201",         // KvmExtCmd
                           "03000000 00000010 004b766d446174614368616e6e656c00"}) {  // KvmDataChannel: it is there
    EXPECT_TRUE(j.receive(test::hex(text))) << text;
    EXPECT_EQ(j.sent(), "") << text;
    EXPECT_EQ(j.told(), "") << text;
  }
  // One that says that it has 100000 bytes is skipped as it comes.
  Buffer long_text = test::hex("03000000 000186a0");
  long_text.resize(8 + 100'000, 0x41);
  long_text.push_back(2);
  for (std::size_t at = 0; at < long_text.size(); at += 1000) {
    EXPECT_TRUE(j.receive(Bytes(long_text).subspan(at, std::min<std::size_t>(1000, long_text.size() - at))));
  }
  EXPECT_EQ(j.told(), "bell ");
}

}  // namespace
}  // namespace amtgate::rfb
