#include "amtgate/image/cache.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "amtgate/sys/file.h"
#include "tests/net/loop_fixture.h"

namespace amtgate::image {
namespace {

class CacheTest : public net::test::LoopTest {
 protected:
  CacheTest() {
    char name[] = "/tmp/amtgate-cache.XXXXXX";
    folder_ = ::mkdtemp(name);
    make(kLimit);
  }
  ~CacheTest() override {
    cache_.reset();
    disk_->stop();
    std::filesystem::remove_all(folder_);
  }
  static constexpr std::uint64_t kLimit = 64 * kChunk;
  void make(std::uint64_t limit) {
    if (!disk_) disk_ = std::move(*net::Worker::start("disk"));
    cache_ = std::make_unique<Cache>(*loop, *disk_, folder_ + "/images", limit);
  }
  /// An image of which the first `chunks` are here.
  void fill(const std::string& url, std::uint64_t size, std::uint64_t chunks, const std::string& tag = "\"a\"") {
    const auto entry = cache_->open(url);
    ASSERT_TRUE(entry->begin({size, tag, ""}));
    const Buffer block(kChunk, static_cast<std::uint8_t>(url.back()));
    for (std::uint64_t i = 0; i < chunks; ++i) {
      ASSERT_TRUE(entry->data().write(i * kChunk, block));
      entry->set(i);
    }
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_ + "/images"),
                                                  std::filesystem::directory_iterator()));
  }

  std::string folder_;
  std::unique_ptr<net::Worker> disk_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(CacheTest, WhatWasThereIsFoundAgain) {
  fill("http://h/x", 10 * kChunk, 3);
  cache_->flush();
  make(kLimit);  // as after a restart
  const auto entry = cache_->open("http://h/x");
  ASSERT_TRUE(entry->identity());
  EXPECT_EQ(entry->identity()->etag, "\"a\"");
  EXPECT_EQ(entry->map().count(), 3U);
  Buffer out(4);
  ASSERT_TRUE(entry->data().read(kChunk, out));
  EXPECT_EQ(as_text(out), "xxxx");
  EXPECT_FALSE(cache_->open("http://h/y")->identity());
}

TEST_F(CacheTest, WhatWasJustLetGoIsThereWithoutTheDisk) {
  fill("http://h/x", 10 * kChunk, 3);
  const auto entry = cache_->open("http://h/x");
  ASSERT_TRUE(entry->identity());
  EXPECT_EQ(entry->map().count(), 3U);
}

TEST_F(CacheTest, AMapIsNotTakenForAnotherImagesBytes) {
  fill("http://h/x", 10 * kChunk, 10);
  cache_->flush();
  const auto map = [&] {
    for (const auto& f : std::filesystem::directory_iterator(folder_ + "/images"))
      if (f.path().extension() == ".map") return f.path();
    return std::filesystem::path();
  }();
  const std::string old = *sys::read_file(map, kMaxMapFile);
  fill("http://h/x", 10 * kChunk, 1, "\"b\"");
  cache_->flush();
  ASSERT_TRUE(sys::write_file(map, old, 0600));  // as if it had been written last before a crash
  make(kLimit);
  EXPECT_FALSE(cache_->open("http://h/x")->identity());
}

TEST_F(CacheTest, AnotherLengthOnDiskIsNoImage) {
  fill("http://h/x", 10 * kChunk, 10);
  cache_->flush();
  for (const auto& f : std::filesystem::directory_iterator(folder_ + "/images"))
    if (f.path().extension() == ".data") std::filesystem::resize_file(f.path(), 5);
  make(kLimit);
  EXPECT_FALSE(cache_->open("http://h/x")->identity());
}

TEST_F(CacheTest, TheLongestUnusedGoes) {
  fill("http://h/x", 30 * kChunk, 30);
  cache_->flush();
  for (const auto& f : std::filesystem::directory_iterator(folder_ + "/images"))
    std::filesystem::last_write_time(f.path(), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  fill("http://h/y", 20 * kChunk, 20);
  cache_->flush();
  fill("http://h/z", 30 * kChunk, 1);
  cache_->flush();
  EXPECT_FALSE(cache_->open("http://h/x")->identity());
  EXPECT_TRUE(cache_->open("http://h/y")->identity());
  EXPECT_EQ(files(), 4U);
}

TEST_F(CacheTest, ThoseInUseStayAndWhatDoesNotFitIsRefused) {
  const auto x = cache_->open("http://h/x");
  ASSERT_TRUE(x->begin({40 * kChunk, "", ""}));
  const auto y = cache_->open("http://h/y");
  const Result<void> refused = y->begin({30 * kChunk, "", ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::TooLarge);
  EXPECT_TRUE(y->begin({20 * kChunk, "", ""}));
  EXPECT_FALSE(cache_->open("http://h/z")->begin({65 * kChunk, "", ""}));
}

TEST_F(CacheTest, TwoUsersOfOneNameDoNotShare) {
  const auto one = cache_->open("http://h/x");
  ASSERT_TRUE(one->begin({kChunk, "", ""}));
  const auto other = cache_->open("http://h/x");
  ASSERT_TRUE(other->begin({kChunk, "", ""}));
  ASSERT_TRUE(one->data().write(0, Buffer(kChunk, 1)));
  ASSERT_TRUE(other->data().write(0, Buffer(kChunk, 2)));
  Buffer out(1);
  ASSERT_TRUE(one->data().read(0, out));
  EXPECT_EQ(out[0], 1);
}

TEST_F(CacheTest, AnotherDaemonsFolderIsLeftAlone) {
  fill("http://h/x", 10 * kChunk, 3);
  cache_->flush();
  Cache other(*loop, *disk_, folder_ + "/images", kLimit);
  auto entry = other.open("http://h/x");
  EXPECT_FALSE(entry->identity());
  const Result<void> begun = entry->begin({kChunk, "", ""});
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Errc::Busy);
  EXPECT_NE(begun.error().detail.find(folder_ + "/images: give one of them a state"), std::string::npos);
  EXPECT_EQ(files(), 2U);
  entry.reset();
  cache_.reset();  // it has ended
  EXPECT_TRUE(other.open("http://h/x")->identity());
}

TEST_F(CacheTest, WhatIsAbandonedIsGoneAndStillReadable) {
  fill("http://h/x", 2 * kChunk, 2);
  const auto entry = cache_->open("http://h/x");
  ASSERT_TRUE(entry->identity());
  entry->abandon();
  Buffer out(1);
  EXPECT_TRUE(entry->data().read(0, out));
  cache_->flush();
  EXPECT_FALSE(cache_->open("http://h/x")->identity());
}

}  // namespace
}  // namespace amtgate::image
