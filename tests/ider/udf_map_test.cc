#include <gtest/gtest.h>

#include "tests/ider/drawn_image.h"

namespace amtgate::ider {
namespace {

using test::at;

/// A DVD of 400 sectors: the recognition sequence at 16, the anchor at 256, its sequence from 32 on, partition 0 from
/// 260 on, which holds the file set in its block 0 and the root's entry in its block 1.
struct Dvd : test::DrawnImage {
  static constexpr std::uint32_t kStart = 260;
  static constexpr unsigned kShort = 0, kLong = 1, kInline = 3;

  explicit Dvd(std::size_t sectors = 400) : DrawnImage(2048, sectors) {
    text(16 * 2048, std::string_view("\0BEA01\1", 7));
    text(17 * 2048, std::string_view("\0NSR02\1", 7));
    text(18 * 2048, std::string_view("\0TEA01\1", 7));
    le32(256 * 2048 + 16, 16 * 2048);
    le32(256 * 2048 + 20, 32);
    tag(256, 2);
    le32(32 * 2048 + 188, kStart);
    le32(32 * 2048 + 192, static_cast<std::uint32_t>(sectors) - kStart);
    tag(32, 5);
    const std::size_t logical = 33 * 2048;
    le32(logical + 212, 2048);
    le32(logical + 248, 2048);  // the file set
    le32(logical + 264, 6);
    le32(logical + 268, 1);
    u8(logical + 440, 1);
    u8(logical + 441, 6);
    tag(33, 6);
    tag(34, 8);
    file_set(0, 1, 0);
  }
  void tag(std::size_t sector, unsigned id) { tag_at(sector * 2048, id); }
  void tag_at(std::size_t where, unsigned id) {
    le16(where, id);
    unsigned sum = 0;
    for (std::size_t i = 0; i < 16; ++i) sum += i == 4 ? 0U : bytes[where + i];
    u8(where + 4, sum);
  }
  void file_set(std::uint32_t block, std::uint32_t root, unsigned partition) {
    const std::size_t set = (kStart + block) * 2048;
    le32(set + 400, 2048);
    le32(set + 404, root);
    le16(set + 408, partition);
    tag(kStart + block, 256);
  }
  /// A file entry; gives where its descriptors go.
  std::size_t entry(std::uint32_t block, unsigned type, unsigned kind, std::uint64_t size, std::uint32_t descriptors,
                    unsigned id = 261) {
    const std::size_t e = (kStart + block) * 2048, lengths = id == 261 ? 168 : 208;
    u8(e + 27, type);
    le16(e + 34, kind);
    le64(e + 56, size);
    le32(e + lengths + 4, descriptors);
    tag(kStart + block, id);
    return e + lengths + 8;
  }
  void extent(std::size_t& where, std::uint32_t length, std::uint32_t block, int partition = -1) {
    le32(where, length);
    le32(where + 4, block);
    if (partition >= 0) le16(where + 8, static_cast<unsigned>(partition));
    where += partition >= 0 ? 16 : 8;
  }
  void identifier(std::size_t& where, std::string_view name, std::uint32_t icb, unsigned characteristics = 0,
                  unsigned partition = 0) {
    u8(where + 18, characteristics);
    u8(where + 19, static_cast<unsigned>(name.size()));
    le32(where + 20, 2048);
    le32(where + 24, icb);
    le16(where + 28, partition);
    text(where + 38, name);
    tag_at(where, 257);
    where += (38 + name.size() + 3) / 4 * 4;
  }
  /// A root directory in block 2 with one file, whose entry is block 3.
  void plain() {
    std::size_t list = entry(1, 4, kShort, 2048, 8);
    extent(list, 2048, 2);
    std::size_t names = (kStart + 2) * 2048;
    identifier(names, "", 1, 8);
    identifier(names, std::string_view("\x08one.bin"), 3);
  }
};

TEST(UdfMap, ShortAndLongAndInline) {
  Dvd d;
  std::size_t list = d.entry(1, 4, Dvd::kShort, 400, 8);
  d.extent(list, 400, 2);
  std::size_t names = (Dvd::kStart + 2) * 2048;
  d.identifier(names, "", 1, 8);
  d.identifier(names, "\x08short.bin", 3);
  d.identifier(names, std::string_view("\x10\x20\xac\0 \xd8\x3d\xde\0", 9), 4);
  d.identifier(names, "\x08gone", 5, 4);
  d.identifier(names, "\x08inside", 6);
  d.identifier(names, "\x08link", 3);
  d.u8((Dvd::kStart + 1) * 2048 + 56, static_cast<unsigned>(names - (Dvd::kStart + 2) * 2048));
  list = d.entry(3, 5, Dvd::kShort, 3 * 2048, 16);
  d.extent(list, 2 * 2048, 20);
  d.extent(list, 2048, 40);
  list = d.entry(4, 5, Dvd::kLong, 4 * 2048, 48, 266);
  d.extent(list, 2048, 50, 0);
  d.extent(list, 2048 | 2U << 30, 0, 0);  // a hole
  d.extent(list, 2048 * 2, 60, 0);
  d.entry(5, 5, Dvd::kShort, 2048, 8);
  // A directory that is in its entry.
  list = d.entry(6, 4, Dvd::kInline, 60, 60);
  std::size_t inside = list;
  d.identifier(inside, "\x08small", 7);
  list = d.entry(7, 5, Dvd::kInline, 5, 5);
  const MediumMap map = MediumMap::read(d);
  const auto of = [&](std::uint32_t block) { return at(map, Dvd::kStart + block); };
  EXPECT_EQ(at(map, 33), "(volume descriptors) 6");
  EXPECT_EQ(of(1), "/ 0");
  EXPECT_EQ(of(2), "/ 0");
  EXPECT_TRUE(of(20) == "/short.bin 0" || of(20) == "/link 0") << of(20);
  EXPECT_TRUE(of(40) == "/short.bin 66" || of(40) == "/link 66") << of(40);
  EXPECT_EQ(of(22), "-");
  EXPECT_EQ(of(50), "/\xe2\x82\xac \xf0\x9f\x98\x80 0");
  EXPECT_EQ(of(61), "/\xe2\x82\xac \xf0\x9f\x98\x80 66");
  EXPECT_EQ(of(6), "/inside/ 0");
  EXPECT_EQ(of(7), "/inside/small 0");
  EXPECT_EQ(of(0), "-");
}

TEST(UdfMap, DescriptorsThatGoOnElsewhere) {
  Dvd d;
  d.plain();
  std::size_t list = d.entry(3, 5, Dvd::kShort, 4 * 2048, 16);
  d.extent(list, 2048, 20);
  d.extent(list, 2048 | 3U << 30, 10);
  std::size_t more = (Dvd::kStart + 10) * 2048;
  d.le32(more + 20, 16);
  d.tag(Dvd::kStart + 10, 258);
  more += 24;
  d.extent(more, 2 * 2048, 30);
  d.extent(more, 2048 | 3U << 30, 10);  // and there again: for ever
  const MediumMap map = MediumMap::read(d);
  EXPECT_EQ(at(map, Dvd::kStart + 20), "/one.bin 0");
  EXPECT_EQ(at(map, Dvd::kStart + 31).substr(0, 8), "/one.bin");
  // An endless list of nothing.
  more = (Dvd::kStart + 10) * 2048 + 24;
  d.extent(more, 2048 | 3U << 30, 10);
  d.reads = 0;
  MediumMap::read(d);
  EXPECT_LE(d.reads, MediumMap::kMaxReads);
}

TEST(UdfMap, AMetadataPartition) {
  Dvd d;
  // Two maps: partition 0 as it is, and its metadata file (entry in block 100), which lies in two pieces.
  const std::size_t logical = 33 * 2048;
  d.le16(logical + 248 + 8, 1);
  d.le32(logical + 264, 70);
  d.le32(logical + 268, 2);
  d.u8(logical + 446, 2);
  d.u8(logical + 447, 64);
  d.text(logical + 446 + 5, "*UDF Metadata Partition");
  d.le16(logical + 446 + 36, 1);
  d.le32(logical + 446 + 40, 100);
  d.le32(logical + 446 + 44, 101);
  d.tag(33, 6);
  for (const std::uint32_t block : {100U, 101U}) {
    std::size_t list = d.entry(block, block == 100 ? 250 : 251, Dvd::kShort, 4 * 2048, 16, 266);
    d.extent(list, 2 * 2048, 110);
    d.extent(list, 2 * 2048, 120);
  }
  // Metadata blocks 0 to 3 are 110, 111, 120, 121: file set, root, names, a file's entry.
  d.file_set(110, 1, 1);
  std::size_t list = d.entry(111, 4, Dvd::kShort, 200, 8, 266);
  d.extent(list, 200, 2);
  std::size_t names = (Dvd::kStart + 120) * 2048;
  d.identifier(names, "\x08video.bin", 3, 0, 1);
  d.u8((Dvd::kStart + 111) * 2048 + 56, static_cast<unsigned>(names - (Dvd::kStart + 120) * 2048));
  list = d.entry(121, 5, Dvd::kLong, 2 * 2048, 16, 266);
  d.extent(list, 2 * 2048, 5, 0);
  MediumMap map = MediumMap::read(d);
  EXPECT_EQ(at(map, Dvd::kStart + 111), "/ 0");
  EXPECT_EQ(at(map, Dvd::kStart + 120), "/ 0");
  EXPECT_EQ(at(map, Dvd::kStart + 6), "/video.bin 50");
  d.tag(Dvd::kStart + 100, 0);  // the first is broken: there is its mirror
  map = MediumMap::read(d);
  EXPECT_EQ(at(map, Dvd::kStart + 6), "/video.bin 50");
  d.tag(Dvd::kStart + 101, 0);
  EXPECT_EQ(MediumMap::read(d).files(), 0u);
}

TEST(UdfMap, LeavesOutWhatIsBroken) {
  Dvd d;
  d.plain();
  std::size_t list = d.entry(3, 5, Dvd::kShort, ~std::uint64_t{0}, 8);
  d.extent(list, 0x3fffffff, 100);
  EXPECT_EQ(at(MediumMap::read(d), 399), "/one.bin 97");  // as far as the partition goes
  // A folder in itself, one behind the end, a name longer than what is left, descriptors longer than their entry.
  std::size_t names = (Dvd::kStart + 2) * 2048;
  d.identifier(names, "\x08self", 1);
  d.identifier(names,
               "\x08"
               "far",
               0xffffffff);
  d.identifier(names, "\x08wide", 4);
  const std::size_t wide = names;
  d.identifier(names,
               "\x08"
               "cut",
               3);
  d.le16(wide + 36, 0xffff);
  d.entry(4, 5, Dvd::kShort, 2048, 0xffffffff);
  EXPECT_EQ(MediumMap::read(d).files(), 3u);  // descriptors and twice "/"
  for (const std::size_t sector : {32U, 33U, 256U, Dvd::kStart, Dvd::kStart + 1}) {
    Dvd other;
    other.plain();
    other.bytes[sector * 2048 + 4] ^= 1;
    const MediumMap map = MediumMap::read(other);
    EXPECT_LE(map.files(), 1u) << sector;
  }
}

TEST(UdfMap, ManyNamesForOneFileAreBounded) {
  // Every block of the root directory is full of links to one file with as many descriptors as it can have.
  Dvd d(1200);
  std::size_t list = d.entry(1, 4, Dvd::kShort, 800 * 2048, 8);
  d.extent(list, 800 * 2048, 10);
  std::size_t names = (Dvd::kStart + 10) * 2048;
  while (names < (Dvd::kStart + 800) * 2048) d.identifier(names, "\x08x", 3);
  list = d.entry(3, 5, Dvd::kShort, ~std::uint64_t{0}, 1800);
  for (unsigned i = 0; i < 225; ++i) d.extent(list, 2048, 900);
  const MediumMap map = MediumMap::read(d);
  EXPECT_LE(map.files(), MediumMap::kMaxFiles);
  EXPECT_LE(d.reads, MediumMap::kMaxReads);
}

}  // namespace
}  // namespace amtgate::ider
