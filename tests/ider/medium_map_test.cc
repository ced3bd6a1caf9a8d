#include "amtgate/ider/medium_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "tests/ider/memory_source.h"

namespace amtgate::ider {
namespace {

/// An image that is written by hand, sector by sector.
class Image final : public BlockSource {
 public:
  explicit Image(std::uint32_t sectors = 100) : bytes(std::size_t{sectors} * 2048) {}
  std::uint32_t block_size() const override { return 2048; }
  SectorCount blocks() const override { return {static_cast<std::uint32_t>(bytes.size() / 2048)}; }
  Result<Fetch> read(Lba first, MutableBytes out) override {
    if (std::size_t{first.value} * 2048 + out.size() > bytes.size()) return Error{Errc::BadValue, "outside"};
    if (broken(first.value)) return Error{Errc::System, "broken"};
    std::memcpy(out.data(), &bytes[std::size_t{first.value} * 2048], out.size());
    return Fetch::Done;
  }
  void text(std::size_t sector, std::size_t at, std::string_view what) {
    std::memcpy(&bytes[sector * 2048 + at], what.data(), what.size());
  }
  void le32(std::size_t sector, std::size_t at, std::uint32_t v) {
    for (unsigned i = 0; i < 4; ++i) bytes[sector * 2048 + at + i] = static_cast<std::uint8_t>(v >> (8 * i));
  }
  void u8(std::size_t sector, std::size_t at, unsigned v) {
    bytes[sector * 2048 + at] = static_cast<std::uint8_t>(v);
  }

  void descriptor(std::size_t sector, unsigned type, std::uint32_t root, std::uint32_t root_bytes) {
    u8(sector, 0, type);
    text(sector, 1, "CD001\1");
    u8(sector, 129, 8);  // 2048
    u8(sector, 156, 34);
    le32(sector, 158, root);
    le32(sector, 166, root_bytes);
  }
  /// A directory record; gives where the next one goes.
  std::size_t record(std::size_t sector, std::size_t at, std::string_view name, std::uint32_t extent,
                     std::uint32_t size, bool directory = false, std::string_view area = "") {
    std::size_t n = 33 + name.size() + (name.size() % 2 == 0 ? 1 : 0) + area.size();
    n += n % 2;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(sector * 2048 + at), n, std::uint8_t{0});
    u8(sector, at, static_cast<unsigned>(n));
    le32(sector, at + 2, extent);
    le32(sector, at + 10, size);
    u8(sector, at + 25, directory ? 2 : 0);
    u8(sector, at + 32, static_cast<unsigned>(name.size()));
    text(sector, at + 33, name);
    text(sector, at + 33 + name.size() + (name.size() % 2 == 0 ? 1 : 0), area);
    return at + n;
  }
  static constexpr std::string_view kSelf{"\0", 1}, kParent{"\1", 1};

