#include "amtgate/rfb/picture_client.h"

#include <gtest/gtest.h>

#include "amtgate/rfb/screen.h"
#include "amtgate/rfb/server_role.h"
#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

constexpr TimePoint kNow{};

Buffer opening(Size size) {
  Buffer out;
  write_server_init(out, {size, kRgb888, "pc1"});
  return out;
}

/// A rectangle of RAW pixels, all of one colour.
void raw(Buffer& out, const Rect& area, std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  encode_rectangle_header(out, area, kRaw);
  for (unsigned i = 0; i < unsigned{area.width} * area.height; ++i) append(out, Buffer{blue, green, red, 0});
}

std::string all_events(PictureClient& client) {
  std::string out;
  while (const auto event = client.next_event()) {
    const auto* updated = std::get_if<PictureClient::Updated>(&*event);
    out += updated == nullptr ? "begun " : updated->complete ? "complete " : "part ";
  }
  return out;
}

TEST(PictureClient, IsCompleteWhenEveryPixelHasCome) {
  Buffer in = opening({4, 2});
  encode(in, UpdateBegin{1});
  raw(in, {0, 0, 4, 1}, 255, 0, 0);
  encode(in, UpdateBegin{2});
  raw(in, {0, 0, 2, 2}, 0, 255, 0);  // half of it again
  raw(in, {2, 1, 2, 1}, 0, 0, 255);
  encode(in, Bell{});
  test::feed_all_ways(in, [](const std::vector<Bytes>& chunks) {
    PictureClient client;
    client.watch();
    std::string out;
    for (const Bytes chunk : chunks) {
      EXPECT_TRUE(client.receive(chunk, kNow));
      out += all_events(client);
    }
    EXPECT_EQ(out, "begun part complete ");
    EXPECT_TRUE(client.complete());
    EXPECT_EQ(client.name(), "pc1");
    EXPECT_EQ(client.rgb(), (Buffer{0, 255, 0, 0, 255, 0, 255, 0, 0,   255, 0, 0,  //
                                    0, 255, 0, 0, 255, 0, 0,   0, 255, 0,   0, 255}));
    return out;
  });
}

TEST(PictureClient, AChangeOfSizeBeginsAnew) {
  PictureClient client;
  Buffer in = opening({1, 1});
  encode(in, UpdateBegin{1});
  raw(in, {0, 0, 1, 1}, 1, 2, 3);
  client.watch();
  ASSERT_TRUE(client.receive(in, kNow));
  ASSERT_TRUE(client.complete());
  in.clear();
  encode(in, UpdateBegin{1});
  encode_rectangle_header(in, {0, 0, 2, 1}, kDesktopSize);
  ASSERT_TRUE(client.receive(in, kNow));
  EXPECT_FALSE(client.complete());
  EXPECT_EQ(client.size(), (Size{2, 1}));
  EXPECT_EQ(client.rgb(), Buffer(6));
}

TEST(PictureClient, AServersScreenArrivesWhole) {
  Screen screen;
  const Size size{700, 600};  // more than ServerRole puts into one update
  ASSERT_TRUE(screen.resize(size));
  Buffer pixels(std::size_t{size.width} * size.height * 2);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 7 + i / 911);
  ASSERT_TRUE(screen.put({0, 0, size.width, size.height}, pixels));
  ServerRole server(size, "pc1");
  PictureClient client;
  const auto pump = [&] {
    for (bool moved = true; moved;) {
      moved = !server.output().empty() || !client.output().empty();
      const Buffer to_client(server.output().begin(), server.output().end());
      server.sent(to_client.size());
      ASSERT_TRUE(client.receive(to_client, kNow));
      const Buffer to_server(client.output().begin(), client.output().end());
      client.sent(to_server.size());
      ASSERT_TRUE(server.receive(to_server, kNow));
      server.show(screen.view(), TimePoint{seconds(1)});
    }
  };
  pump();
  EXPECT_EQ(all_events(client), "begun ") << "nothing is sent that was not asked for";
  client.ask_back();
  pump();
  EXPECT_EQ(all_events(client), "part ");
  client.watch();
  pump();
  EXPECT_TRUE(client.complete());
  const auto level = [](unsigned v, unsigned most) { return static_cast<std::uint8_t>((v * 255 + most / 2) / most); };
  for (std::size_t i = 0; i < pixels.size() / 2; ++i) {
    const unsigned p = pixels[2 * i] | pixels[2 * i + 1] << 8U;
    ASSERT_EQ(client.rgb()[3 * i], level(p >> 11U, 31)) << i;
    ASSERT_EQ(client.rgb()[3 * i + 1], level(p >> 5U & 63U, 63)) << i;
    ASSERT_EQ(client.rgb()[3 * i + 2], level(p & 31U, 31)) << i;
  }
}

TEST(PictureClient, RefusesWhatItCannotKeep) {
  const auto refused = [](Buffer in) {
    PictureClient client;
    const Result<void> r = client.receive(in, kNow);
    return r ? std::optional<Errc>() : r.error().code;
  };
  EXPECT_EQ(refused(opening({8193, 1})), Errc::TooLarge);
  EXPECT_EQ(refused(opening({8192, 8192})), Errc::TooLarge);
  Buffer outside = opening({4, 4});
  encode(outside, UpdateBegin{1});
  raw(outside, {3, 3, 2, 1}, 0, 0, 0);
  EXPECT_EQ(refused(outside), Errc::BadValue);
  Buffer zrle = opening({4, 4});
  encode(zrle, UpdateBegin{1});
  encode_rectangle_header(zrle, {0, 0, 4, 4}, kZrle);
  append(zrle, Buffer{0, 0, 0, 1, 0});
  EXPECT_EQ(refused(zrle), Errc::Unsupported);
}

}  // namespace
}  // namespace amtgate::rfb
