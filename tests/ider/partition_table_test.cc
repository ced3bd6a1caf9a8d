// The partitions of disks, as the map of a medium names them.
#include <gtest/gtest.h>

#include "tests/ider/drawn_image.h"

namespace amtgate::ider {
namespace {

using test::at;

constexpr std::size_t kHeader = 512, kEntries = 1024;
constexpr std::string_view kEfi("\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b", 16);

/// A disk of 500 sectors with a protective master boot record and an empty GUID partition table.
class Disk : public test::DrawnImage {
 public:
  explicit Disk(std::uint32_t block_size = 512) : DrawnImage(block_size, 500 * 512 / block_size) {
    le16(510, 0xaa55);
    old(0, 0xee, 1, 499);
    text(kHeader, "EFI PART");
    le64(kHeader + 72, kEntries / 512);
    le32(kHeader + 80, 128);
    le32(kHeader + 84, 128);
  }
  void old(std::size_t i, unsigned type, std::uint32_t first, std::uint32_t count) {
    u8(446 + i * 16 + 4, type);
    le32(446 + i * 16 + 8, first);
    le32(446 + i * 16 + 12, count);
  }
  void entry(std::size_t i, std::string_view type, std::uint64_t first, std::uint64_t last,
             std::u16string_view label) {
    const std::size_t where = kEntries + i * 128;
    text(where, type);
    le64(where + 32, first);
    le64(where + 40, last);
    for (std::size_t c = 0; c < label.size(); ++c) le16(where + 56 + c * 2, label[c]);
  }
};

TEST(PartitionTable, GuidPartitionsHaveNumberAndLabel) {
  Disk disk;
  disk.entry(0, kEfi, 64, 99, u"EFI system partition");
  disk.entry(2, "0123456789abcdef", 100, 199, u"Grüße\u0007");
  disk.entry(127, "0123456789abcdef", 200, 200, u"");
  disk.entry(5, "0123456789abcdef", 300, 310, u"abcdefghijklmnopqrstuvwxyz0123456789");
  const MediumMap map = MediumMap::read(disk);
  EXPECT_EQ(at(map, 63), "-");
  EXPECT_EQ(at(map, 64), "partition 1 (EFI) 0");
  EXPECT_EQ(at(map, 99), "partition 1 (EFI) 97");
  EXPECT_EQ(at(map, 150), "partition 3 (Gr\xc3\xbc\xc3\x9f\x65?) 50");
  EXPECT_EQ(at(map, 200), "partition 128 0");
  EXPECT_EQ(at(map, 201), "-");
  EXPECT_EQ(at(map, 300), "partition 6 (abcdefghijklmnopqrstuvwxyz0123456789) 0");
}

TEST(PartitionTable, SectorsAreOf512BytesOnACdToo) {
  Disk disk(2048);
  disk.entry(0, kEfi, 64, 103, u"");
  const MediumMap map = MediumMap::read(disk);
  EXPECT_EQ(at(map, 15), "-");
  EXPECT_EQ(at(map, 16), "partition 1 (EFI) 0");
  EXPECT_EQ(at(map, 25), "partition 1 (EFI) 90");
  EXPECT_EQ(at(map, 26), "-");
}

TEST(PartitionTable, AMasterBootRecordOfItsOwnCounts) {
  Disk disk;
  disk.entry(0, kEfi, 64, 99, u"");
  disk.old(0, 0x0c, 50, 100);  // no protective one any more: a tool that knows of no other has written it
  EXPECT_EQ(at(MediumMap::read(disk), 64), "partition 1 14");
  disk.old(0, 0, 0, 0);
  EXPECT_EQ(at(MediumMap::read(disk), 64), "partition 1 (EFI) 0") << "nothing is no partition";
}

TEST(PartitionTable, WhatCannotBeIsLeftOut) {
  Disk disk;
  disk.entry(0, kEfi, 99, 64, u"backwards");
  disk.entry(1, kEfi, 0, 10, u"over the table");
  disk.entry(2, kEfi, 400, ~std::uint64_t{0}, u"behind the end");
  disk.entry(3, kEfi, 100, 109, u"good");
  EXPECT_EQ(at(MediumMap::read(disk), 64), "-");
  EXPECT_EQ(at(MediumMap::read(disk), 401), "-");
  EXPECT_EQ(at(MediumMap::read(disk), 100), "partition 4 (EFI) 0");
  const auto broken = [&](std::size_t where, std::uint64_t value) {
    Disk copy = disk;
    copy.le64(where, value);
    return at(MediumMap::read(copy), 100);
  };
  EXPECT_EQ(broken(kHeader, 0), "partition 1 19") << "no table: what the old one says";
  EXPECT_EQ(broken(kHeader + 72, ~std::uint64_t{0}), "partition 1 19");
  EXPECT_EQ(broken(kHeader + 72, 499), "partition 1 19") << "it does not fit";
  EXPECT_EQ(broken(kHeader + 80, std::uint64_t{127} << 32 | 4), "partition 1 19") << "entries too short";
  EXPECT_EQ(broken(kHeader + 80, std::uint64_t{0xffffffff} << 32 | 0xffffffff), "partition 1 19");
}

}  // namespace
}  // namespace amtgate::ider
