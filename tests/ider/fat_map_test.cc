#include <gtest/gtest.h>

#include "tests/ider/drawn_image.h"

namespace amtgate::ider {
namespace {

using test::at;

/// Sectors of 512 bytes, clusters of one: a boot sector, FATs of two sectors at 1 and 3, a root directory of one at
/// 5, clusters from 6 on; cluster N is sector N + 4. FAT32: no root directory of its own, cluster N is sector N + 3.
struct Disk : test::DrawnImage {
  explicit Disk(unsigned bits = 12, std::size_t sectors = 300) : DrawnImage(512, sectors), fat_bits(bits) {
    text(0, "\xeb\x3c\x90MSDOS5.0");
    le16(11, 512);
    u8(13, 1);
    le16(14, 1);
    u8(16, 2);
    le16(17, bits == 32 ? 0 : 16);
    le16(19, static_cast<unsigned>(sectors));
    u8(21, 0xf0);
    if (bits == 32) {
      le32(36, 2);
      le32(44, 2);
    } else {
      le16(22, 2);
    }
  }
  std::uint32_t sector(std::uint32_t cluster) const { return cluster + (fat_bits == 32 ? 3 : 4); }
  void next(std::uint32_t cluster, std::uint32_t follows) {
    if (fat_bits == 32) return le32(512 + cluster * 4, follows);
    const std::size_t where = 512 + cluster + cluster / 2;
    const unsigned old = bytes[where] | unsigned{bytes[where + 1]} << 8;
    le16(where, cluster % 2 == 0 ? (old & 0xf000) | (follows & 0xfff) : (old & 0xf) | (follows & 0xfff) << 4);
  }
  void chain(std::uint32_t first, std::uint32_t n) {
    for (std::uint32_t i = 0; i + 1 < n; ++i) next(first + i, first + i + 1);
    next(first + n - 1, 0x0fffffff);
  }
  /// An entry of the directory in a sector.
  void entry(std::uint32_t in, unsigned number, std::string_view name, unsigned attributes, std::uint32_t cluster,
             std::uint32_t size, unsigned cases = 0) {
    const std::size_t e = in * 512 + number * 32;
    text(e, name);
    u8(e + 11, attributes);
    u8(e + 12, cases);
    le16(e + 20, cluster >> 16);
    le16(e + 26, cluster & 0xffff);
    le32(e + 28, size);
  }
  void long_part(std::uint32_t in, unsigned number, unsigned order, unsigned sum, std::u16string_view part) {
    const std::size_t e = in * 512 + number * 32;
    static constexpr std::size_t kPlaces[] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    u8(e, order);
    u8(e + 11, 0x0f);
    u8(e + 13, sum);
    for (std::size_t i = 0; i < 13; ++i)
      le16(e + kPlaces[i], i < part.size() ? part[i] : i == part.size() ? 0 : 0xffff);
  }
  static unsigned sum_of(std::string_view name) {
    unsigned sum = 0;
    for (const char c : name) sum = (((sum & 1) << 7 | sum >> 1) + static_cast<unsigned char>(c)) & 0xff;
    return sum;
  }
  unsigned fat_bits;
};

TEST(FatMap, NamesShortAndLong) {
  Disk d;
  d.entry(5, 0, "LABEL      ", 0x08, 0, 0);
  d.entry(5, 1, "README  TXT", 0x20, 2, 600);
  d.entry(5, 2, "KERNEL  IMG", 0x20, 4, 10, 0x18);
  d.entry(5, 3, "GONE       ", 0x20, 5, 10);
  d.u8(5 * 512 + 3 * 32, 0xe5);
  const unsigned sum = Disk::sum_of("ALONGN~1BIN");
  d.long_part(5, 4, 0x42, sum, u"\u00e4.bin");
  d.long_part(5, 5, 0x01, sum, u"a long name, ");
  d.entry(5, 6, "ALONGN~1BIN", 0x20, 6, 10);
  d.long_part(5, 7, 0x41, 1, u"of another");  // a system that knows no long names has put the next one here
  d.entry(5, 8, "OTHER\xe4     ", 0x20, 7, 10);
  d.chain(2, 2);
  d.chain(4, 1);
  const MediumMap map = MediumMap::read(d);
  EXPECT_EQ(at(map, 0), "(boot sector) 0");
  EXPECT_EQ(at(map, 1), "(FAT) 0");
  EXPECT_EQ(at(map, 5), "/ 0");
  EXPECT_EQ(at(map, d.sector(2)), "/README.TXT 0");
  EXPECT_EQ(at(map, d.sector(3)), "/README.TXT 50");
  EXPECT_EQ(at(map, d.sector(4)), "/kernel.img 0");
  EXPECT_EQ(at(map, d.sector(5)), "-");
  EXPECT_EQ(at(map, d.sector(6)), "/a long name, \xc3\xa4.bin 0");
  EXPECT_EQ(at(map, d.sector(7)), "/OTHER? 0");
}

TEST(FatMap, FollowsChainsInPieces) {
  for (const unsigned bits : {12U, 32U}) {
    Disk d(bits);
    const std::uint32_t root = bits == 32 ? d.sector(2) : 5;
    if (bits == 32) d.chain(2, 1);
    d.entry(root, 0, "FOLDER     ", 0x10, 10, 0);
    d.entry(d.sector(10), 0, ".          ", 0x10, 10, 0);
    d.entry(d.sector(10), 1, "..         ", 0x10, 0, 0);
    d.entry(d.sector(10), 2, "A       BIN", 0x20, 20, 4 * 512);
    d.next(20, 21);
    d.next(21, 40);
    d.chain(40, 2);
    const MediumMap map = MediumMap::read(d);
    EXPECT_EQ(at(map, d.sector(10)), "/FOLDER/ 0");
    EXPECT_EQ(at(map, d.sector(21)), "/FOLDER/A.BIN 25");
    EXPECT_EQ(at(map, d.sector(22)), "-");
    EXPECT_EQ(at(map, d.sector(40)), "/FOLDER/A.BIN 50");
    EXPECT_EQ(at(map, d.sector(41)), "/FOLDER/A.BIN 75");
    EXPECT_EQ(at(map, d.sector(42)), "-");
  }
}

TEST(FatMap, LeavesOutWhatIsBroken) {
  Disk d;
  d.entry(5, 0, "LOOP       ", 0x10, 2, 0);
  d.entry(d.sector(2), 0, "ITSELF     ", 0x10, 2, 0);
  d.next(2, 3);
  d.next(3, 2);
  d.entry(5, 1, "RING    BIN", 0x20, 10, 0xffffffff);
  d.next(10, 11);
  d.next(11, 10);
  d.entry(5, 2, "FAR     BIN", 0x20, 0xfff0, 5000);
  d.entry(5, 3, "ONE     BIN", 0x20, 30, 5000);  // its chain ends too early
  d.next(30, 1);
  d.entry(5, 4, "EMPTY   BIN", 0x20, 0, 0);
  const MediumMap map = MediumMap::read(d);
  EXPECT_EQ(at(map, d.sector(2)), "/LOOP/ 0");
  EXPECT_EQ(at(map, d.sector(30)), "/ONE.BIN 0");
  EXPECT_EQ(at(map, d.sector(31)), "-");
  EXPECT_EQ(at(map, d.sector(10)).substr(0, 9), "/RING.BIN");
  EXPECT_LT(d.reads, 2000u);
  EXPECT_LT(map.files(), 5000u);
}

TEST(FatMap, AFileOfEveryoneElsesClustersIsBounded) {
  // A thousand names for one chain of all clusters: each would take as long as the disk.
  Disk d(32, 2000);
  d.le32(36, 16);  // FATs of 16 sectors each
  for (std::uint32_t c = 2; c < 1900; ++c) d.le32(512 + c * 4, c + 2 < 1900 ? c + 2 : c % 2 == 0 ? 3 : 0x0fffffff);
  const std::uint32_t root = 33;
  for (unsigned i = 0; i < 16; ++i) d.entry(root, i, "SAME    BIN", 0x20, 3, 0xffffffff);
  const MediumMap map = MediumMap::read(d);
  EXPECT_LE(map.files(), 2000u);
}

TEST(FatMap, WhatIsNoFatIsNone) {
  const auto nothing = [](auto change) {
    Disk d;
    d.entry(5, 0, "A          ", 0x20, 2, 1);
    change(d);
    return MediumMap::read(d).files() == 0;
  };
  EXPECT_FALSE(nothing([](Disk&) {}));
  EXPECT_TRUE(nothing([](Disk& d) { d.u8(0, 0); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.le16(11, 0); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.le16(11, 513); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.u8(13, 0); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.u8(13, 3); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.le16(14, 0); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.u8(16, 9); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.le16(17, 0); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.le16(19, 5); }));
  EXPECT_TRUE(nothing([](Disk& d) { d.u8(21, 0); }));
}

}  // namespace
}  // namespace amtgate::ider
