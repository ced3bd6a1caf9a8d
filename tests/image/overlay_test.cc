#include "amtgate/image/overlay.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

#include "amtgate/image/blank_floppy.h"
#include "tests/ider/memory_source.h"

namespace amtgate::image {
namespace {

class OverlayTest : public testing::Test {
 protected:
  OverlayTest() {
    char name[] = "/tmp/amtgate-overlay.XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/overlay";
  }
  ~OverlayTest() override {
    ::unlink(path_.c_str());
    ::rmdir(folder_.c_str());
  }
  std::string content() const {
    std::stringstream out;
    out << std::ifstream(path_, std::ios::binary).rdbuf();
    return out.str();
  }
  void put(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
  /// The sentence that refuses the file.
  std::string refused() {
    const auto o = Overlay::open(path_, base_);
    return o ? "" : o.error().detail;
  }
  static Buffer filled(std::size_t blocks, std::uint8_t with) { return Buffer(blocks * 512, with); }

  std::string folder_, path_;
  test::MemorySource base_{512, 2880};
};

TEST_F(OverlayTest, KeepsWhatIsWrittenFromRunToRun) {
  const Buffer before = base_.image();
  {
    auto o = Overlay::open(path_, base_);
    ASSERT_TRUE(o) << o.error().detail;
    EXPECT_EQ((*o)->written(), 0u);
    ASSERT_TRUE((*o)->write({7}, filled(3, 0xaa)));
    ASSERT_TRUE((*o)->write({2879}, filled(1, 0xbb)));
    ASSERT_TRUE((*o)->write({8}, filled(1, 0xcc)));
    ASSERT_TRUE((*o)->flush());
    EXPECT_EQ((*o)->written(), 4u);
  }
  EXPECT_TRUE(base_.image() == before);
  auto o = Overlay::open(path_, base_);
  ASSERT_TRUE(o) << o.error().detail;
  EXPECT_EQ((*o)->written(), 4u);
  EXPECT_TRUE((*o)->writable());
  Buffer whole(2880 * 512);
  ASSERT_TRUE((*o)->read({0}, whole));
  Buffer want = before;
  std::fill_n(want.begin() + 7 * 512, 3 * 512, std::uint8_t{0xaa});
  std::fill_n(want.begin() + 8 * 512, 512, std::uint8_t{0xcc});
  std::fill_n(want.begin() + 2879 * 512, 512, std::uint8_t{0xbb});
  EXPECT_TRUE(whole == want);
  Buffer out(1024);
  EXPECT_FALSE((*o)->read({2879}, out));
  EXPECT_FALSE((*o)->write({2879}, out));
  EXPECT_FALSE((*o)->write({0xffffffff}, out));
  EXPECT_FALSE((*o)->write({0}, Buffer(100)));
}

TEST_F(OverlayTest, ReadsAheadOnlyWhatWasNotWritten) {
  base_.can_peek = true;
  auto o = Overlay::open(path_, base_);
  ASSERT_TRUE(o) << o.error().detail;
  ASSERT_TRUE((*o)->write({12}, filled(1, 0xaa)));
  Buffer a(4 * 512), b(4 * 512);
  const std::array<MutableBytes, 2> pieces = {MutableBytes(a), MutableBytes(b)};
  ASSERT_TRUE((*o)->peek({4}, pieces));
  EXPECT_TRUE(std::equal(a.begin(), a.end(), base_.image().begin() + 4 * 512));
  EXPECT_TRUE(std::equal(b.begin(), b.end(), base_.image().begin() + 8 * 512));
  EXPECT_TRUE((*o)->confirm());
  EXPECT_FALSE((*o)->peek({5}, pieces)) << "block 12 is the overlay's";
  EXPECT_FALSE((*o)->peek({12}, pieces));
  EXPECT_TRUE((*o)->peek({13}, pieces));
  base_.stale = true;
  EXPECT_FALSE((*o)->confirm());
  EXPECT_FALSE((*o)->peek({2876}, pieces));
}

TEST_F(OverlayTest, HasTheFormatThatIsDocumented) {
  {
    auto o = Overlay::open(path_, base_);
    ASSERT_TRUE(o);
    ASSERT_TRUE((*o)->write({9}, filled(1, 0x5a)));
  }
  const std::string bytes = content();
  EXPECT_EQ(bytes.substr(0, 16), std::string("AMTGOVL1\0\2\0\0\x40\x0b\0\0", 16));
  EXPECT_EQ(bytes.substr(4096, 3), std::string("\0\2\0", 3));
  ASSERT_EQ(bytes.size(), 8192U + 10 * 512);
  EXPECT_EQ(bytes.substr(8192 + 9 * 512), std::string(512, 0x5a));
}

TEST_F(OverlayTest, RefusesWhatIsNoneInClearWords) {
  {
    auto o = Overlay::open(path_, base_);
    ASSERT_TRUE(o);
    ASSERT_TRUE((*o)->write({100}, filled(2, 1)));
    EXPECT_NE(refused().find("somebody else writes it"), std::string::npos);
  }
  const std::string good = content();
  EXPECT_EQ(refused(), "");
  const auto with = [&](std::size_t at, const std::string& bytes) {
    std::string s = good;
    s.replace(at, bytes.size(), bytes);
    put(s);
    return refused();
  };
  EXPECT_EQ(with(0, "X"), path_ + ": it is not an overlay of amtgate's");
  EXPECT_EQ(with(8, std::string("\1\0", 2)), path_ + ": the overlay is damaged: a block size of 1");
  EXPECT_EQ(with(12, std::string("\0\0\0\0", 4)), path_ + ": the overlay is damaged: 0 blocks");
  EXPECT_EQ(with(15, "\x7f"), path_ + ": the overlay is damaged: 2130709312 blocks");
  EXPECT_EQ(with(30, "X"), path_ + ": the overlay is damaged, or of a later version");
  EXPECT_NE(with(12, std::string("\x41", 1)).find("belongs to another image"), std::string::npos);
  EXPECT_NE(with(16, "XXXXXXXX").find("belongs to another image"), std::string::npos);
  EXPECT_EQ(with(4096 + 359, "\x01"), path_ + ": the overlay is cut short: block 2872 is missing");
  put(good.substr(0, good.size() - 1));
  EXPECT_EQ(refused(), path_ + ": the overlay is cut short: block 101 is missing");
  put(good.substr(0, 5000));
  EXPECT_EQ(refused(), path_ + ": the overlay is cut short");
  put(good.substr(0, 100));
  EXPECT_EQ(refused(), path_ + ": the overlay is cut short");
  put("not much");
  EXPECT_EQ(refused(), path_ + ": it is not an overlay of amtgate's");
  put(good);
  Buffer one(512, 0x77);
  base_.can_write = true;
  ASSERT_TRUE(base_.write({50}, one));
  EXPECT_NE(refused().find("the image was changed since"), std::string::npos);
}

TEST_F(OverlayTest, RefusesBitsBehindTheEnd) {
  test::MemorySource odd(512, 13);
  { ASSERT_TRUE(Overlay::open(path_, odd)); }
  std::string s = content();
  s[4097] = 0x20;  // block 13 of 13
  put(s + std::string(16 * 512, 'x'));
  const auto o = Overlay::open(path_, odd);
  ASSERT_FALSE(o);
  EXPECT_EQ(o.error().detail, path_ + ": the overlay is damaged: it has blocks behind the image's end");
}

TEST_F(OverlayTest, SaysWhenItBecameShorter) {
  auto o = Overlay::open(path_, base_);
  ASSERT_TRUE(o);
  ASSERT_TRUE((*o)->write({100}, filled(2, 1)));
  ASSERT_EQ(::truncate(path_.c_str(), 9000), 0);
  Buffer out(1024);
  const auto r = (*o)->read({100}, out);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().detail, path_ + ": the overlay has become shorter");
}

TEST(BlankFloppy, IsFormatted) {
  BlankFloppy floppy;
  Buffer all(2880 * 512);
  ASSERT_TRUE(floppy.read({0}, all));
  EXPECT_EQ(as_text(Bytes(all).subspan(54, 8)), "FAT12   ");
  EXPECT_EQ(all[510], 0x55);
  EXPECT_EQ(all[511], 0xaa);
  EXPECT_EQ(all[512], 0xf0);
  EXPECT_EQ(all[512 * 10 + 2], 0xff);
  Buffer two(1024);
  ASSERT_TRUE(floppy.read({9}, two));
  EXPECT_EQ(two[512], 0xf0);
  EXPECT_FALSE(floppy.read({2879}, two));
}

}  // namespace
}  // namespace amtgate::image
