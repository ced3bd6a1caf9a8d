#include "amtgate/image/local_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "tests/net/loop_fixture.h"

namespace amtgate::image {
namespace {

class LocalImageTest : public net::test::LoopTest {
 protected:
  LocalImageTest() {
    char name[] = "/tmp/amtgate-local.XXXXXX";
    sys::UniqueFd fd(::mkstemp(name));
    path_ = name;
    for (std::size_t i = 0; i < kSize; ++i) content_ += static_cast<char>(i * 7 + i / 253);
    EXPECT_EQ(::write(fd.get(), content_.data(), kSize), static_cast<ssize_t>(kSize));
    ::fsync(fd.get());
    ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);  // the kernel may or may not have it
  }
  ~LocalImageTest() override {
    reader_->stop();
    ::unlink(path_.c_str());
  }
  static constexpr std::size_t kSize = 3'000'100;
  Result<std::unique_ptr<Medium>> open(sys::UniqueFd fd) {
    return make_local_image(*loop, *reader_, std::move(fd), path_, 2048);
  }
  /// Waits for it where it says Later.
  Result<ider::Fetch> read(Medium& m, std::uint32_t lba, Buffer& out) {
    Result<ider::Fetch> got = m.read({lba}, out);
    bool news = false;
    m.on_news([&] { news = true; });
    while (got && *got == ider::Fetch::Later) {
      news = false;
      if (!run_until([&] { return news; })) break;
      got = m.read({lba}, out);
    }
    return got;
  }
  std::string path_, content_;
  std::unique_ptr<net::Worker> reader_ = std::move(*net::Worker::start("reader"));
};

TEST_F(LocalImageTest, IsReadWholeAndFilledUp) {
  const auto image = open(std::move(*open_image_file(path_)));
  ASSERT_TRUE(image) << image.error().detail;
  EXPECT_EQ((*image)->blocks().value, 1465U);
  std::string all;
  for (std::uint32_t lba = 0; lba < 1465; lba += 5) {
    Buffer out(5 * 2048, 0xee);
    const auto got = read(**image, lba, out);
    ASSERT_TRUE(got);
    ASSERT_EQ(*got, ider::Fetch::Done);
    all += as_text(out);
  }
  EXPECT_EQ(all.substr(0, kSize), content_);
  EXPECT_EQ(all.substr(kSize), std::string(1465 * 2048 - kSize, '\0'));
}

TEST_F(LocalImageTest, NothingOutsideIsRead) {
  const auto image = open(std::move(*open_image_file(path_)));
  Buffer out(2048);
  EXPECT_FALSE((*image)->read({1465}, out));
  Buffer two(4096);
  EXPECT_FALSE((*image)->read({1464}, two));
  EXPECT_FALSE((*image)->read({0xffffffff}, out));
}

TEST_F(LocalImageTest, AFileThatBecomesShorterIsAnError) {
  const auto image = open(std::move(*open_image_file(path_)));
  ASSERT_EQ(::truncate(path_.c_str(), 5000), 0);
  Buffer out(2048);
  EXPECT_FALSE(read(**image, 1000, out));
  EXPECT_NE((*image)->problem().find("shorter"), std::string::npos);
}

TEST_F(LocalImageTest, ReadsAheadUntilTheFileChanges) {
  const auto image = open(std::move(*open_image_file(path_)));
  Buffer whole(20 * 2048);
  ASSERT_TRUE(read(**image, 0, whole));  // the kernel has it now
  Buffer a(4 * 2048), b(6 * 2048);
  const std::array<MutableBytes, 2> pieces = {MutableBytes(a), MutableBytes(b)};
  const auto peek = [&](std::uint32_t lba) {
    bool there = false;  // what the other thread still reads comes first
    EXPECT_TRUE(run_until([&] { return there = (*image)->peek({lba}, pieces); }));
    return there;
  };
  ASSERT_TRUE(peek(3));
  EXPECT_EQ(as_text(a), content_.substr(3 * 2048, a.size()));
  EXPECT_EQ(as_text(b), content_.substr(7 * 2048, b.size()));
  EXPECT_TRUE((*image)->confirm());
  EXPECT_FALSE((*image)->peek({1460}, pieces)) << "behind the end";
  ASSERT_TRUE(peek(3));
  const timespec times[2] = {{0, UTIME_OMIT}, {1000000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path_.c_str(), times, 0), 0);
  EXPECT_FALSE((*image)->confirm());
}

TEST_F(LocalImageTest, WhatComesBeforeABadPlaceIsRead) {
  const auto image = open(std::move(*open_image_file(path_)));
  ASSERT_EQ(::truncate(path_.c_str(), 1'000'000), 0);
  Buffer out(2048);
  for (const std::uint32_t lba : {480U, 487U}) {  // its piece reaches over the end
    const auto got = read(**image, lba, out);
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(as_text(out), std::string_view(content_).substr(lba * 2048, 2048));
  }
  EXPECT_FALSE(read(**image, 489, out));
  ASSERT_TRUE(read(**image, 3, out));  // and the others go on
  EXPECT_NE((*image)->problem(), "");
  EXPECT_FALSE(read(**image, 489, out));
}

TEST_F(LocalImageTest, ABadPlaceThatTheKernelHasAgainIsNoProblem) {
  const auto image = open(std::move(*open_image_file(path_)));
  for (const bool in_pieces : {false, true}) {
    ASSERT_EQ(::truncate(path_.c_str(), 1'000'000), 0);
    Buffer out(2048);
    ASSERT_FALSE(read(**image, 600, out));
    ASSERT_FALSE(read(**image, 488, out));
    ASSERT_NE((*image)->problem(), "");
    const sys::UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(::write(fd.get(), content_.data(), kSize), static_cast<ssize_t>(kSize));  // all of it is in memory
    Result<ider::Fetch> got = ider::Fetch::Later;
    if (in_pieces) {
      const std::array<MutableBytes, 1> pieces = {MutableBytes(out)};
      got = (*image)->read_pieces({488}, pieces);
      ASSERT_TRUE(got) << got.error().detail;
    }
    if (*got == ider::Fetch::Later) got = read(**image, 488, out);
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ(as_text(out), std::string_view(content_).substr(488 * 2048, 2048));
    EXPECT_EQ((*image)->problem(), "");
  }
}

TEST_F(LocalImageTest, WhatIsNoImageIsRefused) {
  EXPECT_FALSE(open(sys::UniqueFd(::open("/tmp", O_RDONLY | O_CLOEXEC))));
  EXPECT_FALSE(open(sys::UniqueFd(::open("/dev/zero", O_RDONLY | O_CLOEXEC))));
  EXPECT_FALSE(open(sys::UniqueFd(::open(path_.c_str(), O_WRONLY | O_CLOEXEC))));
  EXPECT_FALSE(open(sys::UniqueFd(::open(path_.c_str(), O_PATH | O_CLOEXEC))));
  EXPECT_FALSE(open(sys::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))));
  ASSERT_EQ(::truncate(path_.c_str(), 0), 0);
  EXPECT_FALSE(open(std::move(*open_image_file(path_))));
  EXPECT_FALSE(open_image_file("/nowhere/x"));
}

}  // namespace
}  // namespace amtgate::image
