// MediumMap over images that the usual tools make: each block of each file is called by the file's name, and nothing
// else is.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "amtgate/ider/medium_map.h"
#include "amtgate/image/file.h"

namespace amtgate::ider {
namespace {

namespace fs = std::filesystem;

class MadeImages : public testing::Test {
 protected:
  MadeImages() {
    char name[] = "/tmp/amtgate-made.XXXXXX";
    folder_ = ::mkdtemp(name);
    file("short.txt", 100);
    file("efi/boot/bootx64.efi", 5000);
    file("a folder/with one/a long name, \xc3\xa4 and \xe2\x84\x96 1.bin", 40'000);
    file("sources/install.wim", 300'000);
  }
  ~MadeImages() override { fs::remove_all(folder_); }

  void file(const std::string& name, std::size_t size) {
    std::string content(size, '\0');
    for (char& c : content) c = static_cast<char>(random_());
    fs::create_directories((folder_ / "tree" / name).parent_path());
    std::ofstream(folder_ / "tree" / name) << content;
    tree_["/" + name] = content;
  }

  /// False: a program is not here.
  bool run(const std::string& command) {
    const std::string line = "cd " + folder_.string() + " && export LC_ALL=C.UTF-8 && (" + command + ") >log 2>&1";
    const int status = std::system(line.c_str());
    if (WEXITSTATUS(status) == 127) return false;
    EXPECT_EQ(status, 0) << command;
    return true;
  }

  MediumMap map_of(const std::string& image, std::uint32_t block) {
    auto opened = image::File::open(folder_ / image, block);
    EXPECT_TRUE(opened) << opened.error().detail;
    medium_ = std::move(*opened);
    return MediumMap::read(*medium_);
  }

  /// `prefix`: what all names begin with. `step`: what the file system begins files at, a power of 512.
  void check(const MediumMap& map, std::uint32_t step = 2048, const std::string& prefix = "") {
    std::map<std::string, std::pair<std::string, std::size_t>>
        pieces;  // first bytes of a piece: of which file, where
    for (const auto& [name, content] : tree_) {
      for (std::size_t at = 0; at < content.size(); at += step)
        pieces[content.substr(at, std::min<std::size_t>(64, content.size() - at))] = {name, at};
    }
    std::map<std::string, std::size_t> seen;
    const std::uint32_t block = medium_->block_size();
    Buffer bytes(block);
    for (std::uint32_t b = 0; b < medium_->blocks().value; ++b) {
      ASSERT_TRUE(medium_->read({b}, bytes));
      const auto place = map.at({b});
      const std::string called = place ? std::string(place->name) : "";
      bool content = false;
      for (std::size_t n :
           {std::size_t{64}, tree_["/short.txt"].size() % 64, tree_["/efi/boot/bootx64.efi"].size() % step % 64}) {
        const auto found = pieces.find(std::string(as_text(Bytes(bytes).first(n))));
        if (n == 0 || found == pieces.end()) continue;
        content = true;
        EXPECT_EQ(called, prefix + found->second.first) << "block " << b;
        const std::size_t size = tree_[found->second.first].size(), blocks = (size + block - 1) / block;
        if (place && step == block) {
          EXPECT_EQ(place->percent, found->second.second / block * 100 / blocks);
        }
        ++seen[found->second.first];
        break;
      }
      const bool of_tree = called.starts_with(prefix) && tree_.contains(called.substr(prefix.size()));
      if (step == block && !content) {
        EXPECT_FALSE(of_tree) << "block " << b << " is not of " << called;
      }
    }
    for (const auto& [name, text] : tree_) {
      if (step == block) {
        EXPECT_EQ(seen[name], (text.size() + step - 1) / step) << name;
      } else {
        EXPECT_GT(seen[name], 0u) << name;
      }
    }
  }

  /// Names of ISO 9660 lead nowhere any more, as those of an image of Windows do, which are of UDF alone.
  void take_away_iso9660(const std::string& image) {
    std::fstream f(folder_ / image, std::ios::in | std::ios::out | std::ios::binary);
    for (unsigned sector = 16; sector < 32; ++sector) {
      char head[6];
      f.seekg(sector * 2048);
      f.read(head, sizeof head);
      if (std::memcmp(head + 1, "CD001", 5) != 0 || head[0] == 0) continue;
      f.seekp(sector * 2048 + 156);
      f.write(std::string(34, '\0').data(), 34);
    }
  }

  void fat(const std::string& size, const std::string& options) {
    const std::string make =
        "truncate -s " + size + " disk && mkfs.fat " + options + " disk && mcopy -i disk -s tree/* ::";
    if (!run(make)) GTEST_SKIP() << "no mkfs.fat or mcopy";
    check(map_of("disk", 512), 512);
  }

  fs::path folder_;
  std::map<std::string, std::string> tree_;
  std::unique_ptr<image::File> medium_;
  std::mt19937 random_{7};
};

TEST_F(MadeImages, Iso9660) {
  if (!run("genisoimage -quiet -R -J -o cd.iso tree")) GTEST_SKIP() << "no genisoimage";
  check(map_of("cd.iso", 2048));
}

TEST_F(MadeImages, UdfBesideIso9660) {
  if (!run("genisoimage -quiet -udf -R -J -o dvd.iso tree")) GTEST_SKIP() << "no genisoimage";
  check(map_of("dvd.iso", 2048));
}

TEST_F(MadeImages, UdfAlone) {
  if (!run("genisoimage -quiet -udf -J -o dvd.iso tree")) GTEST_SKIP() << "no genisoimage";
  take_away_iso9660("dvd.iso");
  check(map_of("dvd.iso", 2048));
}

TEST_F(MadeImages, Fat12) {
  fat("1440K", "");
}
TEST_F(MadeImages, Fat12WithLargeClusters) {
  fat("2880K", "-s 8");
}
TEST_F(MadeImages, Fat16) {
  fat("32M", "-F 16");
}
TEST_F(MadeImages, Fat32) {
  fat("64M", "-F 32 -s 1");
}
TEST_F(MadeImages, FilesInPieces) {
  // Another file is taken out between two, so that the third has to go into both gaps.
  const std::string fill = tree_["/sources/install.wim"];
  if (!run("truncate -s 1440K disk && mkfs.fat disk && cp tree/sources/install.wim a && head -c 400000 /dev/zero >b "
           "&& "
           "mcopy -i disk b ::1 && mcopy -i disk a ::2 && mcopy -i disk b ::3 && mdel -i disk ::1 ::3"))
    GTEST_SKIP() << "no mkfs.fat or mcopy";
  const std::string two = tree_["/sources/install.wim"];
  tree_.clear();
  tree_["/2"] = two;
  file("large in pieces.bin", 900'000);
  ASSERT_TRUE(run("mcopy -i disk 'tree/large in pieces.bin' ::"));
  tree_["/short.txt"] = tree_["/efi/boot/bootx64.efi"] = "";  // not here
  const MediumMap map = map_of("disk", 512);
  tree_.erase("/short.txt");
  tree_.erase("/efi/boot/bootx64.efi");
  check(map, 512);
}

TEST_F(MadeImages, ThePartitionOfAHybrid) {
  if (!run("truncate -s 2880K efi.img && mkfs.fat efi.img && mcopy -i efi.img -s tree/* :: && mkdir top && echo x "
           ">top/x"))
    GTEST_SKIP() << "no mkfs.fat or mcopy";
  // In a master boot record, and in a GUID partition table.
  for (const char* kind : {"0xef efi.img", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B efi.img -appended_part_as_gpt"}) {
    if (!run("xorriso -as mkisofs -quiet -R -J -o cd.iso -partition_offset 16 -append_partition 2 " +
             std::string(kind) + " top"))
      GTEST_SKIP() << "no xorriso";
    check(map_of("cd.iso", 512), 512, "partition 2 (EFI) ");
  }
}

TEST_F(MadeImages, ABootImage) {
  if (!run("truncate -s 2880K efi.img && mkfs.fat efi.img && mcopy -i efi.img -s tree/* :: && mkdir top && "
           "mv efi.img top/ && genisoimage -quiet -R -e efi.img -no-emul-boot -o cd.iso top"))
    GTEST_SKIP() << "no genisoimage, mkfs.fat or mcopy";
  check(map_of("cd.iso", 512), 512, "(EFI boot image) ");
}

}  // namespace
}  // namespace amtgate::ider
