#include "amtgate/image/chunk_map.h"

#include <gtest/gtest.h>

namespace amtgate::image {
namespace {

CacheRecord record(std::uint64_t size = 10 * kChunk + 5) {
  CacheRecord out{
      "http://host/x.iso", "0123456789abcdef-fedcba9876543210.data", {size, "\"tag\"", "a date"}, ChunkMap(size)};
  out.map.set(0);
  out.map.set(10);
  return out;
}

TEST(ChunkMap, CountsTheShortLastChunk) {
  CacheRecord r = record();
  EXPECT_EQ(r.map.chunks(), 11U);
  EXPECT_EQ(r.map.count(), 2U);
  EXPECT_EQ(r.map.bytes(), kChunk + 5);
  EXPECT_EQ(r.map.end_of(10), 10 * kChunk + 5);
  EXPECT_FALSE(r.map.whole());
  for (std::uint64_t i = 0; i < 11; ++i) r.map.set(i);
  EXPECT_TRUE(r.map.whole());
  EXPECT_EQ(r.map.bytes(), 10 * kChunk + 5);
}

TEST(ChunkMap, ComesBackFromItsFile) {
  const CacheRecord r = record();
  const Result<CacheRecord> back = parse_record(to_text(r));
  ASSERT_TRUE(back) << back.error().detail;
  EXPECT_EQ(back->url, r.url);
  EXPECT_EQ(back->data, r.data);
  EXPECT_EQ(back->identity, r.identity);
  EXPECT_EQ(back->map.bits(), r.map.bits());
  EXPECT_EQ(back->map.count(), 2U);
}

TEST(ChunkMap, ATornFileIsRefused) {
  const std::string text = to_text(record());
  for (std::size_t n = 0; n < text.size(); ++n) EXPECT_FALSE(parse_record(text.substr(0, n))) << n;
  std::string flipped = text;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_FALSE(parse_record(flipped));
  EXPECT_FALSE(parse_record(text + "x"));
}

TEST(ChunkMap, ItsBytesLieBesideIt) {
  for (const char* name : {"../../etc/passwd", "/etc/passwd", "x.data", ".data", "a/b.data", "a.map"}) {
    CacheRecord r = record();
    r.data = name;
    EXPECT_FALSE(parse_record(to_text(r))) << name;
  }
}

TEST(ChunkMap, MoreBitsThanChunksAreRefused) {
  Buffer bits(2);
  bits[1] = 0x08;  // chunk 11 of 11
  EXPECT_FALSE(ChunkMap::from_bits(10 * kChunk + 5, bits));
  EXPECT_FALSE(ChunkMap::from_bits(0, {}));
  EXPECT_FALSE(ChunkMap::from_bits(kMaxImage + 1, bits));
}

}  // namespace
}  // namespace amtgate::image