  Buffer bytes;
  std::function<bool(std::uint32_t)> broken = [](std::uint32_t) { return false; };
};

std::string at(const MediumMap& map, std::uint32_t lba) {
  const auto p = map.at({lba});
  return p ? std::string(p->name) + " " + std::to_string(p->percent) : "-";
}

/// Root at 30 with a file and a folder, that with one of ten sectors.
Image simple() {
  Image i;
  i.descriptor(16, 1, 30, 2048);
  i.descriptor(17, 255, 0, 0);
  std::size_t n = i.record(30, 0, Image::kSelf, 30, 2048, true);
  n = i.record(30, n, Image::kParent, 30, 2048, true);
  n = i.record(30, n, "README.TXT;1", 40, 3000);
  i.record(30, n, "BOOT", 31, 2048, true);
  n = i.record(31, 0, Image::kSelf, 31, 2048, true);
  n = i.record(31, n, Image::kParent, 30, 2048, true);
  i.record(31, n, "VMLINUZ.;1", 50, 10 * 2048);
  return i;
}

TEST(MediumMap, NamesTheFilesOfIso9660) {
  Image image = simple();
  const MediumMap map = MediumMap::read(image);
  EXPECT_EQ(at(map, 16), "(volume descriptors) 0");
  EXPECT_EQ(at(map, 30), "/ 0");
  EXPECT_EQ(at(map, 31), "/BOOT/ 0");
  EXPECT_EQ(at(map, 40), "/README.TXT 0");
  EXPECT_EQ(at(map, 41), "/README.TXT 50");
  EXPECT_EQ(at(map, 42), "-");
  EXPECT_EQ(at(map, 50), "/BOOT/VMLINUZ 0");
  EXPECT_EQ(at(map, 59), "/BOOT/VMLINUZ 90");
  EXPECT_EQ(at(map, 60), "-");
  EXPECT_EQ(at(map, 0xffffffff), "-");
}

TEST(MediumMap, PrefersRockRidgeThenJoliet) {
  Image image = simple();
  // Joliet: its own directories, names in UCS-2.
  image.descriptor(17, 2, 32, 2048);
  image.text(17, 88, "%/E");
  image.descriptor(18, 255, 0, 0);
  std::size_t n = image.record(32, 0, Image::kSelf, 32, 2048, true);
  n = image.record(32, n, Image::kParent, 32, 2048, true);
  image.record(32, n, std::string_view("\0L\0i\0e\0s\0 \0\xe4\0\7\x20\xac\0;\0001", 20), 40, 3000);
  EXPECT_EQ(at(MediumMap::read(image), 40), "/Lies \xc3\xa4?\xe2\x82\xac 0");
  // Rock Ridge: the root says SP, files have NM.
  n = image.record(30, 0, Image::kSelf, 30, 2048, true, std::string_view("SP\x07\x01\xbe\xef\0", 7));
  n = image.record(30, n, Image::kParent, 30, 2048, true);
  n = image.record(30, n, "README.TXT;1", 40, 3000, false, std::string_view("PX\x05\x01xNM\x0b\x01\0Readme", 16));
  image.record(30, n, "BOOT", 31, 2048, true, std::string_view("NM\x08\x01\1bo\x1bNM\x06\x01\0t", 14));
  const MediumMap map = MediumMap::read(image);
  EXPECT_EQ(at(map, 40), "/Readme 0");
  EXPECT_EQ(at(map, 50), "/bo?t/VMLINUZ 0");
}

TEST(MediumMap, KnowsBootImagesAndPartitions) {
  Image image = simple();
  image.descriptor(17, 0, 0, 0);
  image.text(17, 7, "EL TORITO SPECIFICATION");
  image.le32(17, 0x47, 20);
  image.descriptor(18, 255, 0, 0);
  image.u8(20, 0, 1);
  image.u8(20, 30, 0x55);
  image.u8(20, 31, 0xaa);
  image.u8(20, 32, 0x88);
  image.u8(20, 38, 4);
  image.le32(20, 40, 70);
  image.u8(20, 64, 0x91);
  image.u8(20, 65, 0xef);
  image.u8(20, 96, 0x88);
  image.u8(20, 102, 12);
  image.le32(20, 104, 75);
  MediumMap map = MediumMap::read(image);
  EXPECT_EQ(at(map, 20), "(boot catalogue) 0");
  EXPECT_EQ(at(map, 70), "(boot image) 0");
  EXPECT_EQ(at(map, 71), "-");
  EXPECT_EQ(at(map, 77), "(EFI boot image) 66");
  // A hybrid: a partition over all of it, and one for EFI.
  image.u8(0, 510, 0x55);
  image.u8(0, 511, 0xaa);
  image.u8(0, 446, 0x80);
  image.u8(0, 450, 0x17);
  image.le32(0, 458, 400);
  image.u8(0, 466, 0xef);
  image.le32(0, 470, 320);
  image.le32(0, 474, 40);
  map = MediumMap::read(image);
  EXPECT_EQ(at(map, 5), "partition 1 5");
  EXPECT_EQ(at(map, 85), "partition 2 (EFI) 50");
  EXPECT_EQ(at(map, 95), "partition 1 95");
  EXPECT_EQ(at(map, 40), "/README.TXT 0");
}

TEST(MediumMap, LeavesOutWhatIsBroken) {
  Image none(3);
  EXPECT_EQ(at(MediumMap::read(none), 0), "-");
  // A folder that is its own child, one behind the end, a record longer than its sector, a name longer than it.
  Image image = simple();
  std::size_t n = image.record(31, 0, Image::kSelf, 31, 2048, true);
  n = image.record(31, n, "LOOP", 30, 2048, true);
  n = image.record(31, n, "FAR", 5000, 2048, true);
  n = image.record(31, n, "HUGE", 60, 0xffffffff, true);
  n = image.record(31, n, "FILE", 0xffffffff, 0xffffffff);
  n = image.record(31, n, "LONG", 50, 0xffffffff);
  const std::size_t cut = n;
  n = image.record(31, n, "CUT", 80, 2048);
  image.u8(31, cut + 32, 200);
  image.u8(31, n, 255);
  MediumMap map = MediumMap::read(image);
  EXPECT_EQ(at(map, 40), "/README.TXT 0");
  EXPECT_EQ(at(map, 99), "/BOOT/LONG 98");
  EXPECT_EQ(at(map, 30), "/ 0");
  // Sectors that cannot be read.
  image.broken = [](std::uint32_t lba) { return lba == 31; };
  map = MediumMap::read(image);
  EXPECT_EQ(at(map, 40), "/README.TXT 0");
  EXPECT_EQ(at(map, 99), "-");
  image.broken = [](std::uint32_t) { return true; };
  EXPECT_EQ(MediumMap::read(image).files(), 0u);
  // Floppies are looked at for partitions alone.
  test::MemorySource floppy(512, 2880);
  EXPECT_EQ(at(MediumMap::read(floppy), 1), "-");
}

TEST(MediumMap, IsBounded) {
  // Each folder holds sixty others; every sector is one of them.
  Image image(4000);
  image.descriptor(16, 1, 30, 2048);
  for (std::uint32_t s = 30; s < 4000; ++s) {
    std::size_t n = 0;
    for (unsigned i = 0; n < 1990; ++i)
      n = image.record(s, n, std::string(8, static_cast<char>('A' + i % 26)), 30 + (s * 60 + i) % 3970, 2048, true);
  }
  const MediumMap map = MediumMap::read(image);
  EXPECT_LE(map.files(), 4000u);
  for (std::uint32_t s = 0; s < 4000; ++s) {
    const auto p = map.at({s});
    if (p) {
      EXPECT_LE(p->name.size(), MediumMap::kMaxPath + 1);
    }
  }
}

}  // namespace
}  // namespace amtgate::ider
