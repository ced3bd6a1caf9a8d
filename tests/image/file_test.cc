#include "amtgate/image/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>

#include "amtgate/base/bytes.h"

namespace amtgate::image {
namespace {

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    char name[] = "/tmp/amtgate-image.XXXXXX";
    const int fd = ::mkstemp(name);
    path_ = name;
    if (fd >= 0) ::close(fd);
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TemporaryFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(File, CountsAndFillsUpTheLastBlock) {
  const TemporaryFile file(std::string(512, 'a') + "bc");
  auto image = File::open(file.path(), 512);
  ASSERT_TRUE(image) << image.error().detail;
  EXPECT_EQ((*image)->blocks().value, 2U);
  EXPECT_EQ((*image)->size(), 514U);
  Buffer out(1024, 0xff);
  ASSERT_TRUE((*image)->read({0}, out));
  EXPECT_EQ(as_text(out), std::string(512, 'a') + "bc" + std::string(510, '\0'));
  Buffer last(512);
  ASSERT_TRUE((*image)->read({1}, last));
  EXPECT_EQ(as_text(last).substr(0, 3), std::string("bc\0", 3));
}

TEST(File, RefusesBlocksOutsideTheImage) {
  const TemporaryFile file(std::string(4096, 'x'));
  auto image = File::open(file.path(), 2048);
  ASSERT_TRUE(image);
  Buffer two(4096);
  EXPECT_TRUE((*image)->read({0}, two));
  EXPECT_FALSE((*image)->read({1}, two));
  EXPECT_FALSE((*image)->read({2}, two));
  EXPECT_FALSE((*image)->read({0xffffffff}, two));
}

TEST(File, SaysWhenTheFileBecameShorter) {
  const TemporaryFile file(std::string(4096, 'x'));
  auto image = File::open(file.path(), 2048);
  ASSERT_TRUE(image);
  ASSERT_EQ(::truncate(file.path().c_str(), 100), 0);
  Buffer block(2048);
  const auto r = (*image)->read({1}, block);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().detail.find("shorter"), std::string::npos);
}

TEST(File, NamesWhatCannotBeAnImage) {
  const TemporaryFile empty("");
  for (const std::string& path : {empty.path(), std::string("/tmp"), std::string("/nowhere/at/all.iso")}) {
    const auto image = File::open(path, 2048);
    ASSERT_FALSE(image) << path;
    EXPECT_NE(image.error().detail.find(path), std::string::npos);
  }
}

TEST(File, WritesThrough) {
  const TemporaryFile file(std::string(2048, 'a'));
  {
    auto image = File::open(file.path(), 512, Access::Write);
    ASSERT_TRUE(image) << image.error().detail;
    EXPECT_TRUE((*image)->writable());
    ASSERT_TRUE((*image)->write({1}, Buffer(1024, 'b')));
    EXPECT_FALSE((*image)->write({3}, Buffer(1024, 'c'))) << "past the end";
    EXPECT_FALSE((*image)->write({0xffffffff}, Buffer(512, 'c')));
    EXPECT_TRUE((*image)->flush());
    EXPECT_FALSE((*image)->changed()) << "its own writes are none";
    const auto second = File::open(file.path(), 512, Access::Write);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::Busy);
  }
  std::stringstream out;
  out << std::ifstream(file.path(), std::ios::binary).rdbuf();
  EXPECT_EQ(out.str(), std::string(512, 'a') + std::string(1024, 'b') + std::string(512, 'a'));
  auto read_only = File::open(file.path(), 512);
  ASSERT_TRUE(read_only);
  EXPECT_FALSE((*read_only)->writable());
  EXPECT_FALSE((*read_only)->write({0}, Buffer(512, 'c')));
}

TEST(File, IsNotWrittenWhereTheLastBlockIsNotWhole) {
  const TemporaryFile file(std::string(700, 'a'));
  const auto image = File::open(file.path(), 512, Access::Write);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().detail, file.path() + ": 700 bytes are not whole blocks of 512; it cannot be written");
}

TEST(File, TellsOfChangesOnce) {
  const TemporaryFile file(std::string(2048, 'a'));
  auto image = File::open(file.path(), 512);
  ASSERT_TRUE(image);
  EXPECT_FALSE((*image)->changed());
  const timespec times[2] = {{1, 0}, {1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file.path().c_str(), times, 0), 0);
  EXPECT_EQ((*image)->changed().value_or(""), file.path() +
                                                  ": it was changed while it is served; the machine may have "
                                                  "read the half of it before");
  EXPECT_FALSE((*image)->changed());
  ASSERT_EQ(::truncate(file.path().c_str(), 1000), 0);
  EXPECT_EQ((*image)->changed().value_or(""),
            file.path() + ": it has become shorter, 1000 bytes of 2048; the machine reads errors behind that");
}

/// Two pieces behind one another, as an answer has them.
struct Peeked {
  explicit Peeked(ider::BlockSource& from, std::uint32_t lba, std::size_t each = 2048) : a(each), b(each) {
    const std::array<MutableBytes, 2> pieces = {MutableBytes(a), MutableBytes(b)};
    there = from.peek({lba}, pieces);
  }
  std::string text() const { return std::string(as_text(a)) + std::string(as_text(b)); }
  Buffer a, b;
  bool there = false;
};

TEST(File, ReadsAheadUntilTheFileChanges) {
  const std::string content = std::string(2048, 'a') + std::string(2048, 'b') + std::string(2048, 'c');
  const TemporaryFile file(content + "d");
  auto image = File::open(file.path(), 2048);
  ASSERT_TRUE(image);
  for (const std::uint32_t lba : {0U, 1U}) {
    const Peeked p(**image, lba);
    ASSERT_TRUE(p.there);
    EXPECT_EQ(p.text(), content.substr(lba * 2048, 4096));
    EXPECT_TRUE((*image)->confirm());
  }
  EXPECT_FALSE(Peeked(**image, 2).there) << "the last block has to be filled up";
  EXPECT_FALSE(Peeked(**image, 4).there);
  EXPECT_FALSE(Peeked(**image, 0xffffffff).there);

  ASSERT_TRUE(Peeked(**image, 0).there);
  const timespec times[2] = {{0, UTIME_OMIT}, {1000000, 0}};  // written to, as its date says
  ASSERT_EQ(::utimensat(AT_FDCWD, file.path().c_str(), times, 0), 0);
  EXPECT_FALSE((*image)->confirm());
  ASSERT_TRUE(Peeked(**image, 0).there);
  EXPECT_TRUE((*image)->confirm()) << "what is read after the change is as good as any";
  ASSERT_TRUE(Peeked(**image, 1).there);
  ASSERT_EQ(::truncate(file.path().c_str(), 5000), 0);
  EXPECT_FALSE((*image)->confirm());
  EXPECT_FALSE(Peeked(**image, 1).there);
}

}  // namespace
}  // namespace amtgate::image
