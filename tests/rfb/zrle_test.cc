#include "amtgate/rfb/zrle.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/feed.h"

namespace amtgate::rfb {
namespace {

std::string decoded(ZrleDecoder& d, std::string_view data, unsigned w, unsigned h, std::size_t bytes) {
  Buffer pixels(std::size_t{w} * h * bytes);
  const Result<void> r = d.decode(test::hex(data), w, h, bytes, pixels);
  return r ? to_hex(pixels) : std::string("!") + name(r.error().code);
}

std::string times(std::size_t n, std::string_view what) {
  std::string out;
  for (; n > 0; --n) out += what;
  return out;
}

// A capture in ui-toolkit's tests: 64x64 at RGB565, 463 times 0x124d, once 0x122d, 3632 times 0x124d.
TEST(ZrleTile, RealCapture) {
  const Buffer tile = test::hex("80 4d12 ffcf 2d12 00 4d12 " + times(14, "ff") + " 3d");
  Buffer pixels(64 * 64 * 2);
  const auto used = decode_tile(tile, 64, 64, 2, pixels);
  ASSERT_TRUE(used) << used.error().detail;
  EXPECT_EQ(*used, tile.size());
  EXPECT_EQ(to_hex(pixels), times(463, "4d12") + "2d12" + times(3632, "4d12"));
  Buffer again;
  EXPECT_EQ(encode_tile(again, pixels, 64, 64, 2, TileKind::PlainRuns), TileKind::PlainRuns);
  EXPECT_EQ(again, tile);
}

TEST(ZrleTile, EverySubEncoding) {
  struct Row {
    const char* name;
    unsigned w, h;
    std::size_t bytes;
    std::string tile;
    std::string pixels;  // or '!' for BadValue
  };
  const Row rows[] = {
      {"raw", 2, 2, 1, "00 01020304", "01020304"},
      {"raw 16", 2, 1, 2, "00 01020304", "01020304"},
      {"raw short", 2, 2, 1, "00 010203", "!"},
      {"solid", 3, 2, 2, "01 f800", times(6, "f800")},
      {"solid short", 3, 2, 2, "01 f8", "!"},
      {"two colours, full rows", 8, 2, 1, "02 aabb 0f f0",
       times(4, "aa") + times(4, "bb") + times(4, "bb") + times(4, "aa")},
      {"two colours, padded rows", 3, 2, 1, "02 aabb a0 40",
       "bbaabb"
       "aabbaa"},
      {"two colours, no padding", 3, 2, 1, "02 aabb a8",
       "bbaabb"
       "aabbaa"},
      {"three colours", 4, 1, 1, "03 aabbcc 1b", "!"},                            // index 3
      {"three colours, the last of an odd width", 3, 1, 1, "03 aabbcc 0c", "!"},  // index 3
      {"three colours, padding is no index", 3, 1, 1, "03 aabbcc 1b", "aabbcc"},
      {"four colours", 4, 1, 1, "04 aabbccdd 1b", "aabbccdd"},
      {"five colours, odd width, padded", 3, 2, 1, "05 aabbccddee 0120 3410",
       "aabbcc"
       "ddeebb"},
      {"five colours, odd width, tight", 3, 2, 1, "05 aabbccddee 012341",
       "aabbcc"
       "ddeebb"},
      {"sixteen colours", 2, 1, 1, "10 000102030405060708090a0b0c0d0e0f 0f", "000f"},
      {"palette short", 4, 1, 1, "04 aabbcc", "!"},
      {"seventeen", 2, 2, 1, "11 00", "!"},
      {"127", 2, 2, 1, "7f 00", "!"},
      {"runs", 2, 2, 1, "80 aa 00 bb 02", "aabbbbbb"},
      {"long run", 64, 5, 1, "80 aa ff40", times(320, "aa")},
      {"run past the end", 2, 2, 1, "80 aa 04", "!"},
      {"endless run", 2, 2, 1, "80 aa ffffffffffffff", "!"},
      {"run without length", 2, 2, 1, "80 aa", "!"},
      {"129", 2, 2, 1, "81 aa", "!"},
      {"palette runs", 2, 3, 1, "82 aabb 00 81 03 00",
       "aabbbbbb"
       "bbaa"},
      {"palette runs 16", 2, 2, 2, "82 0102 0304 80 02 01",
       "0102"
       "0102"
       "0102"
       "0304"},
      {"palette runs, index outside", 2, 2, 1, "82 aabb 02", "!"},
      {"palette runs, past the end", 2, 2, 1, "82 aabb 80 04", "!"},
      {"nothing", 2, 2, 1, "", "!"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Buffer pixels(std::size_t{row.w} * row.h * row.bytes);
    const auto r = decode_tile(test::hex(row.tile), row.w, row.h, row.bytes, pixels);
    if (row.pixels == "!") {
      EXPECT_FALSE(r);
    } else {
      ASSERT_TRUE(r) << r.error().detail;
      EXPECT_EQ(to_hex(pixels), row.pixels);
    }
  }
}

TEST(ZrleDecoder, ReportedSamples) {
  ZrleDecoder d;  // ui-toolkit: 8 bits, black
  EXPECT_EQ(decoded(d, "789c6264000000 00ffff", 2, 1, 1), "0000");
  EXPECT_EQ(decoded(d, "626400000000ffff", 2, 1, 1), "0000");
  ZrleDecoder e;  // made by a run of MeshCommander's decoder: red, green, blue
  EXPECT_EQ(decoded(e, "789c6264f801000000ffff", 1, 1, 2), "00f8");
  EXPECT_EQ(decoded(e, "627cc00e000000ffff", 1, 1, 2), "e007");
  EXPECT_EQ(decoded(e, "000300fcff011f00", 1, 1, 2), "1f00");
  EXPECT_EQ(e.surplus_bytes(), 0u);
}

TEST(ZrleDecoder, Bounds) {
  ZrleDecoder d;
  EXPECT_EQ(decoded(d, "000300fcff011f00", 65, 1, 2), "!too_large");
  EXPECT_EQ(decoded(d, "000300fcff011f00", 1, 0, 2), "!too_large");
  Buffer pixels(2);
  EXPECT_EQ(d.decode(Buffer(kMaxTileData + 1), 1, 1, 2, pixels).error().code, Errc::TooLarge);
  EXPECT_EQ(decoded(d, "07", 1, 1, 2), "!bad_value");  // no such block
  d.reset();
  EXPECT_EQ(decoded(d, "000300fcff011f00", 1, 1, 2), "1f00");
  EXPECT_EQ(decoded(d, "", 1, 1, 2), "!bad_value");
}

TEST(ZrleDecoder, BombIsStopped) {
  Buffer bomb, zeros(64 * 64 * 2);
  Buffer stored;
  for (int i = 0; i < 3; ++i) {  // three stored blocks of 8 KiB in one tile
    Buffer block = test::hex("00 0020 ffdf");
    append(block, zeros);
    append(stored, block);
  }
  ZrleDecoder d;
  Buffer pixels(64 * 64 * 2);
  EXPECT_EQ(d.decode(stored, 64, 64, 2, pixels).error().code, Errc::TooLarge);
}

Buffer picture(std::mt19937& random, unsigned w, unsigned h, std::size_t bytes, unsigned colours) {
  std::vector<unsigned> palette;
  for (unsigned i = 0; i < colours; ++i) palette.push_back(static_cast<unsigned>(random()) & 0xffff);
  Buffer out;
  unsigned colour = 0, left = 0;
  for (unsigned i = 0; i < w * h; ++i) {
    if (left == 0) {
      colour = palette[random() % colours];
      left = static_cast<unsigned>(random() % 3 == 0 ? random() % 700 : random() % 4);
    } else {
      --left;
    }
    out.push_back(static_cast<std::uint8_t>(colour));
    if (bytes == 2) out.push_back(static_cast<std::uint8_t>(colour >> 8));
  }
  return out;
}

// Every form, every shape of tile, both pixel sizes, widths with and without padding, on one stream.
TEST(ZrleRoundTrip, FourForms) {
  for (const ZrleForm form : {ZrleForm::Stored, ZrleForm::Zlib, ZrleForm::ZlibStored, ZrleForm::RawDeflate}) {
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{2}}) {
      std::mt19937 random(7);
      ZrleEncoder encoder(form);
      ZrleDecoder decoder;
      for (int i = 0; i < 120; ++i) {
        const unsigned w = i % 3 == 0 ? 64 : 1 + static_cast<unsigned>(random() % 64);
        const unsigned h = i % 5 == 0 ? 64 : 1 + static_cast<unsigned>(random() % 64);
        const unsigned colours[] = {1, 2, 3, 4, 5, 16, 17, 100, 127, 128, 3000};
        const Buffer pixels = picture(random, w, h, bytes, colours[i % 11]);
        std::optional<TileKind> kind;
        if (i % 2) kind = static_cast<TileKind>(i / 2 % 5);
        Buffer out;
        encoder.encode(out, pixels, w, h, bytes, kind);
        ASSERT_LE(out.size(), kMaxTileData);
        Buffer back(pixels.size());
        const Result<void> r = decoder.decode(Bytes(out).subspan(4), w, h, bytes, back);
        ASSERT_TRUE(r) << r.error().detail << " form " << static_cast<int>(form) << " tile " << i;
        ASSERT_EQ(back, pixels) << "form " << static_cast<int>(form) << " tile " << i;
      }
      EXPECT_EQ(decoder.surplus_bytes(), 0u);
    }
  }
}

TEST(ZrleRoundTrip, FramingOfEachForm) {
  const Buffer red = test::hex("00f8");
  const auto first_two = [&](ZrleForm form) {
    ZrleEncoder e(form);
    Buffer out;
    e.encode(out, red, 1, 1, 2);
    e.encode(out, red, 1, 1, 2);
    return to_hex(out);
  };
  EXPECT_EQ(first_two(ZrleForm::Stored), times(2,
                                               "00000008"
                                               "000300fcff0100f8"));
  EXPECT_EQ(first_two(ZrleForm::ZlibStored),
            "0000000a"
            "7801000300fcff0100f8"
            "00000008"
            "000300fcff0100f8");
  EXPECT_EQ(first_two(ZrleForm::Zlib).substr(8, 22), "789c6264f801000000ffff");
  EXPECT_EQ(first_two(ZrleForm::RawDeflate).substr(8, 18), "6264f801000000ffff");
}

// A device that turns compression on or off in mid-connection, as KvmExtCmd 4 does.
TEST(ZrleRoundTrip, ChangesForm) {
  const Buffer red = test::hex("00f8");
  ZrleDecoder d;
  for (const ZrleForm form :
       {ZrleForm::Stored, ZrleForm::Zlib, ZrleForm::Stored, ZrleForm::ZlibStored, ZrleForm::Zlib}) {
    ZrleEncoder e(form);
    for (int i = 0; i < 3; ++i) {
      Buffer out, back(2);
      e.encode(out, red, 1, 1, 2);
      ASSERT_TRUE(d.decode(Bytes(out).subspan(4), 1, 1, 2, back)) << static_cast<int>(form);
      EXPECT_EQ(back, red);
    }
  }
}

TEST(ZrleTile, PicksTheShortest) {
  Buffer out;
  EXPECT_EQ(encode_tile(out, Buffer(64), 8, 8, 1), TileKind::Solid);
  Buffer chess(64);
  for (std::size_t i = 0; i < 64; ++i) chess[i] = (i + i / 8) % 2;
  EXPECT_EQ(encode_tile(out, chess, 8, 8, 1), TileKind::Packed);
  EXPECT_EQ(encode_tile(out, Bytes(chess).first(63), 7, 9, 1), TileKind::Raw)
      << "no packed rows that end inside a byte";
  EXPECT_EQ(encode_tile(out, chess, 8, 8, 1, TileKind::Solid), TileKind::Packed) << "not to be had";
}

}  // namespace
}  // namespace amtgate::rfb
