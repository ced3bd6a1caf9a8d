#include "amtgate/image/file.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
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

}  // namespace
}  // namespace amtgate::image
